"""``OpenVinoEngine``: the sampler graph compiled by OpenVINO, the default on a processor.

Also for Intel's GPUs and NPUs.  Compiled policies are cached: a warm start needs neither
torch nor the checkpoint's weights.
"""

from __future__ import annotations

import logging
import mmap
import sys
import time
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov

from nitropilot.engines.base import ActionChunk, Engine, EngineInfo, PolicySpec
from nitropilot.engines.batch import chunks_of, make_batch
from nitropilot.engines.cache import CacheDamaged, Entry, find, key_of, remove
from nitropilot.engines.errors import EngineError, EngineUnavailable, InferenceFailed, OutOfMemory
from nitropilot.engines.fingerprint import code_version, fingerprint_of
from nitropilot.engines.openvino.apart import build
from nitropilot.engines.openvino.eight_bits import has_products
from nitropilot.engines.openvino.settings import DEVICES, compile_settings
from nitropilot.engines.speeds import has_room, speeds_here
from nitropilot.policy.naming import title_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.engines.base import Request
    from nitropilot.engines.wish import Wish

log = logging.getLogger("nitropilot.engines")

CACHE = "openvino"
CODE = (
    "nitropilot.policy",
    "nitropilot.engines.base",
    "nitropilot.engines.batch",
    "nitropilot.engines.calibration",
    "nitropilot.engines.openvino.build",
    "nitropilot.engines.openvino.eight_bits",
    "nitropilot.engines.openvino.settings",
    "nitropilot.engines.spec",
)
"""What a compiled policy is made with; a change makes the cached ones void."""

CHOOSES = ("auto", "int8")
"""Precisions that leave it to us what is computed in."""


class OpenVinoEngine(Engine):
    """Runs a compiled policy.

    Args:
        entry: The cache entry that holds it.
        spec: What it takes and gives.
        device: OpenVINO's name of the device.
        reason: Why this engine was chosen.
        max_batch: Most requests at once; more than one only for an entry made for that.

    Raises:
        CacheDamaged: The entry is not what was written, or not for this OpenVINO.
    """

    def __init__(
        self, entry: Entry, spec: PolicySpec, device: str, reason: str, max_batch: int = 1
    ) -> None:
        self.spec = spec
        self.max_batch = max_batch
        about = entry.about
        self._single = not about["batched"]
        settings = compile_settings(about["compute"], about["parameters"])
        self._blobs: list[mmap.mmap] = []
        parts = []
        for name in ("frames", "sampler"):
            blob, compiled = _import(entry, name, device, settings)
            self._blobs.append(blob)
            self._forget_blobs()
            parts.append(compiled)
        self._requests: list[ov.InferRequest] | None = [
            compiled.create_infer_request() for compiled in parts
        ]
        threads = parts[0].get_property("INFERENCE_NUM_THREADS") if device == "CPU" else 0
        place = f"{device.lower()}, {threads} thread{'s' if threads > 1 else ''}"
        weights = f", {about['compute']} inside" if about["precision"] == "int8" else ""
        precision = f"{about['precision']}{weights} (error {about['error']:.1e})"
        self.info = EngineInfo("openvino", place if threads else device.lower(), precision, reason)

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As ``Engine.infer_batch``."""
        if self._requests is None:
            raise InferenceFailed("the engine is closed", "load the policy again")
        frames, sampler = self._requests
        began = time.perf_counter()
        batch = make_batch(self.spec, requests, self.max_batch)
        images = batch.images
        if self._single and len(images) < self.spec.frames:  # its shape is fixed
            missing = np.zeros((self.spec.frames - len(images), *images.shape[1:]), np.float32)
            images = np.concatenate([images, missing])
        ready = time.perf_counter()
        try:
            frames.infer([images, batch.order], share_inputs=True)
            seen = time.perf_counter()
            rest = (batch.prefix, batch.weights, batch.mix)
            sampler.set_input_tensor(1, frames.get_output_tensor(0))
            for place, array in zip((0, 2, 3, 4), (batch.noise, *rest), strict=True):
                sampler.set_input_tensor(place, ov.Tensor(np.ascontiguousarray(array)))
            sampler.infer()
            actions = sampler.get_output_tensor(0).data
            self._forget_blobs()
        except RuntimeError as error:
            raise _failure(error) from error
        seconds = {
            "preprocess": ready - began,
            "vision": seen - ready,
            "sampler": time.perf_counter() - seen,
        }
        return chunks_of(actions, batch.size, seconds)

    def close(self) -> None:
        """Free the weights."""
        self._requests = None
        self._blobs = []

    def _forget_blobs(self) -> None:
        """Give back the memory of weights as they were read; OpenVINO has repacked its own.

        What it still reads of them comes from the file again.
        """
        for blob in self._blobs:
            if sys.platform == "linux":
                blob.madvise(mmap.MADV_DONTNEED)


def _failure(error: RuntimeError) -> InferenceFailed:
    reason = str(error).strip().split("\n")[-1]
    full = "alloc" in reason.lower()
    return (OutOfMemory if full else InferenceFailed)(f"openvino: {reason}")


def _import(
    entry: Entry, name: str, device: str, settings: dict[str, str]
) -> tuple[mmap.mmap, ov.CompiledModel]:
    """A part of the policy, and the mapping of its file that it still reads from."""
    path = entry.checked(f"{name}.blob")
    with path.open("rb") as file:
        # A private mapping, because OpenVINO copies what it could not write to.
        blob = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    tensor = ov.Tensor(np.frombuffer(blob, np.uint8), shared_memory=True)
    try:
        compiled = _core().import_model(tensor, device, settings)
    except RuntimeError as error:
        reason = str(error).strip().split("\n")[-1]
        raise CacheDamaged(f"openvino does not take {path}: {reason}") from error
    return blob, compiled


@cache
def _core() -> ov.Core:
    return ov.Core()


def available(device: str) -> str:
    """The device's name."""
    name = DEVICES[device]
    found = _core().available_devices
    if not any(one == name or one.startswith(f"{name}.") for one in found):
        raise EngineUnavailable(
            f"openvino {_version()} finds no {name}: only {', '.join(found)}",
            "install Intel's driver for it, or use --device cpu",
        )
    computes, why = _fastest(name)
    return f"openvino {_version()}, {computes}" + (f" ({why})" if why else "")


def _fastest(device: str, room: bool = True) -> tuple[str, str]:
    """The precision that computes a chunk fastest, of those that are near enough; and why.

    ``room`` says whether the policy fits in float32.
    """
    if device != "CPU":
        return "float16", ""
    choice = _has_bfloat16(device)
    speeds = speeds_here(measure=choice)
    if speeds is None or "openvino" not in speeds.chunk_ms:
        return "float32", "bfloat16 could not be measured" if choice else ""
    return speeds.precision("openvino", room), speeds.of("openvino")


def _what_does_not_fit(wish: Wish, compute: str) -> str:
    """Said where the policy computes in another precision than the one that is faster here."""
    faster = _fastest(DEVICES[wish.device])[0]
    if wish.precision not in CHOOSES or compute == faster:
        return ""
    return f"; it computes in {compute}, as {faster} does not fit the free memory"


def _has_bfloat16(device: str) -> bool:
    return "BF16" in _core().get_property(device, "OPTIMIZATION_CAPABILITIES")


def _version() -> str:
    return str(ov.get_version()).split("-")[0]


def open_engine(wish: Wish, reason: str) -> OpenVinoEngine:
    """The compiled policy, from the cache or compiled now.

    Raises:
        EngineUnavailable: The device cannot run it in this precision.
        WrongResult: It runs it, and computes something else.
        PolicyError: There is no such policy.
    """
    device = DEVICES[wish.device]
    key, job = plan(wish)
    reason += _what_does_not_fit(wish, job["compute"])
    for attempt in range(2):
        entry = find(CACHE, key)
        if entry is None:
            build(job)
            entry = find(CACHE, key)
        try:
            if entry is None:
                raise CacheDamaged("the entry that was just made is gone")
            name = wish.policy if wish.policy.startswith("random:") else title_of(wish.policy)
            spec = _spec(entry, name)
            if spec.is_random:
                log.warning("%s has random weights: it presses buttons, it does not play", name)
            return OpenVinoEngine(entry, spec, device, reason, wish.max_batch)
        except (CacheDamaged, LookupError, TypeError) as error:
            remove(CACHE, key)
            if attempt:
                raise EngineError(f"the compiled policy cannot be used: {error}") from error
            log.warning("the compiled policy is stale or damaged (%s): building it again", error)
    raise AssertionError("unreachable")


def _spec(entry: Entry, name: str) -> PolicySpec:
    """The spec as the entry holds it; the name is the file's of today."""
    spec = PolicySpec.read(entry.about["spec"])
    return spec if spec.is_random else replace(spec, name=name)


def plan(wish: Wish) -> tuple[str, dict[str, Any]]:
    """The cache key of what ``wish`` asks for, and the job that builds it.

    Raises:
        EngineUnavailable: The device does not compute in that precision.
        PolicyError: There is no such policy.
    """
    device = DEVICES[wish.device]
    compute = _compute(device, wish.precision, wish.policy)
    job = {
        "policy": wish.policy,
        "device": device,
        "precision": "int8" if wish.precision == "int8" else compute,
        "compute": compute,
        "batched": wish.max_batch > 1,
        "products": wish.precision == "int8" and device == "CPU" and has_products(),
        "steps": wish.steps,
    }
    facts = {
        **job,
        "policy": fingerprint_of(wish.policy),
        "code": code_version(*CODE),
        "openvino": ov.get_version(),
        "device": [device, str(_core().get_property(device, "FULL_DEVICE_NAME"))],
        "capabilities": sorted(_core().get_property(device, "OPTIMIZATION_CAPABILITIES")),
    }
    key = key_of(facts)
    return key, {**job, "key": key}


def _compute(device: str, precision: str, policy: str) -> str:
    if precision in CHOOSES:
        return _fastest(device, has_room(policy))[0]
    if precision == "bfloat16" and not (device == "CPU" and _has_bfloat16(device)):
        raise EngineUnavailable(
            f"this {device} has no bfloat16: it computes in {_fastest(device)[0]}",
            "leave --precision out",
        )
    if precision not in ("float32", "bfloat16"):
        raise EngineUnavailable(
            f"openvino does not compute in {precision}", "use auto, float32, bfloat16 or int8"
        )
    return precision
