"""What made-up hands do must be what hands do, or what is measured with it says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nitropilot.dataset.pad import BUTTONS, PULLED, PadStates
from nitropilot.dataset.synth.states import states

RATES = (30, 60)


@pytest.fixture(scope="module", params=RATES, ids=str)
def minutes(request: pytest.FixtureRequest) -> tuple[int, list[PadStates]]:
    """Frames a second, and some minutes."""
    rate: int = request.param
    return rate, [states(np.random.default_rng(seed), 60, rate) for seed in range(10)]


def runs(down: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How long each press lasts, in frames."""
    edges = np.diff(np.concatenate([[0], down.astype(np.int8), [0]]))
    return np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)


def test_as_much_is_down_as_in_real_play(minutes: tuple[int, list[PadStates]]) -> None:
    """Where nothing is ever down, a reader that never says so would look perfect."""
    _, played = minutes
    assert 0.085 < np.mean([each.buttons.mean() for each in played]) < 0.102
    assert 0.895 < 1 - np.mean([each.published().mean() for each in played]) < 0.912


def test_every_button_is_pressed_in_a_minute(minutes: tuple[int, list[PadStates]]) -> None:
    """A button that never occurs has no F1."""
    _, played = minutes
    for each in played:
        assert each.buttons.any(axis=0).all()
        assert (each.triggers > PULLED).any(axis=0).all()


def test_presses_are_short_and_long(minutes: tuple[int, list[PadStates]]) -> None:
    """Taps of a few frames are what readers miss, and long holds what they let go of."""
    rate, played = minutes
    lengths = np.concatenate(
        [runs(each.buttons[:, index]) for each in played for index in range(len(BUTTONS))]
    )
    assert 0.3 < (lengths <= 4).mean() < 0.75
    assert (lengths == 1).any()
    assert 0.05 < (lengths > 0.6 * rate).mean() < 0.3


def test_a_thumb_does_not_press_both_sides(minutes: tuple[int, list[PadStates]]) -> None:
    """A d-pad of one piece has no look for left and right."""
    _, played = minutes
    buttons = np.concatenate([each.buttons for each in played])
    by_name = dict(zip(BUTTONS, buttons.T, strict=True))
    assert not (by_name["dpad_left"] & by_name["dpad_right"]).any()
    assert not (by_name["dpad_up"] & by_name["dpad_down"]).any()
    assert (by_name["dpad_up"] & by_name["dpad_right"]).any()


def test_sticks_go_everywhere_and_rest(minutes: tuple[int, list[PadStates]]) -> None:
    """A stick that only flicks has no slow way to be measured on, one that never rests no zero."""
    rate, played = minutes
    sticks = np.concatenate([each.sticks for each in played])
    for side in (sticks[:, :2], sticks[:, 2:]):
        far = np.hypot(side[:, 0], side[:, 1])
        angles = np.histogram(np.arctan2(*side[far > 0.6].T), 8, (-np.pi, np.pi))[0]
        assert (angles > 0.04 * angles.sum()).all()
        assert 0.1 < (far < 0.08).mean() < 0.6
        assert (far > 0.95).mean() > 0.05
        assert far.max() <= 1.1
        steps = np.abs(np.diff(side, axis=0)).max(axis=1)
        assert (steps * rate > 15).any() and ((steps * rate > 0.1) & (steps * rate < 1)).any()
    assert np.abs(sticks).max() <= 1


def test_nobody_touches_it_for_seconds(minutes: tuple[int, list[PadStates]]) -> None:
    """What is idle must be seen as idle by the filter that drops it."""
    rate, played = minutes
    quiet = [
        runs(~each.buttons.any(axis=1) & (np.abs(each.sticks) < 0.06).all(axis=1)
             & (each.triggers == 0).all(axis=1))
        for each in played
    ]  # fmt: skip
    longest = [lengths.max(initial=0) / rate for lengths in quiet]
    assert max(longest) > 2 and np.median(longest) > 1
    assert np.mean([lengths[lengths > rate].sum() for lengths in quiet]) < 0.35 * 60 * rate


def test_triggers_are_pulled_by_feel_and_all_the_way(
    minutes: tuple[int, list[PadStates]],
) -> None:
    """A trigger that is either out or in needs no fill to be read."""
    _, played = minutes
    triggers = np.concatenate([each.triggers for each in played])
    assert triggers.min() == 0 and triggers.max() == 1
    assert (triggers == 1).mean() > 0.02
    assert ((triggers > 0.2) & (triggers < 0.8)).mean() > 0.03


def test_the_left_stick_is_pressed_while_it_is_pushed(
    minutes: tuple[int, list[PadStates]],
) -> None:
    """A pressed cap that never leaves the middle would be read there alone."""
    _, played = minutes
    far = [
        np.hypot(*each.sticks[each.buttons[:, BUTTONS.index("left_thumb")], :2].T)
        for each in played
    ]
    assert (np.concatenate(far) > 0.5).mean() > 0.4


def test_a_seed_says_everything() -> None:
    """A clip that cannot be made again cannot be looked into."""
    one, same, other = (states(np.random.default_rng(seed), 12, 30) for seed in (5, 5, 6))
    for name in ("buttons", "sticks", "triggers"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
        assert not np.array_equal(getattr(one, name), getattr(other, name))
    assert len(one) == 360
    assert len(states(np.random.default_rng(0), 0.001, 30)) == 1
