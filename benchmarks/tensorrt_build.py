"""Compiling a policy with TensorRT ahead of time: seconds, sizes and memory.

    python -m benchmarks.tensorrt_build [--json] [--policy random:full] [--precision bfloat16]
                                        [--target sm89,sm120]

Needs no card: ``tensorrt_rtx`` builds for any of its targets.  Prints what writing the ONNX
model takes, and for each target what building takes, the plan's size and the most memory
that the process has held until then.  Each plan is read back, and the library looks at its
head; nothing is left on the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import resource

MB = 1e6


def peak_gb() -> float | None:
    """The most memory that this process has held, where the system tells (GB)."""
    if sys.platform == "win32":
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most * (1 if sys.platform == "darwin" else 1024) / 1e9, 2)


def measure(policy: str, precision: str, targets: list[str], folder: Path) -> dict[str, Any]:
    """Build into ``folder``, one target after the other, and read each plan back."""
    from nitropilot.engines.tensorrt.build import build_plans, check_plan
    from nitropilot.engines.tensorrt.library import library_for
    from nitropilot.engines.tensorrt.plan_file import read_plan

    began = time.perf_counter()
    stages: list[tuple[float, float | None]] = []

    def tell(what: str, done: float) -> None:
        """At the beginning of each stage, and at the end."""
        stages.append((time.perf_counter() - began, peak_gb()))

    plans = build_plans(policy, targets, precision, folder, tell)
    rows = [
        {
            "target": plan.target,
            "seconds": round(plan.seconds, 1),
            "mb": round(plan.bytes / MB, 1),
            "peak_gb": peak,
        }
        for plan, (_, peak) in zip(plans, stages[2:], strict=True)
    ]
    for plan in plans:
        check_plan(library_for(plan.target), read_plan(plan.path).content)
    return {
        "policy": policy,
        "precision": precision,
        "library": library_for(targets[0]).label,
        "cpus": os.cpu_count(),
        "model": {"seconds": round(stages[1][0], 1), "peak_gb": stages[1][1]},
        "plans": rows,
    }


def print_table(result: dict[str, Any]) -> None:
    """The figures for people."""
    print(
        f"{result['policy']} in {result['precision']}, {result['library']}, {result['cpus']} CPUs"
    )
    print(f"{'':10}{'seconds':>9}{'MB':>9}{'peak GB':>9}")
    model = result["model"]
    print(f"{'model':10}{model['seconds']:9.1f}{'':9}{model['peak_gb'] or '?':>9}")
    for row in result["plans"]:
        peak = row["peak_gb"] or "?"
        print(f"{row['target']:10}{row['seconds']:9.1f}{row['mb']:9.1f}{peak:>9}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--policy", default="random:full")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--target", default="sm89", help="one or more, with commas between")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NITROPILOT_CACHE"] = folder  # the user's plans are not touched
        targets = options.target.split(",")
        result = measure(options.policy, options.precision, targets, Path(folder) / "plans")
    if options.json:
        print(json.dumps(result))
    else:
        print_table(result)


if __name__ == "__main__":
    if not __package__:  # run by path, this file would hide the package it measures
        sys.exit("run it from the repository's root as: python -m benchmarks.tensorrt_build")
    main()
