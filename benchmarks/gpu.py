"""What a CUDA card makes of the published architecture: ``make bench-gpu``.

    python -m benchmarks.gpu [--json] [--policy full] [--rounds 20]

Needs torch, numpy and safetensors only, and uses one card.  Random weights; every way to
run them takes turns in one process, on the same frame and noise:

    plain, float32      the baseline: one operator after the other, and in every step the
                        mixer, keys, values and conditioning anew
    plain, bfloat16     the same in bfloat16
    folded, bfloat16    the sampler graph, its kernels launched one by one
    graph, float32      TorchCudaEngine
    graph, bfloat16     TorchCudaEngine, the default on a card
    fused, bfloat16     TorchCudaEngine with torch.compile

A chunk is timed from the observation in the host's memory to the actions there.  The limit
is that of the weights: the bytes that a chunk has to read, at the bandwidth measured here.
Below the table stands what the time of the default goes to, by kind of kernel.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmarks.gpu_profile import profile
from nitropilot import NitroPilotError
from nitropilot.engines.measure.roofline import bound_seconds, count_work, measure_ceilings
from nitropilot.engines.pytorch.baseline import BaselineEngine
from nitropilot.engines.pytorch.cuda import TorchCudaEngine
from nitropilot.engines.pytorch.fused import hindrance
from tests.gpu.bare import bare_policy
from tests.gpu.compare import example, reference, relative, same_buttons

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from nitropilot.engines.base import Array, Engine, Request
    from nitropilot.policy.network.policy import Policy

LIMIT, STRETCH, TIMES_EAGER = 2.5, 1.5, 25.0
"""The bars: multiples of the limit, and how many times faster than the baseline."""
BASELINE, DEFAULT, FUSED = "plain, float32", "graph, bfloat16", "fused, bfloat16"
CHUNKS = {"plain": 1, "folded": 3}
"""Chunks in a round, by the first word; ten of the others."""


@dataclass
class Row:
    """A way to run the policy, and what was measured of it."""

    name: str
    engine: Engine | None = None
    why_not: str = ""
    load_s: float = 0.0
    first_s: float = 0.0
    card_mb: float = 0.0
    error: float = 0.0
    same_buttons: float = 0.0
    times: list[float] = field(default_factory=list)
    parts: list[dict[str, float]] = field(default_factory=list)


class Unrecorded(TorchCudaEngine):
    """The same kernels, launched one by one."""

    @staticmethod
    def _launched(run: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        result = run()

        def again() -> None:
            result.copy_(run())

        return again, result

    _record = _launched


def ways(policy: Policy, device: str) -> dict[str, Callable[[], Engine]]:
    """How to open each engine."""
    half = torch.bfloat16

    def fused() -> Engine:
        if why := hindrance():
            raise NitroPilotError(why)
        return TorchCudaEngine(policy, dtype=half, fused=True, device=device)

    return {
        BASELINE: lambda: BaselineEngine(copy.deepcopy(policy), device),
        "plain, bfloat16": lambda: BaselineEngine(copy.deepcopy(policy), device, half),
        "folded, bfloat16": lambda: Unrecorded(policy, dtype=half, device=device),
        "graph, float32": lambda: TorchCudaEngine(policy, dtype=torch.float32, device=device),
        DEFAULT: lambda: TorchCudaEngine(policy, dtype=half, device=device),
        FUSED: fused,
    }


def open_row(name: str, make: Callable[[], Engine], request: Request, wanted: Array) -> Row:
    """Load, run once, compare; a way that does not work here becomes a reason."""
    row = Row(name)
    before = torch.cuda.memory_allocated()
    began = time.perf_counter()
    try:
        row.engine = make()
        row.load_s = time.perf_counter() - began
        began = time.perf_counter()
        (chunk,) = row.engine.infer_batch([request])
        row.first_s = time.perf_counter() - began
    except Exception as error:  # noqa: BLE001 - one row must not cost the others
        row.engine, row.why_not = None, (str(error) or type(error).__name__).splitlines()[0]
        return row
    row.card_mb = (torch.cuda.memory_allocated() - before) / 1e6
    row.error = relative(chunk.actions, wanted)
    row.same_buttons = same_buttons(chunk.actions, wanted)
    return row


def measure(rows: list[Row], request: Request, rounds: int) -> None:
    """Let every way take turns."""
    for number in range(rounds + 1):
        for row in rows:
            if row.engine is None:
                continue
            for _ in range(CHUNKS.get(row.name.split(",")[0], 10)):
                began = time.perf_counter()
                (chunk,) = row.engine.infer_batch([request])
                if number:  # the first round warms up
                    row.times.append(time.perf_counter() - began)
                    row.parts.append(chunk.seconds)


def report(size: str, device: str, rounds: int) -> dict[str, Any]:
    """Measure everything."""
    policy = bare_policy(size)
    request = example(policy)
    wanted = reference(policy, request)
    rows = [open_row(name, make, request, wanted) for name, make in ways(policy, device).items()]
    measure(rows, request, rounds)
    ceilings = measure_ceilings(device)
    work = count_work(bare_policy(size, on_meta=True))
    table = [line_of(row, rows[0], work, ceilings.bytes_per_s) for row in rows]
    default = next(row for row in rows if row.name == DEFAULT)
    least = [bound_seconds(part, "bfloat16", ceilings) for part in work.values()]
    return {
        "policy": f"random:{size}",
        "card": torch.cuda.get_device_name(0),
        "torch": torch.__version__,
        "rounds": rounds,
        "gb_per_s": round(ceilings.bytes_per_s / 1e9, 1),
        "teraoperations_per_s": {
            name: round(rate / 1e12, 1) for name, rate in ceilings.operations_per_s.items()
        },
        "gb_read": round(sum(part.bytes("bfloat16") for part in work.values()) / 1e9, 3),
        "roofline_ms": round(sum(seconds for seconds, _ in least) * 1e3, 3),
        "rows": table,
        "bars": bars(table),
        "profile": {
            row.name: profile(row.engine, request)
            for row in (default, *(row for row in rows if row.name == FUSED))
            if row.engine is not None
        },
    }


def line_of(row: Row, baseline: Row, work: dict[str, Any], bytes_per_s: float) -> dict[str, Any]:
    """One line of the table."""
    if row.engine is None:
        return {"name": row.name, "why_not": row.why_not}
    precision = row.name.split(", ")[1]
    limit = sum(part.bytes(precision) for part in work.values()) / bytes_per_s
    p50 = float(np.percentile(row.times, 50))
    ratio = float(np.percentile(baseline.times, 50)) / p50 if baseline.times else None
    return {
        "name": row.name,
        "chunks": len(row.times),
        **{f"p{q}": round(float(np.percentile(row.times, q)) * 1e3, 3) for q in (50, 90, 99)},
        "parts_ms": {
            name: round(float(np.median([part[name] for part in row.parts])) * 1e3, 3)
            for name in row.parts[0]
        },
        "limit_ms": round(limit * 1e3, 3),
        "times_limit": round(p50 / limit, 2),
        "times_faster": round(ratio, 1) if ratio else None,
        "error": row.error,
        "same_buttons": row.same_buttons,
        "load_s": round(row.load_s, 2),
        "first_chunk_s": round(row.first_s, 2),
        "card_mb": round(row.card_mb, 1),
    }


def bars(table: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What was asked for, and whether the best way in bfloat16 reaches it."""
    ran = [line for line in table if "p50" in line]
    ours = [line for line in ran if line["name"] in (DEFAULT, FUSED)]
    if not ours:
        return {}
    best = min(ours, key=lambda line: float(line["p50"]))
    found: dict[str, dict[str, Any]] = {
        f"within {times:g} times the weights' limit{note}": {
            "found": best["times_limit"], "met": best["times_limit"] <= times,
        }
        for times, note in ((LIMIT, ""), (STRETCH, " (stretch)"))
    }  # fmt: skip
    for line in ran:
        if line["name"].startswith("plain"):
            ratio = round(line["p50"] / best["p50"], 1)
            found[f"{TIMES_EAGER:g} times faster than eager ({line['name']})"] = {
                "found": ratio, "met": ratio >= TIMES_EAGER,
            }  # fmt: skip
    return found


def print_report(result: dict[str, Any]) -> None:
    """For people."""
    rates = ", ".join(f"{v} Top/s in {k}" for k, v in result["teraoperations_per_s"].items())
    print(f"{result['policy']} on {result['card']}, torch {result['torch']}")
    print(f"measured: {result['gb_per_s']} GB/s, {rates}")
    print(
        f"a chunk reads {result['gb_read']} GB in bfloat16; at least {result['roofline_ms']} ms "
        "with its operations\n"
    )
    heads = ("ms a chunk", "p50", "p90", "p99", "limit", "x limit", "x faster", "error", "buttons")
    print(f"{heads[0]:18}" + "".join(f"{head:>10}" for head in heads[1:]) + "  parts")
    for line in result["rows"]:
        if "why_not" in line:
            print(f"{line['name']:18}  not here: {line['why_not']}")
            continue
        numbers = (line[k] for k in ("p50", "p90", "p99", "limit_ms", "times_limit"))
        parts = ", ".join(f"{name} {ms}" for name, ms in line["parts_ms"].items())
        print(
            f"{line['name']:18}" + "".join(f"{number:10.2f}" for number in numbers)
            + f"{line['times_faster'] or 0:10.1f}{line['error']:10.1e}"
            + f"{line['same_buttons']:10.1%}  {parts}; load {line['load_s']} s, first chunk "
            f"{line['first_chunk_s']} s, {line['card_mb']:.0f} MB of the card"
        )  # fmt: skip
    print()
    for bar, found in result["bars"].items():
        print(f"{bar}: {found['found']} - {'met' if found['met'] else 'missed'}")
    for name, seen in result["profile"].items():
        print(f"\nwhat the time of '{name}' goes to, ms a chunk:")
        if "why_not" in seen:
            print(f"  unknown: {seen['why_not']}")
            continue
        for kind, spent in seen["kinds"].items():
            print(f"  {kind:18}{spent['ms']:8.3f}  in {spent['kernels']:.0f} kernels")
        for kernel, spent in seen["longest"].items():
            print(f"    {spent:8.3f}  {kernel}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--policy", default="full", choices=("full", "tiny"))
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds is {options.rounds}, it must be 1 or more")
    if not torch.cuda.is_available():
        raise SystemExit(
            f"torch {torch.__version__} finds no CUDA device; install its CUDA build and a driver"
        )
    result = report(options.policy, "cuda", options.rounds)
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print_report(result)


if __name__ == "__main__":
    main()
