"""Two one-sided tests, against statsmodels and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.weightstats import ttost_ind

from nitropilot.simulator.benchmark.statistics.equivalence import equivalence

SAMPLES = st.lists(st.integers(-50, 50).map(lambda n: n / 4), min_size=2, max_size=15)


@settings(max_examples=60, deadline=None)
@given(first=SAMPLES, second=SAMPLES, margin=st.sampled_from([0.1, 2.0, 30.0]))
def test_as_statsmodels_has_it(first: list[float], second: list[float], margin: float) -> None:
    """Welch's form; samples without any spread are none of theirs."""
    found = equivalence(first, second, margin)
    assert found.difference == pytest.approx(np.mean(first) - np.mean(second))
    if np.ptp(first) or np.ptp(second):
        p, _, _ = ttost_ind(np.array(first), np.array(second), -margin, margin, usevar="unequal")
        assert found.p == pytest.approx(p, abs=1e-12)
        assert found.equivalent == (p < 0.05)


@pytest.mark.parametrize(
    ("other", "margin", "equivalent"), [(1.0, 0.1, True), (1.5, 0.4, False), (1.5, 0.5, False)]
)
def test_without_spread(other: float, margin: float, equivalent: bool) -> None:
    """As in lockstep: nothing is left to chance."""
    assert equivalence([1.0] * 3, [other] * 3, margin).equivalent is equivalent


def test_too_few_show_nothing() -> None:
    """The want of a difference is no proof of there being none."""
    assert not equivalence([0.0, 1.0], [0.0, 1.0], 1.0).equivalent
    assert equivalence([0.0, 1.0] * 10, [0.0, 1.0] * 10, 1.0).equivalent


@pytest.mark.parametrize(
    ("first", "margin", "says"), [([1.0], 1.0, "two values"), ([1.0, 2.0], 0.0, "margin is 0")]
)
def test_what_cannot_be_tested(first: list[float], margin: float, says: str) -> None:
    """Said, and not answered with a p of some kind."""
    with pytest.raises(ValueError, match=says):
        equivalence(first, [1.0, 2.0], margin)
