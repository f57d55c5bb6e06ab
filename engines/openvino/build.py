"""Compile a policy with OpenVINO, check it against torch, and put it into the cache.

This runs as a process of its own (``python -m nitropilot.engines.openvino.build``, a JSON job on
stdin, a JSON answer on stdout): it needs several times the memory of the compiled policy,
which is given back when it ends.  Two models are made from the one sampler graph: what
runs once a chunk (``frames``) and the Euler steps (``sampler``).
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
import torch

from nitropilot.engines.base import SMALL, Request
from nitropilot.engines.batch import make_batch
from nitropilot.engines.cache import new_entry
from nitropilot.engines.calibration.pictures import pictures_to_check, pictures_to_measure
from nitropilot.engines.errors import EngineError, EngineUnavailable, WrongResult
from nitropilot.engines.openvino.eight_bits import light_products, light_weights
from nitropilot.engines.openvino.settings import ALLOWED_ERROR, compile_settings
from nitropilot.engines.spec import policy_spec
from nitropilot.errors import NitroPilotError
from nitropilot.policy import open_policy
from nitropilot.policy.network.graph import FramePart, SamplerPart

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nitropilot.engines.base import PolicySpec
    from nitropilot.engines.batch import Batch

CACHE = "openvino"
FRAMES, SAMPLER = "frames.blob", "sampler.blob"
INSTALL = "pip install 'nitropilot[int8]', which has all that compiling needs"
BATCH = 3
"""Requests together, in a batch to check with."""


@dataclass(frozen=True)
class Job:
    """What to build.

    Attributes:
        policy: As commands name it.
        key: The cache entry to make.
        device: OpenVINO's name of the device.
        precision: ``float32``, ``float16``, ``bfloat16`` or ``int8`` (weights).
        compute: What is computed in, one of the first three.
        batched: For any number of requests; otherwise for one, with shapes fixed.
        products: With ``int8``: what the vision encoder multiplies is 8 bits too, not only its
            weights; see ``openvino.eight_bits``.
        steps: Euler steps; None: as many as the policy says.
    """

    policy: str
    key: str
    device: str
    precision: str
    compute: str
    batched: bool
    products: bool = False
    steps: int | None = None


def build(job: Job) -> dict[str, Any]:
    """Build the entry; returns what it says about itself.

    Where 8-bit activations would change the actions too much, only the weights become 8 bits, and
    ``remark`` says so.

    Raises:
        WrongResult: It is not what torch computes.
        NitroPilotError: The policy cannot be loaded, or the cache not be written.
    """
    if not job.products:
        return _build(job)
    try:
        return _build(job)
    except WrongResult as error:
        remark = f"with activations in 8 bits {error}: only the weights are"
        return _build(replace(job, products=False)) | {"remark": remark}


def _build(job: Job) -> dict[str, Any]:
    began = time.perf_counter()
    policy = open_policy(job.policy, steps=job.steps)
    spec = policy_spec(policy)
    parameters = sum(p.numel() for p in policy.parameters())
    job = replace(
        job,
        batched=job.batched or spec.game_rows > 0,  # guidance needs a twin
        products=job.products and parameters >= SMALL,
    )
    frames, sampler = FramePart(policy), SamplerPart(policy)
    del policy
    batches = _examples(job, spec)
    shown = [_tensors(batch.images, batch.order) for batch in batches]
    asked = [_tensors(b.noise, b.prefix, b.weights, b.mix) for b in batches]
    with torch.inference_mode():
        wanted = [
            sampler(noise, frames(*one), *rest).numpy()
            for one, (noise, *rest) in zip(shown, asked, strict=True)
        ]
    with new_entry(CACHE, job.key) as (folder, about):
        measured = _measured(job, spec)
        found = _compile(job, frames, shown, parameters, folder / FRAMES, measured)
        del frames
        inputs = [
            (noise, torch.from_numpy(kvs), *rest)
            for kvs, (noise, *rest) in zip(found, asked, strict=True)
        ]
        actions = _compile(job, sampler, inputs, parameters, folder / SAMPLER)
        error = _error(job, np.stack(actions), np.stack(wanted))
        about |= {
            "spec": asdict(spec) | {"games": dict(spec.games)},
            "parameters": parameters,
            "precision": job.precision,
            "compute": job.compute,
            "batched": job.batched,
            "products": job.products,
            "error": error,
            "openvino": ov.get_version(),
            "seconds": round(time.perf_counter() - began, 3),
        }
    return about


def _error(job: Job, found: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> float:
    """Relative L2 error of the actions, if it is one that the precision explains."""
    error = float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))
    if not error <= ALLOWED_ERROR[job.precision]:  # nan is no error that is allowed
        raise WrongResult(
            f"openvino {ov.get_version()} computes this policy in {job.precision} on {job.device} "
            f"with a relative error of {error:.1e}, allowed are {ALLOWED_ERROR[job.precision]:.0e}",
            "use --engine torch, or another --precision",
        )
    return error


def _examples(job: Job, spec: PolicySpec) -> list[Batch]:
    """Chunks to trace and check with: real pictures where the precision was made for those."""
    if job.products:
        return _batches(job, spec, pictures_to_check(spec.image_size))
    count = BATCH if job.batched else 1
    shape = (count, spec.frames, 3, spec.image_size, spec.image_size)
    return _batches(job, spec, np.random.default_rng(0).uniform(-1, 1, shape))


def _batches(job: Job, spec: PolicySpec, pictures: Any) -> list[Batch]:
    """A chunk for each picture; when batched several together, guided where that is possible."""
    rng = np.random.default_rng(1)
    shape = (spec.frames, 3, spec.image_size, spec.image_size)
    requests = [
        Request(
            np.ascontiguousarray(np.broadcast_to(picture, shape), np.float32),
            rng.standard_normal((spec.horizon, spec.action_dim), np.float32),
            cfg_scale=1.5 if job.batched and spec.game_rows and number % BATCH else 1.0,
        )
        for number, picture in enumerate(pictures)
    ]
    size = BATCH if job.batched else 1
    together = [requests[i : i + size] for i in range(0, len(requests) - size + 1, size)]
    return [make_batch(spec, one, size) for one in together]


def _measured(job: Job, spec: PolicySpec) -> list[tuple[Any, ...]]:
    """What the vision encoder is given, for each picture to measure on."""
    if not job.products:
        return []
    batches = _batches(job, spec, pictures_to_measure(spec.image_size))
    return [(batch.images, batch.order) for batch in batches]


def _tensors(*arrays: np.ndarray[Any, Any]) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(array) for array in arrays)


def _compile(
    job: Job,
    part: torch.nn.Module,
    inputs: list[tuple[torch.Tensor, ...]],
    parameters: int,
    path: Path,
    measured: Sequence[tuple[Any, ...]] = (),
) -> list[np.ndarray[Any, Any]]:
    """Convert, compile and export one part; returns what it computes from each of ``inputs``."""
    model = ov.convert_model(_traced(part, inputs[0]), example_input=inputs[0])
    shapes = [list(tensor.shape) for tensor in inputs[0]]
    model.reshape(dict(zip(model.inputs, map(ov.PartialShape, shapes), strict=True)))
    if job.batched:
        free = {FRAMES: ((0,), (0,)), SAMPLER: ((0,), (2,), (0,), (0,), (0, 1))}
        for shape, places in zip(shapes, free[path.name], strict=True):
            for place in places:
                shape[place] = -1
        model.reshape(dict(zip(model.inputs, map(ov.PartialShape, shapes), strict=True)))
    model = _light(job, model, path, measured)
    core = ov.Core()
    compiled = core.compile_model(model, job.device, compile_settings(job.compute, parameters))
    del model
    path.with_suffix(".bin").unlink(missing_ok=True)
    path.with_suffix(".xml").unlink(missing_ok=True)
    path.write_bytes(_blob(compiled))
    answers = (compiled([tensor.numpy() for tensor in one])[0] for one in inputs)
    return [np.array(answer, np.float32) for answer in answers]


def _traced(part: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> torch.nn.Module:
    """The part as a graph; torch does not run it twice more to compare, for we hold what it
    computes against torch in the end."""
    with torch.no_grad():
        graph: torch.nn.Module = torch.jit.trace(part, inputs, check_trace=False)  # type: ignore[no-untyped-call]
    return graph


def _light(job: Job, model: ov.Model, path: Path, measured: Sequence[tuple[Any, ...]]) -> ov.Model:
    """Weights in 8 or 16 bits where the precision is that: less to keep and to read.

    With inputs to measure on, activations too.
    """
    if job.precision == "int8":
        return light_products(model, measured) if measured else light_weights(model)
    if job.precision == "float32":
        return model
    beside = path.with_suffix(".xml")
    ov.save_model(model, beside, compress_to_fp16=True)
    return ov.Core().read_model(beside)


def _blob(compiled: ov.CompiledModel) -> bytes:
    exported = compiled.export_model()
    return exported if isinstance(exported, bytes) else bytes(exported.getbuffer())


def main() -> None:
    """Build the job on stdin; the last line on stdout is the answer."""
    job = Job(**json.load(sys.stdin))
    try:
        answer: dict[str, Any] = {"about": build(job)}
    except NitroPilotError as error:
        answer = {
            "error": {"kind": type(error).__name__, "message": str(error), "hint": error.hint}
        }
    except ImportError as error:
        missing = {"message": f"{error.name} is not installed", "hint": INSTALL}
        answer = {"error": {"kind": EngineUnavailable.__name__, **missing}}
    except (RuntimeError, MemoryError) as error:  # OpenVINO and torch raise it for everything
        reason = str(error).strip().split("\n")[0]
        answer = {"error": {"kind": EngineError.__name__, "message": reason, "hint": ""}}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
