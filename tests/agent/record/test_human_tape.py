"""What a human pressed is written down for the tick in which they pressed it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from nitropilot.agent.record.human_tape import LATE_S, HumanTape
from nitropilot.agent.values import PadSample
from nitropilot.controller.state import Button, GamepadState

HZ = 60.0
PERIOD = 1 / HZ


class Played:
    """A tape whose clock stands where it is set, and the samples that come from it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.samples: list[PadSample] = []
        self.expected: list[float] = []
        self.switch: Any = SimpleNamespace(
            state=SimpleNamespace(enabled=True), hz=HZ,
            put=self.samples.append, expect=self.expected.append,
        )  # fmt: skip
        self.counts = True
        self.tape = HumanTape(self.switch, lambda: self.now, lambda: self.counts)

    def see(self, ticks: float, state: GamepadState) -> None:
        """The pad changes so many ticks after the beginning."""
        self.now = 100.0 + ticks * PERIOD
        self.tape.see(state)

    def tick(self, ticks: float) -> float:
        """The session's thread comes by, so many ticks after the beginning."""
        self.now = 100.0 + ticks * PERIOD
        return self.tape.tick(idle=9.0)

    @property
    def shown(self) -> list[tuple[float, float]]:
        """When, in ticks since the first one, and how far to the right the stick was."""
        first = self.samples[0].sent
        return [(round((s.sent - first) * HZ, 6), s.state.left[0]) for s in self.samples]


@pytest.fixture
def played() -> Played:
    """One that begins with a pad at rest."""
    played = Played()
    played.see(0.0, GamepadState())
    played.tick(0.01)
    return played


def test_a_late_thread_writes_down_what_was_pressed_in_time(played: Played) -> None:
    """The processor is given to others for three ticks: what was pressed at their end is no
    label for their beginning."""
    for tick in (1, 2, 3):
        played.tick(tick + 0.02)
    played.see(6.9, GamepadState(left=(1.0, 0.0)))
    played.tick(6.95)
    played.tick(7.02)
    assert played.shown == [*((float(tick), 0.0) for tick in range(6)), (6.0, 1.0)]
    assert {sample.stretch for sample in played.samples} == {played.samples[0].stretch}
    assert [sample.tick for sample in played.samples] == list(range(7))


def test_it_waits_for_the_next_tick(played: Played) -> None:
    """Rows are a tick apart, however often somebody comes by."""
    assert played.tick(0.5) == pytest.approx(0.51 * PERIOD)
    assert not played.samples
    assert played.tick(1.02) == pytest.approx(0.99 * PERIOD)
    assert len(played.samples) == 1


def test_a_tick_is_told_before_it_is_written_down(played: Played) -> None:
    """Its picture is of its end: whoever hears of it then comes too late to take one."""
    for tick in (1, 2):
        played.tick(tick + 0.02)
    begun = [sample.sent for sample in played.samples]
    assert played.expected == [*begun, pytest.approx(begun[-1] + PERIOD)]


def test_what_is_too_late_is_a_new_stretch(played: Played) -> None:
    """After a machine that slept, nobody knows what was to be seen."""
    late = LATE_S * HZ + 3
    played.tick(1.02)
    played.tick(late)
    for more in (1.01, 2.01):
        played.tick(late + more)
    stretches = [sample.stretch for sample in played.samples]
    assert len(stretches) == 3
    assert stretches[0] != stretches[1] == stretches[2]
    assert [sample.tick for sample in played.samples] == [0, 0, 1]


def test_a_tap_is_in_the_tick_whose_picture_shows_it(played: Played) -> None:
    """Too short for a pad that is looked at 60 times a second, and yet the game may have seen
    it; a row later a policy would be shown what it did, and taught to begin it."""
    played.see(0.3, GamepadState(buttons=Button.A))
    played.see(0.5, GamepadState())
    played.see(1.3, GamepadState(buttons=Button.B))
    for tick in (1, 2, 3):
        played.tick(tick + 0.02)
    assert [sample.state.buttons for sample in played.samples] == [Button.A, Button.B, Button.B]


def test_what_was_tapped_before_is_not_in_the_first_row() -> None:
    """Half a minute of presses, all of them at once, is nothing that anybody did."""
    played = Played()
    played.switch.state.enabled = False
    for number, button in enumerate((Button.A, Button.START, Button.B)):
        played.see(2.0 * number, GamepadState(buttons=button))
        played.see(2.0 * number + 1, GamepadState())
        assert played.tick(2.0 * number + 1.5) == 9.0
    played.switch.state.enabled = True
    played.see(9.0, GamepadState(left=(0.5, 0.0)))
    played.tick(9.5)
    played.tick(10.52)
    (first,) = played.samples
    assert first.state == GamepadState(left=(0.5, 0.0))


def test_a_new_turn_of_the_human_is_a_new_stretch(played: Played) -> None:
    """In between the agent played, and its rows are not to be interrupted after the fact."""
    for tick in (1, 2):
        played.tick(tick + 0.02)
    played.tape.begin()
    played.tick(5.5)
    begun = played.now
    played.tick(6.52)
    assert [sample.tick for sample in played.samples] == [0, 1, 0]
    assert played.samples[-1].sent == begun
    assert played.samples[-1].stretch != played.samples[0].stretch


def test_without_a_pad_nothing_is_written_down() -> None:
    """What is done with a keyboard is not known here."""
    played = Played()
    assert played.tick(5.0) == 9.0
    assert not played.samples


def test_a_pad_that_means_nothing_is_not_held(played: Played) -> None:
    """Who presses something before the game is there, on a display that they do not see, would
    hold it in every row from then on, for what follows is not told any more."""
    played.see(0.5, GamepadState(buttons=Button.A))
    played.tick(1.02)
    played.counts = False
    assert played.tick(2.02) == 9.0
    played.counts = True
    assert played.tick(5.02) == 9.0
    assert len(played.samples) == 1
    played.see(6.0, GamepadState(buttons=Button.B))
    played.tick(6.01)
    played.tick(7.02)
    assert [int(sample.state.buttons) for sample in played.samples] == [Button.A, Button.B]
