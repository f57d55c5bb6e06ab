"""Progress over tasks, against rliable's figures, SciPy's, and what a bootstrap promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nitropilot.simulator.benchmark.statistics.bootstrap import (
    Progress,
    interquartile_mean,
    progress,
    task_mean,
)

SHARES = st.floats(0, 1)
TASKS = st.lists(st.lists(SHARES, min_size=1, max_size=12), min_size=1, max_size=6)

SCORES = [[((7 * i * i + 3 * t + i * t) % 11) / 10 for i in range(10)] for t in range(3)]
"""Three tasks of ten episodes."""
RLIABLE = {"mean": (0.53333, 0.42167, 0.64), "iqm": (0.58125, 0.41875, 0.70625)}
"""What rliable 1.2.0 says of them: value, and the interval of 50,000 draws.  It is not one of our
dependencies: it takes no seed, and needs an older pandas than others do."""


def test_it_says_what_rliable_says() -> None:
    """A table of ours must be comparable with those of the field."""
    found = progress(SCORES, resamples=20_000)
    for name, (value, low, high) in RLIABLE.items():
        ours = getattr(found, name)
        assert ours.value == pytest.approx(value, abs=1e-5)
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.012)
        assert ours.n == 30


def test_it_says_what_scipy_says() -> None:
    """SciPy draws from several samples each by itself: which is a stratified bootstrap.

    Strata are shifted so far from each other that draws over all of them would be as wide as
    their distance.
    """
    rng = np.random.default_rng(5)
    tasks = [rng.random(size) * 0.2 + shift for size, shift in ((7, 0.0), (12, 0.4), (4, 0.8))]
    found = progress([list(each) for each in tasks], resamples=20_000)
    for ours, figure in ((found.mean, task_mean), (found.iqm, interquartile_mean)):
        theirs = stats.bootstrap(
            tasks, lambda *each, axis, figure=figure: figure(each), n_resamples=20_000,
            method="percentile", vectorized=True, random_state=np.random.default_rng(1),
        ).confidence_interval  # fmt: skip
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)
        assert ours.high - ours.low < 0.3


@settings(deadline=None)
@given(TASKS)
def test_values_are_those_of_numpy_and_scipy(tasks: list[list[float]]) -> None:
    """Each task counts alike in the mean; the IQM is the trimmed mean of all."""
    found = progress(tasks, resamples=10)
    assert found.mean.value == pytest.approx(np.mean([np.mean(each) for each in tasks]))
    assert found.iqm.value == pytest.approx(stats.trim_mean(np.concatenate(tasks), 0.25))
    assert found.mean.n == found.iqm.n == sum(map(len, tasks))


@settings(deadline=None)
@given(TASKS, st.integers(0, 100))
def test_intervals_stay_among_what_was_seen(tasks: list[list[float]], seed: int) -> None:
    """No draw has more than the best or less than the worst; and the same seed draws the same."""
    found = progress(tasks, seed, resamples=200)
    assert found == progress(tasks, seed, resamples=200)
    seen = np.concatenate(tasks)
    for each in found:
        assert each.low is not None
        assert each.high is not None
        assert seen.min() - 1e-9 <= each.low <= each.high <= seen.max() + 1e-9


def test_another_seed_draws_others() -> None:
    """A seed that nothing depends on is none (rliable's is one of these)."""
    assert progress(SCORES, 0, 200) != progress(SCORES, 1, 200)


def test_how_much_is_drawn_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large results are drawn in pieces; each must be others."""
    monkeypatch.setattr("nitropilot.simulator.benchmark.statistics.bootstrap.AT_ONCE", 3000)
    found = progress(SCORES, resamples=20_000)
    for name, (_, low, high) in RLIABLE.items():
        ours = getattr(found, name)
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.012)


def test_one_episode_a_task() -> None:
    """There is nothing to draw from, and no interval to be had; it is no error."""
    found = progress([[0.5], [0.7]], resamples=50)
    assert found.mean == pytest.approx((0.6, 0.6, 0.6, 2))


@pytest.mark.parametrize("tasks", [[], [[]], [[], []]])
def test_no_episode_at_all(tasks: list[list[float]]) -> None:
    """A run that was stopped at once can still be shown."""
    assert progress(tasks) == Progress((None, None, None, 0), (None, None, None, 0))


def test_tasks_without_episodes_are_left_out() -> None:
    """A task that was not played is none that was failed."""
    assert progress([*SCORES, []], resamples=50) == progress(SCORES, resamples=50)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """500 results of a world that we know: of three tasks with 30 episodes each."""
    rng = np.random.default_rng(11)
    truth = (0.2 + 0.5 + 0.8) / 3
    held = 0
    for draw in range(500):
        tasks = [list(rng.binomial(5, p, 30) / 5) for p in (0.2, 0.5, 0.8)]
        mean = progress(tasks, draw, resamples=300).mean
        assert mean.low is not None
        assert mean.high is not None
        held += mean.low <= truth <= mean.high
    assert 0.90 <= held / 500 <= 0.98
