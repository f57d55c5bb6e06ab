"""The gate: what a labeller gets wrong without saying so."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.dataset.output.gate import Figures, figures_of, refused
from nitropilot.dataset.output.timing import Rows
from nitropilot.dataset.pad import BUTTONS, PadStates
from tests.dataset.making import played

HZ = 30
COUNT = 60 * HZ


def rows(states: PadStates, read: slice = slice(None), hz: int = HZ) -> Rows:
    """Rows that follow on each other."""
    count = len(states)
    each, none = np.arange(count), np.zeros(count, np.int64)
    seen = np.zeros(count, bool)
    seen[read] = True
    return Rows(hz, each, each, none, states, np.full(count, 0.9, np.float32), seen, none,
                np.zeros(count, bool))  # fmt: skip


def still(count: int = COUNT) -> PadStates:
    """Nobody touches the pad."""
    states = played(count)
    states.buttons[:] = False
    states.sticks[:] = 0
    return states


def why(states: PadStates, hz: int = HZ) -> str:
    """Why a recording is set aside."""
    return refused(figures_of(rows(states, hz=hz)))


def test_play_passes() -> None:
    """A gate that people cannot pass is a wall."""
    for seed in range(10):
        assert why(played(COUNT, seed)) == ""
        assert why(played(5 * HZ, seed)) == ""


def test_a_racing_game_passes() -> None:
    """The pedal is held for most of the time, and nothing else is pressed."""
    states = still()
    states.triggers[: int(0.95 * COUNT), 1] = 1
    states.sticks[:, 0] = 0.5 * np.sin(np.arange(COUNT) / 20)
    assert why(states) == ""


@pytest.mark.parametrize("count", [3 * HZ, COUNT])
def test_a_recording_without_any_press_is_set_aside(count: int) -> None:
    """43 % of what a published labeller wrote was such, and nobody noticed."""
    assert why(still(count)) == "nothing is ever pressed or moved"


def test_who_hardly_plays_is_set_aside() -> None:
    """One press in a minute is a film with a controller in it."""
    states = still()
    states.buttons[300:310, 3] = True
    assert why(states) == "idle for 99.4% of the time, and people are for at most 98%"


def test_a_button_that_flickers_is_set_aside() -> None:
    """A green fill over green grass: pressed in every other frame or so."""
    states = played(COUNT)
    states.buttons[::2, BUTTONS.index("east")] = True
    assert why(states) == "east is pressed 900 times a minute, and nobody does that"
    states = played(COUNT)
    states.buttons[::6, BUTTONS.index("east")] = True
    assert why(states).startswith("east flickers: 300 presses a minute, half of them within 0.033")


def test_mashing_passes() -> None:
    """Seven presses a second, as long as it is possible to hold them."""
    states = played(COUNT)
    states.buttons[np.arange(COUNT) % 4 < 2, BUTTONS.index("east")] = True
    assert why(states) == ""


def test_a_button_that_is_always_down_is_set_aside() -> None:
    """A template whose pressed look is the video's released one."""
    states = played(COUNT)
    states.buttons[10:, BUTTONS.index("north")] = True
    assert why(states) == "north is down for 99.4% of the time"


def test_presses_without_a_hold_are_set_aside() -> None:
    """The bias of labellers that go by the picture: they see that something begins, and no more."""
    states = still()
    for number in range(210):
        states.buttons[number * 8 : number * 8 + 3, number % 4] = True
    assert why(states) == "of 210 presses none is longer than 0.10 s: holds are lost"
    states.buttons[100:120, 0] = True
    assert why(states) == ""


def test_a_stick_that_only_knows_its_ends_is_set_aside() -> None:
    """A cap that is taken for its mirror image jumps from one end to the other."""
    states = played(COUNT)
    states.sticks[:, 3] = np.where(np.arange(COUNT) % 20 < 10, -1, 1)
    assert why(states).startswith("the axis right y is always at one end or the other")


def test_rows_that_were_not_read_do_not_count() -> None:
    """Half an hour before the overlay is there would make everybody idle."""
    states = still(10 * COUNT)
    states.buttons[:COUNT] = played(COUNT).buttons
    figures = figures_of(rows(states, slice(0, COUNT)))
    assert figures.seconds == 60.0
    assert refused(figures) == ""
    assert refused(figures_of(rows(states, slice(0, 0)))).startswith("the controller was seen")


def test_figures_are_what_was_pressed() -> None:
    """Two presses of a third and of two thirds of a second, in half a minute."""
    states = still(30 * HZ)
    states.buttons[30:40, BUTTONS.index("south")] = True
    states.buttons[100:120, BUTTONS.index("south")] = True
    states.sticks[:450, 1] = 1
    figures = figures_of(rows(states))
    assert figures == Figures(
        30.0, pytest.approx(0.5), {"south": 4.0}, {"south": 0.5}, {"south": 0.6667},
        {"south": 0.0333},
        {"left x": 0.0, "left y": 0.25, "right x": 0.0, "right y": 0.0}, 0.9,
    )  # fmt: skip
    assert figures.measures()["presses a minute south"] == 4.0


def test_a_hold_ends_where_a_stretch_does() -> None:
    """Nobody knows what was held over a gap."""
    states = still(10 * HZ)
    states.buttons[100:200, 0] = True
    whole = rows(states)
    whole.stretch[150:] = 1
    assert figures_of(whole).presses[BUTTONS[0]] == 12.0
