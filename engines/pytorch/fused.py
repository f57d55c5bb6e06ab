"""Fewer kernels for the CUDA engine, by torch.compile: prepared once, used ever after.

Compiling takes a minute or more, and needs Triton and a C compiler.  A player who starts a
game should not wait for that, nor find out then that it fails: ``nitropilot engines build
--engine torch`` does it, compares the answers and the speed with those of the plain
kernels, and notes the result in the cache.  The engine looks for such a note when it opens.

Blocks are compiled as they repeat: one of the vision encoder, one of the mixer and one
step of the sampler, instead of all in a row.
"""

from __future__ import annotations

import os
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nitropilot.children import find_program
from nitropilot.engines.base import Request
from nitropilot.engines.errors import EngineUnavailable
from nitropilot.policy import open_policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.engines.base import Engine
    from nitropilot.policy.network.graph import FramePart, SamplerPart

CACHE, KERNELS = "torch", "inductor"
OPTIONS: dict[str, Any] = {
    "mode": "max-autotune-no-cudagraphs", "fullgraph": True, "dynamic": False,
}  # fmt: skip
"""Several kernels are measured for each product; graphs are captured by the engine itself."""
CODE = (
    "nitropilot.policy",
    "nitropilot.engines.base",
    "nitropilot.engines.batch",
    "nitropilot.engines.pytorch.cuda",
    "nitropilot.engines.pytorch.fused",
    "nitropilot.engines.spec",
)
"""What kernels are made with; a change makes the prepared ones void."""
ALLOWED_ERROR = {torch.float32: 1e-5, torch.bfloat16: 2e-2}
SHAPES = 128
"""Sizes that one block may be compiled for: those of the vision encoder and of the mixer,
for each number of frames."""
CHUNKS = 50
NOT_PREPARED = (
    "kernels one by one (prepare faster ones with: nitropilot engines build --engine torch)"
)


def fuse(frames: FramePart, sampler: SamplerPart) -> None:
    """Make both parts compile themselves when they run for the first time.

    Nothing in them may quietly stay as it was: what cannot be compiled raises.
    """
    torch._dynamo.config.recompile_limit = max(SHAPES, torch._dynamo.config.recompile_limit)
    for block in [*frames.vision, *frames.mixer]:
        block.compile(**OPTIONS)
    sampler.velocity_with = torch.compile(  # type: ignore[method-assign]
        sampler.velocity_with, **OPTIONS
    )


def hindrance() -> str:
    """What is missing here for compiling; "" for nothing."""
    if find_spec("triton") is None:
        return "Triton is not installed (it comes with torch's CUDA build for Linux)"
    compilers = (os.environ.get("CC", "cc"), "gcc", "clang")
    if not any(find_program(name) for name in compilers):
        return "there is no C compiler"
    return ""


def was_prepared(policy: str, dtype: torch.dtype, max_batch: int = 1) -> tuple[bool, str]:
    """Whether fused kernels of this policy were found to be right and faster here; or why not."""
    from nitropilot.engines.cache import find

    if max_batch > 1:
        return False, "kernels one by one, because each size of a batch would be compiled anew"
    entry = find(CACHE, _key(policy, dtype))
    if entry is None:
        return False, NOT_PREPARED
    if not entry.about["fused"]:
        return False, f"kernels one by one: {entry.about['why']}"
    _keep_kernels_private()
    return True, ""


def build(policy: str, dtype: torch.dtype, tell: Callable[[str, float], None]) -> dict[str, Any]:
    """Compile, compare, and note whether fused kernels are to be used.

    Returns:
        What was noted: ``fused``, ``why``, ``error``, ``plain_ms``, ``fused_ms``, ``seconds``.

    Raises:
        EngineUnavailable: There is no card, or something to compile with is missing.
    """
    from nitropilot.engines.cache import new_entry
    from nitropilot.engines.pytorch.cuda import TorchCudaEngine, available

    available("cuda")
    if why := hindrance():
        raise EngineUnavailable(f"kernels cannot be fused here: {why}", "the engine runs without")
    _keep_kernels_private()
    began = time.perf_counter()
    tell("measuring the kernels one by one", 0.1)
    loaded = open_policy(policy)
    plain = TorchCudaEngine(loaded, dtype=dtype)
    wanted, plain_ms = _measure(plain)
    plain.close()
    tell("fusing them", 0.3)
    fused = TorchCudaEngine(loaded, dtype=dtype, fused=True)
    found, fused_ms = _measure(fused)
    fused.close()
    error = float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))
    about = {
        **verdict(error, ALLOWED_ERROR[dtype], plain_ms, fused_ms),
        "error": error,
        "plain_ms": round(plain_ms, 3),
        "fused_ms": round(fused_ms, 3),
        "seconds": round(time.perf_counter() - began, 3),
    }
    with new_entry(CACHE, _key(policy, dtype)) as (_, noted):
        noted |= about
    tell("done", 1.0)
    return about


def verdict(error: float, allowed: float, plain_ms: float, fused_ms: float) -> dict[str, Any]:
    """Whether to use the fused kernels, and why."""
    if not error <= allowed:  # nan is no error that is allowed
        return {"fused": False, "why": f"fused ones differ by {error:.1e}, allowed {allowed:.0e}"}
    if fused_ms >= plain_ms:
        return {"fused": False, "why": f"fused ones take {fused_ms:.2f} ms, these {plain_ms:.2f}"}
    return {"fused": True, "why": f"{fused_ms:.2f} ms instead of {plain_ms:.2f}"}


def _measure(engine: Engine) -> tuple[np.ndarray[Any, Any], float]:
    """The answer to an example, and the median of a chunk's milliseconds."""
    spec, rng = engine.spec, np.random.default_rng(0)
    shape = (spec.frames, 3, spec.image_size, spec.image_size)
    images = rng.uniform(-1, 1, shape).astype(np.float32)
    request = Request(images, engine.draw_noise(rng))
    (answer,) = engine.infer_batch([request])
    times = []
    for _ in range(CHUNKS):
        began = time.perf_counter()
        engine.infer_batch([request])
        times.append(time.perf_counter() - began)
    return answer.actions, float(np.median(times)) * 1e3


def _key(policy: str, dtype: torch.dtype) -> str:
    from nitropilot.engines.cache import key_of
    from nitropilot.engines.fingerprint import code_version, fingerprint_of

    return key_of(
        {
            "policy": fingerprint_of(policy),
            "precision": str(dtype),
            "code": code_version(*CODE),
            "torch": torch.__version__,
            "card": torch.cuda.get_device_name(0),
        }
    )


def _keep_kernels_private() -> None:
    """Compiled kernels are code: not into a folder of the system's that others can foresee."""
    from nitropilot.engines.cache import cache_folder

    folder: Path = cache_folder("engines", KERNELS)
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder))
    os.environ.setdefault("TRITON_CACHE_DIR", str(folder / "triton"))
