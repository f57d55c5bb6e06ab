"""Is a way of freezing equivalent to none?  Each number, at eight moments and at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.simulator.benchmark.statistics.equivalence import equivalence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.freeze.runs import Run
    from benchmarks.freeze.subjects import Subject

MOMENTS = 8
SPREADS = 2.0
"""The margin, in standard deviations of the runs that were not frozen ..."""
SHARE = 0.01
"""... and at least that share of the range that was measured in them."""


@dataclass(frozen=True)
class Row:
    """One number of one way, against the runs that were not frozen.

    Attributes:
        what: Such as "px at 3.0 s".
        free, held: Means.
        span: The range that was measured without freezes.
        spread: Standard deviation of the runs that were not frozen.
        margin: What the difference must be shown to be less than.
        p: Of the two one-sided tests.
        equivalent: What they say.
    """

    what: str
    free: float
    held: float
    span: float
    spread: float
    margin: float
    p: float
    equivalent: bool


def numbers(subject: Subject, runs: Sequence[Run], seconds: float) -> dict[str, list[float]]:
    """What is compared, a value of each run."""
    moments = np.linspace(seconds / MOMENTS, seconds, MOMENTS)
    found = {
        f"{name} at {moment:.1f} s": [float(run.at(moment)[column]) for run in runs]
        for column, name in enumerate(subject.read)
        for moment in moments
    }
    return found | {"time at the end": [run.finish for run in runs]}


def compare(
    subject: Subject, free: Sequence[Run], held: Sequence[Run], seconds: float
) -> list[Row]:
    """Test every number."""
    ranges = _ranges(subject, free)
    base, other = numbers(subject, free, seconds), numbers(subject, held, seconds)
    return [_row(what, base[what], other[what], ranges[what.split(" ")[0]]) for what in base]


def _ranges(subject: Subject, free: Sequence[Run]) -> dict[str, float]:
    every = np.concatenate([run.values for run in free])
    spans = dict(zip(subject.read, np.ptp(every, axis=0), strict=True))
    return {name: float(span) for name, span in spans.items()} | {
        "time": max(run.finish for run in free)
    }


def _row(what: str, free: list[float], held: list[float], span: float) -> Row:
    spread = float(np.std(free, ddof=1))
    margin = max(SPREADS * spread, SHARE * span, np.finfo(float).tiny)
    result = equivalence(held, free, margin)
    return Row(
        what, float(np.mean(free)), float(np.mean(held)), span, spread, margin, result.p,
        result.equivalent,
    )  # fmt: skip


def same(runs: Sequence[Run]) -> bool:
    """Whether all pictures and all numbers of all runs are equal."""
    return len({run.digest for run in runs}) == 1


def plain(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """For JSON."""
    return [vars(row) for row in rows]
