"""How often something happens in so much time, and whether it does less often in other time.

What happens one by one, at any moment alike, is taken to be Poisson.  The interval is Garwood's
(1936), the test of two is the exact conditional one (Przyborowski and Wilenski, 1940): if both
rates are the same, of all that happened each time has its share by chance.
"""

from __future__ import annotations

from nitropilot.simulator.benchmark.statistics.errors import no_scipy
from nitropilot.simulator.benchmark.statistics.intervals import CONFIDENCE, Interval


def rate_interval(events: int, time: float, confidence: float = CONFIDENCE) -> Interval:
    """The two-sided interval of a rate.

    Args:
        events: That were counted, 0 or more.
        time: In which, above 0.
        confidence: Above 0 and below 1.

    Returns:
        Events in one unit of that time.

    Raises:
        ValueError: The numbers do not fit.
        StatisticsUnavailable: There is no SciPy.
    """
    _check(events, time)
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"a confidence of {confidence} is none: above 0 and below 1")
    try:
        from scipy.special import gammainccinv, gammaincinv
    except ImportError as error:
        raise no_scipy() from error
    tail = (1.0 - confidence) / 2.0
    low = float(gammaincinv(events, tail)) if events else 0.0
    return Interval(low / time, float(gammainccinv(events + 1, tail)) / time)


def same_rate(events: int, time: float, others: int, other_time: float) -> float:
    """How likely it is, two-sided and exactly, that equal rates are as uneven as this.

    Args:
        events, others: That were counted.
        time, other_time: In which, each above 0.

    Raises:
        ValueError: The numbers do not fit.
        StatisticsUnavailable: There is no SciPy.
    """
    _check(events, time)
    _check(others, other_time)
    if not events + others:
        return 1.0
    try:
        from scipy.stats import binomtest
    except ImportError as error:
        raise no_scipy() from error
    return float(binomtest(events, events + others, time / (time + other_time)).pvalue)


def _check(events: int, time: float) -> None:
    if events < 0 or not time > 0:
        raise ValueError(f"{events} events in a time of {time} are none")
