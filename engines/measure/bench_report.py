"""What ``bench`` makes of the work and the ceilings that were measured beside an engine."""

from __future__ import annotations

from typing import Any

from nitropilot.engines.measure.roofline import Ceilings, Work, bound_seconds


def held_against(
    report: dict[str, Any], work: dict[str, dict[str, int]], tries: list[dict[str, Any]]
) -> dict[str, Any]:
    """The least that a chunk could take here, by part, and how far above it the engine is.

    Args:
        report: What was measured of the engine.
        work: ``Work`` of the parts.
        tries: ``Ceilings``, measured several times; the best counts.
    """
    precision = weights_in(report["engine"]["precision"])
    ceilings = best_of(tries)
    parts: dict[str, dict[str, Any]] = {}
    for part, numbers in work.items():
        seconds, limit = bound_seconds(Work(**numbers), precision, ceilings)
        parts[part] = {
            "mb_read": round(Work(**numbers).bytes(precision) / 1e6, 1),
            "gigaoperations": round(numbers["operations"] / 1e9, 2),
            "least_ms": round(seconds * 1e3, 3),
            "limited_by": limit,
        }
    least = sum(part["least_ms"] for part in parts.values())
    return {
        "weights": precision,
        "mb_read": round(sum(part["mb_read"] for part in parts.values()), 1),
        "gb_per_s": round(ceilings.bytes_per_s / 1e9, 2),
        "gigaoperations_per_s": {
            name: round(rate / 1e9, 1) for name, rate in ceilings.operations_per_s.items()
        },
        "parts": parts,
        "least_ms": round(least, 3),
        "times_least": round(report["ms"]["total"]["p50"] / least, 2),
    }


def weights_in(precision: str) -> str:
    """``int8`` of ``int8, bfloat16 inside (error 1e-3)``."""
    return precision.split(",")[0].split(" ")[0]


def best_of(tries: list[dict[str, Any]]) -> Ceilings:
    """The best of several measurements: whatever disturbed the others is no limit."""
    rates: dict[str, float] = {}
    for one in tries:
        for name, rate in one["operations_per_s"].items():
            rates[name] = max(rate, rates.get(name, 0.0))
    first = tries[0]
    most = max(one["bytes_per_s"] for one in tries)
    return Ceilings(first["device"], first["threads"], most, rates)
