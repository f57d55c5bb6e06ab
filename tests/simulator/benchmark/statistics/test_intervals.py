"""Intervals of success rates, against statsmodels, and against what they promise."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from nitropilot.children import module_environment
from nitropilot.simulator.benchmark.statistics.intervals import (
    Interval,
    sign_test,
    success_interval,
    upper_bound,
)
from tests.support.places import ROOT

COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
CONFIDENCES = st.floats(0.5, 0.999)


@settings(deadline=None)
@given(COUNTS, CONFIDENCES)
def test_intervals_are_those_of_statsmodels(counts: tuple[int, int], confidence: float) -> None:
    """A wrong tail makes a policy look surer than it is."""
    for ours, theirs in (("exact", "beta"), ("wilson", "wilson")):
        found = success_interval(*counts, ours, confidence)  # type: ignore[arg-type]
        expected = proportion_confint(*counts, alpha=1 - confidence, method=theirs)
        assert found == pytest.approx(Interval(*expected), abs=1e-9)


@settings(deadline=None)
@given(COUNTS)
def test_intervals_hold_the_rate_and_are_mirrored(counts: tuple[int, int]) -> None:
    """Losses have the same interval as wins, seen from the other end."""
    won, n = counts
    for method in ("exact", "wilson"):
        low, high = success_interval(won, n, method)  # type: ignore[arg-type]
        assert 0 <= low <= won / n <= high <= 1
        other = success_interval(n - won, n, method)  # type: ignore[arg-type]
        assert other == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize("n", [1, 5, 14, 30])
@pytest.mark.parametrize("truth", [0.01, 0.2, 0.5, 0.87])
def test_exact_is_never_surer_than_it_says(n: int, truth: float) -> None:
    """Computed, not drawn: all outcomes whose interval has the truth in it, with their chances."""
    within = sum(
        binom.pmf(won, n, truth)
        for won in range(n + 1)
        if (found := success_interval(won, n)).low <= truth <= found.high
    )
    assert within >= 0.95


def test_admission_has_its_known_values() -> None:
    """0 of 14 and 2 of 30 are under 20 %, 1 of 14 and 3 of 30 are not."""
    assert upper_bound(0, 14) == pytest.approx(0.193, abs=5e-4)
    assert upper_bound(2, 30) == pytest.approx(0.195, abs=5e-4)
    assert upper_bound(0, 13) > 0.2
    assert upper_bound(1, 14) > 0.2
    assert upper_bound(3, 30) > 0.2
    assert success_interval(0, 14).high > upper_bound(0, 14)  # of two sides, 23.2 %


@settings(deadline=None)
@given(COUNTS, CONFIDENCES)
def test_the_bound_is_where_so_few_wins_become_unlikely(
    counts: tuple[int, int], confidence: float
) -> None:
    """Its definition: a better player would win as rarely as that with a chance of 5 %."""
    won, n = counts
    bound = upper_bound(won, n, confidence)
    if won == n:
        assert bound == 1
    else:
        assert binom.cdf(won, n, bound) == pytest.approx(1 - confidence, abs=1e-7)


def test_without_episodes_nothing_is_known() -> None:
    """A task that was never played has no rate of 0."""
    assert success_interval(0, 0) == (0, 1)
    assert upper_bound(0, 0) == 1
    assert sign_test(0, 0) == 1


@pytest.mark.parametrize("wrong", [(-1, 5), (6, 5), (0, -1)])
def test_counts_that_cannot_be(wrong: tuple[int, int]) -> None:
    """Named with their values."""
    with pytest.raises(ValueError, match=str(wrong[0])):
        success_interval(*wrong)
    with pytest.raises(ValueError, match="episodes"):
        upper_bound(*wrong)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, float("nan")])
def test_a_confidence_is_a_share(confidence: float) -> None:
    """95 is no 95 %."""
    with pytest.raises(ValueError, match="confidence"):
        success_interval(1, 2, confidence=confidence)


def test_without_scipy_it_is_said() -> None:
    """An extra brings it; who has not got it reads which one."""
    code = (
        "import sys; sys.modules['scipy'] = None\n"
        "from nitropilot.simulator.benchmark.statistics.intervals import upper_bound\n"
        "from nitropilot.errors import NitroPilotError\n"
        "try: upper_bound(0, 14)\n"
        "except NitroPilotError as error: print(error.line())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=module_environment(), capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert "pip install 'nitropilot[simulator]'" in done.stdout
