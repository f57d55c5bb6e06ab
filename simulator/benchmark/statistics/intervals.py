"""Intervals of a success rate: k of N episodes, each won or not.

Clopper and Pearson (1934) is exact: it holds the truth at least as often as it says, however few
the episodes.  Wilson (1927) is shorter, and holds it about as often as it says.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from nitropilot.simulator.benchmark.statistics.errors import no_scipy

CONFIDENCE = 0.95

Method = Literal["exact", "wilson"]


class Interval(NamedTuple):
    """From ``low`` to ``high``, both of them in it."""

    low: float
    high: float


def success_interval(
    successes: int, episodes: int, method: Method = "exact", confidence: float = CONFIDENCE
) -> Interval:
    """The two-sided interval of a success rate; 0 to 1 without any episode.

    Args:
        successes: Episodes that were won, 0 to ``episodes``.
        episodes: N.
        method: "exact" (Clopper-Pearson) or "wilson".
        confidence: Above 0 and below 1.

    Raises:
        ValueError: The numbers do not fit.
        StatisticsUnavailable: There is no SciPy.
    """
    _check(successes, episodes, confidence)
    if not episodes:
        return Interval(0.0, 1.0)
    interval = _binomial(successes, episodes).proportion_ci(confidence, method=method)
    return Interval(float(interval.low), float(interval.high))


def upper_bound(successes: int, episodes: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided upper Clopper-Pearson bound of a success rate; 1 without any episode.

    With 95 %: 0 of 14 is 19.3 %, 2 of 30 is 19.5 %.

    Raises:
        ValueError: The numbers do not fit.
        StatisticsUnavailable: There is no SciPy.
    """
    _check(successes, episodes, confidence)
    if not episodes:
        return 1.0
    test = _binomial(successes, episodes, alternative="less")
    return float(test.proportion_ci(confidence, method="exact").high)


def sign_test(one: int, other: int) -> float:
    """How likely it is, two-sided and exactly, that a fair coin is as uneven as this.

    Args:
        one: Pairs in which one of two was better.
        other: Pairs in which the other was; those without a difference do not count.

    Raises:
        StatisticsUnavailable: There is no SciPy.
    """
    return float(_binomial(one, one + other).pvalue) if one + other else 1.0


def _binomial(successes: int, episodes: int, alternative: str = "two-sided") -> Any:
    try:
        from scipy.stats import binomtest
    except ImportError as error:
        raise no_scipy() from error
    return binomtest(successes, episodes, alternative=alternative)


def _check(successes: int, episodes: int, confidence: float) -> None:
    if not 0 <= successes <= episodes:
        raise ValueError(f"{successes} of {episodes} episodes cannot have been won")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"a confidence of {confidence} is none: above 0 and below 1")
