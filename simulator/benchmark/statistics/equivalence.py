"""Whether two samples have the same mean, as a claim to be shown and not the want of a difference.

Two one-sided tests (Schuirmann, 1987): the means are taken to differ by the margin or more, in
either direction, until both of that are refuted.  Variances may differ (Welch, 1947).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.simulator.benchmark.statistics.errors import no_scipy

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.05


@dataclass(frozen=True)
class Equivalence:
    """What the tests say.

    Attributes:
        difference: Mean of the first less mean of the second.
        margin: What it must be shown to be less than.
        p: The larger one of the two tests'.
        equivalent: Whether that is under ``LEVEL``.
    """

    difference: float
    margin: float
    p: float

    @property
    def equivalent(self) -> bool:
        """Whether both are refuted."""
        return self.p < LEVEL


def equivalence(first: Sequence[float], second: Sequence[float], margin: float) -> Equivalence:
    """Test whether two means differ by less than ``margin``.

    Samples that do not vary at all need no test: p is 0 or 1.

    Args:
        first, second: Two values or more of each.
        margin: Above 0.

    Raises:
        ValueError: The numbers do not fit.
        StatisticsUnavailable: There is no SciPy.
    """
    if min(len(first), len(second)) < 2:
        raise ValueError(f"two values or more of each are needed, not {len(first)}, {len(second)}")
    if not margin > 0:
        raise ValueError(f"the margin is {margin}: it has to be above 0")
    difference, parts = _mean(first) - _mean(second), [_of_mean(first), _of_mean(second)]
    error = math.sqrt(sum(parts))
    if error == 0:
        return Equivalence(difference, margin, 0.0 if abs(difference) < margin else 1.0)
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(sample) - 1) for part, sample in zip(parts, (first, second), strict=True)
    )
    try:
        from scipy.stats import t as student
    except ImportError as missing:
        raise no_scipy() from missing
    p = float(student.sf((margin - abs(difference)) / error, freedom))
    return Equivalence(difference, margin, p)


def _mean(sample: Sequence[float]) -> float:
    return math.fsum(sample) / len(sample)


def _of_mean(sample: Sequence[float]) -> float:
    """The variance of a sample's mean."""
    mean = _mean(sample)
    return math.fsum((x - mean) ** 2 for x in sample) / (len(sample) - 1) / len(sample)
