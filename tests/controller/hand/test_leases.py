"""What is on the pad and until when, against a clock that the tests turn."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.controller.hand import process
from nitropilot.controller.hand.leases import PadLeases, Plan, Step
from nitropilot.controller.hand.process import HandProcess
from nitropilot.controller.hand.protocol import ALIVE_S, EXPIRY_S, FREEZE_LEASE_S, HUMAN_S, PLAN_S
from nitropilot.controller.pads.gamepad import Gamepad
from nitropilot.controller.state import NEUTRAL, Button, GamepadState, Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

PERIOD = 0.02
PUSH = GamepadState(left=(1.0, 0.0), buttons=Button.A)
EPOCH = 1


class NotedPad(Gamepad):
    """Notes what it is sent."""

    name = "noted"

    def __init__(self) -> None:
        self.sent: list[GamepadState] = []
        self.renewed = 0
        self.lasts: float | None = None

    def send(self, state: GamepadState) -> None:
        """Note it."""
        self.sent.append(state)

    def renew(self, lasts: float | None = None) -> None:
        """Count it, and note for how long."""
        self.renewed += 1
        self.lasts = lasts

    def close(self) -> None:
        """Nothing is open."""


class SlowPad(NotedPad):
    """Is held up in the middle of a write, as on a busy machine; notes when it began and ended."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[float] = []

    def send(self, state: GamepadState) -> None:
        """Note it."""
        self.moments.append(time.perf_counter())
        time.sleep(0.002)
        super().send(state)
        self.moments.append(time.perf_counter())


class Bench:
    """Leases on a pad that notes, and a clock."""

    def __init__(self) -> None:
        self.pad = NotedPad()
        self.reports: list[tuple[Any, ...]] = []
        self.lapsed = 0
        self.now = 100.0
        self.leases = PadLeases(self.pad, lambda *a: self.reports.append(a), self.lapse)
        self.leases.beat(self.now)
        self.leases.arm(EPOCH)

    def lapse(self) -> None:
        """The daemon was silent."""
        self.lapsed += 1

    @property
    def pressed(self) -> GamepadState:
        """What the game reads."""
        return self.pad.sent[-1]

    def run(self, seconds: float, beats: bool = True, extends: bool = True) -> None:
        """Let time pass as the hand does: from one moment that it asks for to the next."""
        end = self.now + seconds
        while True:
            wake = self.leases.tick(self.now)
            self.now = min(end, self.now + 0.004 if wake is None else max(wake, self.now + 1e-6))
            if beats:
                self.leases.beat(self.now)
            if extends:
                self.leases.extend(EPOCH, self.now)
            if self.now >= end:
                self.leases.tick(self.now)
                return

    def plan(self, states: Sequence[GamepadState], *, first: int = 0, **more: Any) -> None:
        """Hand over states that are due from now on."""
        start = more.pop("start", self.now)
        due = [None if more.get("waits") else start + n * PERIOD for n in range(len(states))]
        steps = [Step(first + n, due[n], state) for n, state in enumerate(states)]
        more.pop("waits", None)
        facts = {"epoch": EPOCH, "stretch": 1, "serial": 1, "period": PERIOD, **more}
        self.leases.play(Plan(steps=steps, **facts), self.now)


@pytest.fixture
def bench() -> Bench:
    """Armed leases."""
    return Bench()


def test_a_plan_is_sent_on_time_and_ends_neutral(bench: Bench) -> None:
    """The loop need not be there at the right moments, and nothing outlasts its plan."""
    start = bench.now
    bench.plan([PUSH] * 3)
    bench.run(1.0)
    assert [report[2] for report in bench.reports] == [0, 1, 2]
    assert [report[3] for report in bench.reports] == pytest.approx([start, 100.02, 100.04])
    assert all(began - due < 1e-4 for *_, due, began in bench.reports)
    assert bench.pressed == NEUTRAL


def test_what_is_called_sent_is_on_the_pad(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording would take a picture of before a state for one of after it; the time until it
    is there belongs to neither state."""
    told: list[tuple[Any, ...]] = []
    monkeypatch.setattr(process, "say", lambda *words: told.append(words))
    bench, hand, pad = Bench(), object.__new__(HandProcess), SlowPad()
    hand._leases = bench.leases = PadLeases(pad, hand._sent, bench.lapse)
    bench.leases.arm(EPOCH)
    bench.now = time.perf_counter()
    bench.leases.beat(bench.now)
    bench.plan([PUSH])
    bench.leases.tick(bench.now)
    ((_, _, _, number, due, began, at),) = told
    assert (number, due) == (0, bench.now)
    assert began <= pad.moments[-2] < pad.moments[-1] <= at


def test_silence_makes_the_pad_neutral(bench: Bench) -> None:
    """A daemon that is stopped, swapped out or blocked says nothing."""
    bench.plan([PUSH] * 100)
    bench.run(ALIVE_S - 0.01, beats=False)
    assert bench.pressed == PUSH
    bench.run(0.02, beats=False)
    assert (bench.pressed, bench.lapsed) == (NEUTRAL, 1)
    bench.run(1.0)
    assert bench.pressed == NEUTRAL, "who comes back has to plan anew"


@pytest.mark.parametrize("extends", [True, False])
@pytest.mark.parametrize("states", [0, 3, 100])
def test_silence_is_counted_whatever_is_pressed(bench: Bench, states: int, extends: bool) -> None:
    """A plan may end before the silence is one, and it is as silent; once for each silence."""
    if states:
        bench.plan([PUSH] * states)
    for silences in (1, 2, 3):
        bench.run(ALIVE_S * 3, beats=False, extends=extends)
        assert (bench.pressed, bench.lapsed, bench.leases.lapses) == (NEUTRAL, silences, silences)
        bench.run(ALIVE_S * 3)
    bench.leases.release()
    bench.run(ALIVE_S * 3, beats=False)
    assert bench.lapsed == 3, "where nobody plays nobody need speak"


def test_no_beat_extends_a_plan(bench: Bench) -> None:
    """A process whose loop is blocked beats on."""
    bench.plan([PUSH] * 100)
    bench.run(PLAN_S - 0.01, extends=False)
    assert bench.pressed == PUSH
    bench.run(0.02, extends=False)
    assert (bench.pressed, bench.lapsed) == (NEUTRAL, 0)


def test_no_beat_extends_a_single_state(bench: Bench) -> None:
    """A press of the opening is a press, not a lock."""
    assert bench.leases.hold(EPOCH, PUSH, 0.1, bench.now)
    bench.run(0.09)
    assert bench.pressed == PUSH
    bench.run(0.02)
    assert bench.pressed == NEUTRAL


def test_what_is_late_is_dropped(bench: Bench) -> None:
    """A hand that was held up goes on where the plan is now, and plays nothing after."""
    bench.plan([PUSH, NEUTRAL, PUSH, NEUTRAL, PUSH], start=bench.now - 2.5 * PERIOD)
    bench.leases.tick(bench.now)
    assert [report[2] for report in bench.reports] == [2]
    bench.run(1.0)
    assert [report[2] for report in bench.reports] == [2, 3, 4]


def test_a_plan_that_is_over_presses_nothing(bench: Bench) -> None:
    """A message may lie in a pipe for as long as a process is stopped."""
    bench.plan([PUSH] * 3, start=bench.now - 10.0)
    bench.leases.tick(bench.now)
    assert PUSH not in bench.pad.sent
    assert not bench.reports


def test_an_older_epoch_is_void(bench: Bench) -> None:
    """What was computed before a pause must not be played after it."""
    bench.leases.release()
    bench.plan([PUSH] * 3)
    assert not bench.leases.hold(EPOCH, PUSH, 1.0, bench.now)
    bench.leases.arm(EPOCH + 1)
    bench.plan([PUSH] * 3)
    assert not bench.leases.hold(EPOCH, PUSH, 1.0, bench.now)
    bench.run(0.1)
    assert PUSH not in bench.pad.sent


def test_a_release_drops_what_is_planned(bench: Bench) -> None:
    """Neutral now, and nothing of the plan comes after it."""
    bench.plan([PUSH] * 10)
    bench.run(0.05)
    bench.leases.release()
    assert bench.pressed == NEUTRAL
    sent = len(bench.pad.sent)
    bench.run(0.3)
    assert len(bench.pad.sent) == sent


def test_nothing_is_sent_twice(bench: Bench) -> None:
    """A new plan for ticks of which one has just been sent begins after that one."""
    bench.plan([PUSH] * 5)
    bench.run(PERIOD * 1.5)
    bench.plan([PUSH] * 5, start=bench.now - PERIOD * 1.5, serial=2)
    bench.run(1.0)
    assert [(serial, number) for _, serial, number, *_ in bench.reports] == [
        (1, 0), (1, 1), (2, 2), (2, 3), (2, 4),
    ]  # fmt: skip


def test_what_is_pressed_stays_while_the_game_stands_still(bench: Bench) -> None:
    """Neutral and pressed again in a frozen game would be a new press to it."""
    bench.plan([PUSH], tail=0.05)
    bench.run(PERIOD)
    bench.leases.freezing()
    bench.run(5.0)
    assert bench.pressed == PUSH


def test_the_fresh_state_is_there_before_the_game_runs(bench: Bench) -> None:
    """One frame with the old state can be a step into the abyss."""
    left = GamepadState(left=(-1.0, 0.0))
    bench.plan([PUSH], tail=0.05)
    bench.run(PERIOD)
    bench.leases.freezing()
    bench.run(1.0)
    bench.plan([left, PUSH], waits=True, stretch=2)
    assert bench.pressed == left
    assert len(bench.reports) == 1, "it counts from when the game runs"
    bench.run(0.2)
    bench.leases.runs(bench.now)
    began = bench.now
    bench.run(1.0)
    assert [report[3] for report in bench.reports[1:]] == pytest.approx([began, began + PERIOD])


def test_silence_in_a_freeze_is_neutral_too(bench: Bench) -> None:
    """The game goes on when its lease is over, and must find nothing pressed."""
    bench.plan([PUSH], tail=0.05)
    bench.run(PERIOD)
    bench.leases.freezing()
    bench.run(ALIVE_S * 2, beats=False)
    assert bench.pressed == NEUTRAL


def test_limits_hold_in_the_middle_of_a_plan(bench: Bench) -> None:
    """What the player forbids now is not pressed from now on, whatever was planned."""
    bench.plan([PUSH] * 10)
    bench.run(PERIOD * 2)
    bench.leases.limit(Limits(Button.A, ("left_stick",)))
    assert bench.pressed == NEUTRAL
    mark = len(bench.pad.sent)
    bench.run(PERIOD * 5)
    assert all(state == NEUTRAL for state in bench.pad.sent[mark:])


def test_limits_are_not_for_people(bench: Bench) -> None:
    """A person presses what they like, and only while the agent has no say."""
    bench.leases.limit(Limits(Button.A, ("left_stick",)))
    bench.leases.pass_on(PUSH, bench.now)
    assert bench.pressed == NEUTRAL
    bench.leases.release()
    for _ in range(100):
        bench.leases.pass_on(PUSH, bench.now)
        bench.run(0.1, extends=False)
    assert bench.pressed == PUSH, "for as long as they hold it"
    assert NEUTRAL not in bench.pad.sent[-50:], "without a break"
    bench.leases.pass_on(PUSH, bench.now)
    bench.run(ALIVE_S, beats=False)
    assert (bench.pressed, bench.lapsed) == (NEUTRAL, 1)


def test_a_person_who_is_not_read_any_more_presses_nothing(bench: Bench) -> None:
    """The thread that reads their pad may hang or have ended while its process beats on."""
    bench.leases.release()
    bench.leases.pass_on(PUSH, bench.now)
    bench.run(HUMAN_S - 0.01)
    assert bench.pressed == PUSH
    bench.run(0.01)
    assert (bench.pressed, bench.lapsed) == (NEUTRAL, 0)


def test_what_a_person_held_before_a_release_does_not_come_back(bench: Bench) -> None:
    """A panic takes it away; only what they do after it counts.  A lapse takes it for a while."""
    bench.leases.release()
    bench.leases.pass_on(PUSH, bench.now)
    for ask in (bench.leases.release, lambda: bench.leases.arm(7)):
        ask()
        bench.leases.release()
        bench.leases.pass_on(PUSH, bench.now, again=True)
        assert bench.pressed == NEUTRAL
        bench.leases.pass_on(PUSH, bench.now)
        assert bench.pressed == PUSH
    bench.run(HUMAN_S)
    assert bench.pressed == NEUTRAL
    bench.leases.pass_on(PUSH, bench.now, again=True)
    assert bench.pressed == PUSH


def test_every_state_is_renewed_in_time(bench: Bench) -> None:
    """The game itself lets go of a state that nobody has renewed for a moment."""
    bench.leases.release()
    bench.leases.pass_on(PUSH, bench.now)
    before = bench.pad.renewed
    bench.run(0.4)
    assert bench.pad.renewed - before >= 0.4 / 0.05


def test_a_steps_state_lasts_as_long_as_its_game_may_stand(bench: Bench) -> None:
    """Whoever steps may think; their silence takes both away, and nothing sooner."""
    assert not bench.leases.step(EPOCH + 1, PUSH)
    assert bench.leases.step(EPOCH, PUSH)
    bench.run(100.0, extends=False)
    assert bench.pressed == PUSH
    bench.run(ALIVE_S * 3, beats=False)
    assert (bench.pressed, bench.lapsed) == (PUSH, 0), "nothing goes on, so nothing lapses"
    assert bench.pad.lasts == pytest.approx(FREEZE_LEASE_S - ALIVE_S * 3, abs=0.1)
    bench.run(FREEZE_LEASE_S, beats=False)
    assert (bench.pressed, bench.lapsed) == (NEUTRAL, 1)


def test_whether_a_state_was_there_all_the_time(bench: Bench) -> None:
    """Who is told that it was plays on: what the game saw for a moment counts."""
    assert not bench.leases.kept(bench.now)
    bench.leases.hold(EPOCH, PUSH, 1.0, bench.now)
    bench.run(0.5)
    assert bench.leases.kept(bench.now)
    bench.leases.freezing()
    bench.now += 0.2  # a hand that is held up while the game stands
    bench.run(0.1)
    assert bench.leases.kept(bench.now)
    bench.leases.hold(EPOCH, PUSH, 1.0, bench.now)
    bench.leases.runs(bench.now)
    bench.now += EXPIRY_S + 0.01  # and while it runs
    bench.run(0.1)
    assert (bench.pressed, bench.leases.kept(bench.now)) == (PUSH, False)
    bench.leases.hold(EPOCH, PUSH, 0.2, bench.now)
    bench.run(0.3)
    assert not bench.leases.kept(bench.now), "it is over"
    bench.leases.hold(EPOCH, PUSH, 9.0, bench.now)
    bench.run(ALIVE_S + 0.01, beats=False)
    bench.run(0.1)
    assert not bench.leases.kept(bench.now), "silence"
