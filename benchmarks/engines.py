"""Engines on this processor with the published architecture, beside the plain way.

    python -m benchmarks.engines [--json] [--policy full] [--repeat 10] [--only openvino]

For each engine and precision that works here: milliseconds a chunk from a 1080p picture to
the buttons, how many times faster than the plain way (float32, mixer and conditioning anew
at every step) in the same minutes, chunks taking turns; memory, start, and the distance to
what the machine could do at best.  The bars were set for two cores with AMX; the processor
is named, so that a machine without is not mistaken for one.  Takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from nitropilot import NitroPilotError
from nitropilot.engines.measure.bench import BenchSettings, bench
from nitropilot.policy.naming import SIZES

WAYS = (
    ("torch", "float32"), ("torch", "bfloat16"), ("openvino", "float32"),
    ("openvino", "bfloat16"), ("openvino", "int8"),
)  # fmt: skip
BARS: dict[str, tuple[tuple[str, float, bool], ...]] = {
    "bfloat16": (
        ("times faster than the plain way", 8.0, True), ("ms a chunk", 750.0, False),
        ("MB peak memory", 2200.0, False), ("s cold start", 6.0, False),
        ("s cold start (stretch)", 3.0, False),
    ),
    "int8": (
        ("times faster than the plain way (stretch)", 14.0, True),
        ("ms a chunk (stretch)", 420.0, False), ("MB peak memory (stretch)", 1400.0, False),
    ),
}  # fmt: skip
"""By precision: what is measured, the bar, and whether more is better."""
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8")


def processor() -> dict[str, Any]:
    """Name, cores and the instructions that matter here."""
    path = Path("/proc/cpuinfo")
    facts = {}
    if path.exists():
        lines = (line.partition(":") for line in path.read_text().splitlines())
        facts = {key.strip(): value.strip() for key, _, value in lines}
    flags = facts.get("flags", "").split()
    return {
        "name": facts.get("model name", "unknown"),
        "cores": os.cpu_count(),
        "instructions": [flag for flag in FLAGS if flag in flags],
    }


def figure(report: dict[str, Any], what: str) -> float:
    """The number that a bar is about."""
    if what.startswith("times"):
        return float(report["baseline"]["ratio"])
    if what.startswith("ms"):
        return float(report["ms"]["total"]["p50"])
    return float(report["peak_mb"] if what.startswith("MB") else report["cold_start_s"])


def bars(reports: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every bar against the quickest engine of its precision."""
    found = {}
    for precision, wanted in BARS.items():
        names = [n for n, r in reports.items() if n.endswith(f", {precision}") and "ms" in r]
        if not names:
            continue
        name = min(names, key=lambda name: figure(reports[name], "ms"))
        for what, limit, more in wanted:
            value = figure(reports[name], what)
            sign = "at least" if more else "under"
            found[f"{name}: {sign} {limit:g} {what}"] = {
                "found": value,
                "met": value >= limit if more else value < limit,
            }
    return found


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """One engine after another."""
    policy = f"random:{options.policy}" if options.policy in SIZES else options.policy
    reports: dict[str, dict[str, Any]] = {}
    for engine, precision in WAYS:
        if options.only not in ("", engine):
            continue
        name = f"{engine}, {precision}"
        print(f"{name} ...", file=sys.stderr)
        settings = BenchSettings(
            policy, engine, "cpu", precision, repeat=options.repeat, baseline=True,
            fresh_cache=options.fresh_cache, preload=("nitropilot.server.cli.play.play",),
        )  # fmt: skip
        try:
            reports[name] = bench(settings)
        except NitroPilotError as error:
            reports[name] = {"why_not": error.line()}
    return {"processor": processor(), "engines": reports, "bars": bars(reports)}


def print_result(result: dict[str, Any]) -> None:
    """For people."""
    cpu = result["processor"]
    print(f"{cpu['name']}, {cpu['cores']} cores, {', '.join(cpu['instructions'])}\n")
    heads = ("p50", "p90", "p99", "vision", "sampler", "x faster", "(low", "high)", "x least")
    more = ("error", "peak MB", "load s", "cold s", "load avg")
    print(f"{'ms a chunk':20}" + "".join(f"{head:>9}" for head in (*heads, *more)))
    for name, report in result["engines"].items():
        if "why_not" in report:
            print(f"{name:20}  not here: {report['why_not']}")
            continue
        ms, base, roof = report["ms"], report["baseline"], report["roofline"]
        numbers = [f"{ms['total'][q]:.0f}" for q in ("p50", "p90", "p99")]
        numbers += [f"{ms[part]['p50']:.0f}" for part in ("vision", "sampler")]
        numbers += [f"{base[key]:.1f}" for key in ("ratio", "ratio_low", "ratio_high")]
        numbers += [f"{roof['times_least']:.2f}", f"{base['relative_error']:.0e}"]
        numbers += [f"{report['peak_mb']:.0f}", f"{report['load_s']:.1f}"]
        numbers += [f"{report['cold_start_s']:.1f}", str(report["load_average"])]
        print(f"{name:20}" + "".join(f"{number:>9}" for number in numbers))
    print("\nthe least that the machine was measured to allow, ms:")
    for name, report in result["engines"].items():
        for part, least in report.get("roofline", {}).get("parts", {}).items():
            print(
                f"  {name:20}{part:8} {least['least_ms']:8.1f} of {report['ms'][part]['p50']:.1f}, "
                f"for its {least['limited_by']} ({least['mb_read']:.0f} MB at "
                f"{report['roofline']['gb_per_s']:.1f} GB/s, {least['gigaoperations']:.0f} Gop)"
            )
    print()
    for bar, found in result["bars"].items():
        print(f"{bar}: {found['found']:g} - {'met' if found['met'] else 'missed'}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--policy", default="full", help="full, tiny or a checkpoint")
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--only", default="", choices=("torch", "openvino"))
    parser.add_argument("--fresh-cache", action="store_true", help="measure compiling too")
    options = parser.parse_args()
    try:
        result = measure(options)
    except NitroPilotError as error:
        raise SystemExit(error.line()) from None
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print_result(result)


if __name__ == "__main__":
    main()
