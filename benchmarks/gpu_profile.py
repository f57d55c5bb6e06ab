"""What the time of a chunk on a card goes to, by kind of kernel."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nitropilot.engines.base import Engine, Request

KINDS = (
    ("matrix products", ("gemm", "gemv", "cutlass", "nvjet", "cublas", "splitk", "mm_")),
    ("attention", ("fmha", "flash", "attention", "sdpa")),
    ("norms", ("norm", "welford")),
    ("copies", ("memcpy", "memset", "copy", "cat")),
)
"""Kinds of kernels by what their names hold; the first that fits."""


def profile(engine: Engine, request: Request, chunks: int = 5) -> dict[str, Any]:
    """Milliseconds and launches of a chunk by kind of kernel; a reason where that fails."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as watch

    milliseconds: Counter[str] = Counter()
    launches: Counter[str] = Counter()
    names: Counter[str] = Counter()
    try:
        with watch(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as watched:
            for _ in range(chunks):
                engine.infer_batch([request])
        for event in watched.key_averages():
            if not str(event.device_type).endswith("CUDA"):
                continue
            spent = event.self_device_time_total / 1e3 / chunks
            milliseconds[kind_of(event.key)] += spent
            launches[kind_of(event.key)] += event.count
            names[event.key[:90]] += spent
    except Exception as error:  # noqa: BLE001 - not every machine lets kernels be watched
        return {"why_not": str(error).splitlines()[0] if str(error) else type(error).__name__}
    if not milliseconds:
        return {"why_not": "the profiler saw no kernel"}
    return {
        "kinds": {
            kind: {"ms": round(spent, 4), "kernels": launches[kind] / chunks}
            for kind, spent in milliseconds.most_common()
        },
        "longest": {name: round(spent, 4) for name, spent in names.most_common(8)},
    }


def kind_of(kernel: str) -> str:
    """What a kernel does, by its name."""
    name = kernel.lower()
    return next((kind for kind, words in KINDS if any(w in name for w in words)), "element-wise")
