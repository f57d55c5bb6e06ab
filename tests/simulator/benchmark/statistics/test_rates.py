"""Rates against published intervals and closed forms."""

from __future__ import annotations

import math

import pytest

from nitropilot.simulator.benchmark.statistics.rates import rate_interval, same_rate


def test_the_interval_is_garwood_s() -> None:
    """His table (1936): 10 events are 4.795 to 18.39, none is at most 3.689."""
    low, high = rate_interval(10, 1.0)
    assert (low, high) == (pytest.approx(4.795, abs=1e-3), pytest.approx(18.390, abs=1e-3))
    low, high = rate_interval(0, 2.0)
    assert (low, high) == (0.0, pytest.approx(-math.log(0.025) / 2.0))


def test_equal_rates_share_what_happens() -> None:
    """In twice the time twice as much: 0 of 10 in a third of it has a chance of (2/3)^10."""
    assert same_rate(10, 10.0, 20, 20.0) == pytest.approx(1.0)
    assert same_rate(0, 10.0, 0, 20.0) == 1.0
    assert same_rate(10, 10.0, 0, 10.0) == pytest.approx(2 * 0.5**10)
    assert same_rate(0, 1.0, 10, 2.0) >= (2 / 3) ** 10


@pytest.mark.parametrize(("events", "time"), [(-1, 1.0), (1, 0.0), (1, -2.0)])
def test_what_is_no_rate(events: int, time: float) -> None:
    """A sum that went wrong must not look like a figure."""
    with pytest.raises(ValueError, match="are none"):
        rate_interval(events, time)
    with pytest.raises(ValueError, match="are none"):
        same_rate(1, 1.0, events, time)
