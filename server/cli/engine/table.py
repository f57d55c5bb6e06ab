"""The report of ``nitropilot engines bench`` for people."""

from __future__ import annotations

from typing import Any

from nitropilot.server.cli.terminal.output import console, print_table


def print_bench(report: dict[str, Any]) -> None:
    """Print what ``engines.measure.bench.bench`` measured."""
    engine = report["engine"]
    print_table(
        f"{report['policy']} on {engine['name']}, {engine['device']}, {engine['precision']}",
        ("ms per chunk", "p50", "p90", "p99"),
        [(part, *(f"{ms:.2f}" for ms in row.values())) for part, row in report["ms"].items()],
    )
    for line in lines_of(report):
        console().print(line, markup=False)


def lines_of(report: dict[str, Any]) -> list[str]:
    """What the table does not hold, a line each."""
    height, width = report["picture"]
    lines = [f"{report['chunks']} chunks, each from a {width} x {height} picture to the buttons"]
    if report["load_average"] is not None:
        lines[0] += f"; load average {report['load_average']} on {report['cpus']} processors"
    started = (
        f"first load {report['first_load_s']:.1f} s, load {report['load_s']:.1f} s, "
        f"start to first action {report['cold_start_s']:.1f} s with a warm cache"
    )
    if "compile_s" in report:
        started += f", compiling {report['compile_s']:.1f} s"
    lines.append(started)
    memory = f"peak memory {report['peak_mb']:.0f} MB"
    if report["device_peak_mb"] is not None:
        memory += f", of the card {report['device_peak_mb']:.0f} MB"
    lines.append(memory)
    if "roofline" in report:
        lines += _roofline_lines(report["roofline"])
    if "baseline" in report:
        lines.append(_baseline_line(report["baseline"]))
    return lines


def _roofline_lines(roofline: dict[str, Any]) -> list[str]:
    rates = ", ".join(
        f"{rate:.0f} Gop/s in {name}" for name, rate in roofline["gigaoperations_per_s"].items()
    )
    lines = [
        f"a chunk reads {roofline['mb_read']:.0f} MB ({roofline['weights']} weights); "
        f"this machine reads {roofline['gb_per_s']:.1f} GB/s and computes {rates}"
    ]
    lines += [
        f"  {name}: {part['mb_read']:.0f} MB, {part['gigaoperations']:.1f} Gop: at least "
        f"{part['least_ms']:.2f} ms, for its {part['limited_by']}"
        for name, part in roofline["parts"].items()
    ]
    least, times = roofline["least_ms"], roofline["times_least"]
    return [*lines, f"  together at least {least:.2f} ms: this engine takes {times} times that"]


def _baseline_line(baseline: dict[str, Any]) -> str:
    return (
        f"{baseline['ratio']} times faster than the plain way in the same run "
        f"({baseline['ratio_low']} to {baseline['ratio_high']} in {baseline['chunks']} turns; "
        f"it takes {baseline['ms']['total']['p50']:.0f} ms on {baseline['engine']['device']}), "
        f"actions within {baseline['relative_error']:.1e}"
    )
