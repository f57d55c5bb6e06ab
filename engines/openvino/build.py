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

from nitropilot.engines.base import Request
from nitropilot.engines.batch import make_batch
from nitropilot.engines.cache import new_entry
from nitropilot.engines.errors import EngineError, WrongResult
from nitropilot.engines.openvino.settings import ALLOWED_ERROR, compile_settings
from nitropilot.engines.spec import policy_spec
from nitropilot.errors import NitroPilotError
from nitropilot.policy import open_policy
from nitropilot.policy.network.graph import FramePart, SamplerPart

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.engines.base import PolicySpec
    from nitropilot.engines.batch import Batch

CACHE = "openvino"
WHOLE = 16
"""Products whose sizes are no multiple of it stay as they are: 8-bit kernels are wrong or
slow there, and the sampler's first and last layers are where rounding hurts most."""


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
    """

    policy: str
    key: str
    device: str
    precision: str
    compute: str
    batched: bool


def build(job: Job) -> dict[str, Any]:
    """Build the entry; returns what it says about itself.

    Raises:
        WrongResult: It is not what torch computes.
        NitroPilotError: The policy cannot be loaded, or the cache not be written.
    """
    began = time.perf_counter()
    policy = open_policy(job.policy)
    spec = policy_spec(policy)
    parameters = sum(p.numel() for p in policy.parameters())
    job = replace(job, batched=job.batched or spec.game_rows > 0)  # guidance needs a twin
    frames, sampler = FramePart(policy), SamplerPart(policy)
    del policy
    batch = _example(spec, job.batched)
    images, order = torch.from_numpy(batch.images), torch.from_numpy(batch.order)
    rest = [torch.from_numpy(a) for a in (batch.prefix, batch.weights, batch.mix)]
    noise = torch.from_numpy(batch.noise)
    with torch.inference_mode():
        kvs = frames(images, order)
        wanted = sampler(noise, kvs, *rest).numpy()
    with new_entry(CACHE, job.key) as (folder, about):
        found = _compile(job, frames, (images, order), parameters, folder / "frames.blob")
        del frames
        inputs = (noise, torch.from_numpy(found), *rest)
        actions = _compile(job, sampler, inputs, parameters, folder / "sampler.blob")
        error = _error(job, actions, wanted)
        about |= {
            "spec": asdict(spec) | {"games": dict(spec.games)},
            "parameters": parameters,
            "precision": job.precision,
            "compute": job.compute,
            "batched": job.batched,
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


def _example(spec: PolicySpec, batched: bool) -> Batch:
    """A chunk to trace and check with; several, guided where that is possible, when batched."""
    rng = np.random.default_rng(0)
    shape = (spec.frames, 3, spec.image_size, spec.image_size)
    requests = [
        Request(
            rng.uniform(-1, 1, shape).astype(np.float32),
            rng.standard_normal((spec.horizon, spec.action_dim), np.float32),
            cfg_scale=1.5 if spec.game_rows and number else 1.0,
        )
        for number in range(3 if batched else 1)
    ]
    return make_batch(spec, requests, len(requests))


def _compile(
    job: Job,
    part: torch.nn.Module,
    inputs: tuple[torch.Tensor, ...],
    parameters: int,
    path: Path,
) -> np.ndarray[Any, Any]:
    """Convert, compile and export one part; returns what it computes from ``inputs``."""
    model = ov.convert_model(part, example_input=inputs)
    shapes = [list(tensor.shape) for tensor in inputs]
    model.reshape(dict(zip(model.inputs, map(ov.PartialShape, shapes), strict=True)))
    if job.batched:
        free = {"frames.blob": ((0,), (0,)), "sampler.blob": ((0,), (2,), (0,), (0,), (0, 1))}
        for shape, places in zip(shapes, free[path.name], strict=True):
            for place in places:
                shape[place] = -1
        model.reshape(dict(zip(model.inputs, map(ov.PartialShape, shapes), strict=True)))
    model = _light(job, model, path)
    core = ov.Core()
    compiled = core.compile_model(model, job.device, compile_settings(job.compute, parameters))
    del model
    path.with_suffix(".bin").unlink(missing_ok=True)
    path.with_suffix(".xml").unlink(missing_ok=True)
    path.write_bytes(_blob(compiled))
    answer: np.ndarray[Any, Any] = compiled([tensor.numpy() for tensor in inputs])[0]
    return np.array(answer, np.float32)


def _light(job: Job, model: ov.Model, path: Path) -> ov.Model:
    """Weights in 8 or 16 bits where the precision is that: less to keep and to read."""
    if job.precision == "int8":
        return _eight_bits(model)
    if job.precision == "float32":
        return model
    beside = path.with_suffix(".xml")
    ov.save_model(model, beside, compress_to_fp16=True)
    return ov.Core().read_model(beside)


def _eight_bits(model: ov.Model) -> ov.Model:
    """Symmetric 8-bit weights, a scale for each output channel."""
    import nncf

    ignored = [
        node.get_friendly_name()
        for node in model.get_ops()
        if node.get_type_name() == "MatMul" and _is_odd(node)
    ]
    scope = nncf.IgnoredScope(names=ignored) if ignored else None
    mode = nncf.CompressWeightsMode.INT8_SYM
    compressed: ov.Model = nncf.compress_weights(model, mode=mode, ignored_scope=scope)
    return compressed


def _is_odd(product: ov.Node) -> bool:
    constants = [value.get_node() for value in product.input_values()]
    return any(
        size % WHOLE
        for node in constants
        if node.get_type_name() == "Constant"
        for size in node.get_output_shape(0)
    )


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
    except (RuntimeError, MemoryError) as error:  # OpenVINO and torch raise it for everything
        reason = str(error).strip().split("\n")[0]
        answer = {"error": {"kind": EngineError.__name__, "message": reason, "hint": ""}}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
