"""Who plays: the decision alone, and on a real session of a real game."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from nitropilot.agent import SessionState
from nitropilot.agent.errors import NotPossibleNow
from nitropilot.agent.record.human_tape import HumanTape
from nitropilot.agent.record.switch import RecordingSwitch
from nitropilot.agent.session import human
from nitropilot.agent.session.human import HumanPlay, HumanThread
from nitropilot.agent.session.takeover import TakeoverSettings
from nitropilot.controller import NEUTRAL, Button, GamepadState
from nitropilot.controller.errors import PadFailed
from nitropilot.controller.human.reader import HumanPads
from tests.agent.playing import PATIENCE_S, attach, neutral, pad_values, page_of, runs_on, until

if TYPE_CHECKING:
    from nitropilot.agent.target.launch import LaunchedGame
    from tests.agent.playing import Stage

PRESS = GamepadState(buttons=Button.B)
MORE = GamepadState(buttons=Button.B | Button.A)
DRIFT = GamepadState(left=(0.1, 0.05))
PLAYING, TAKEOVER, PAUSED = SessionState.PLAYING, SessionState.TAKEOVER, SessionState.PAUSED


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine's threads are waited for; the tests of slow games say how short."""
    monkeypatch.setattr(human, "LET_GO_S", PATIENCE_S)


class Fake:
    """A session's states without a game; the real ones are below."""

    def __init__(self, name: str, *, pad: bool = True, idle: float | None = None) -> None:
        self.id = name
        self.state = PLAYING
        self.takeover_settings = TakeoverSettings(pad, idle)
        self.passed: list[GamepadState] = []
        self.tape = HumanTape(RecordingSwitch(None))
        self.broken = False
        self.said_again = 0
        self.lets_go = threading.Event()
        self.lets_go.set()
        self.gives_back = threading.Event()
        self.gives_back.set()
        self.asked = 0

    def hand_over(self) -> bool:
        self.asked += 1
        assert self.lets_go.wait(PATIENCE_S)
        if self.broken:
            raise PadFailed("the pad is gone")
        changed = self.state is PLAYING
        self.state = TAKEOVER if changed else self.state
        return changed

    def hand_back(self) -> bool:
        assert self.gives_back.wait(PATIENCE_S)
        if self.broken:
            raise NotPossibleNow("it is over")
        self.state = PLAYING
        return True

    def pass_on(self, state: GamepadState, again: bool = False) -> bool:
        self.passed.append(state)
        self.said_again += again
        return True


class Table:
    """A human, some sessions and a clock."""

    def __init__(self, *sessions: Fake) -> None:
        self.now = 100.0
        self.seen: list[tuple[str, GamepadState]] = []
        self.play = HumanPlay(
            lambda: sessions,
            lambda session, state: self.seen.append((session.id, state)),
            lambda: self.now,
        )

    def after(self, seconds: float) -> None:
        """Let time pass, and look."""
        self.now += seconds
        self.play.tick()


def test_a_touch_takes_over_and_is_passed_on() -> None:
    """The press itself must reach the game: it is the human's first move."""
    session = Fake("one")
    table = Table(session)
    table.play.feed(DRIFT)
    assert (session.state, session.passed) == (PLAYING, [])
    table.play.feed(PRESS)
    assert (session.state, session.passed) == (TAKEOVER, [PRESS])
    table.play.feed(NEUTRAL)
    assert session.passed == [PRESS, NEUTRAL]
    assert table.seen == [("one", PRESS), ("one", NEUTRAL)]


def test_what_is_held_is_said_again() -> None:
    """A game's hand lets go of what nobody repeats; those who only look are not told again."""
    session, off, playing = Fake("one"), Fake("off", pad=False), Fake("playing")
    table = Table(session, off, playing)
    table.play.feed(PRESS)
    off.state, playing.state = TAKEOVER, PLAYING
    playing.passed.clear()
    for _ in range(10):
        table.after(0.06)
    assert 4 <= session.passed[1:].count(PRESS) <= 6
    assert session.said_again == len(session.passed) - 1, "marked as nothing new"
    assert (off.passed, playing.passed) == ([], [])
    assert table.seen.count(("one", PRESS)) == 1
    table.play.feed(NEUTRAL)
    told = len(session.passed)
    table.after(1.0)
    assert len(session.passed) == told


def test_a_game_that_is_not_let_go_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that will not run again takes seconds; what is held in another is said meanwhile."""
    slow, other = Fake("slow"), Fake("other")
    other.state = TAKEOVER
    slow.lets_go.clear()
    table = Table(slow, other)
    monkeypatch.setattr(human, "LET_GO_S", 0.01)
    table.play.feed(PRESS)
    assert other.passed == [PRESS]
    for _ in range(5):
        table.after(0.11)
    assert other.said_again == 5
    table.play.feed(MORE)
    assert (slow.asked, slow.state, slow.passed) == (1, PLAYING, []), "asked once at a time"
    slow.lets_go.set()
    until(lambda: slow.state is TAKEOVER, "it is let go")
    until(lambda: table.play._asked["slow"].over, "whoever asked has the answer")
    table.after(0.01)
    assert slow.passed == [MORE]
    assert table.seen.count(("slow", MORE)) == 1


@pytest.mark.parametrize("now", [PAUSED, TAKEOVER])
def test_what_is_said_while_a_game_is_let_go_stands(
    now: SessionState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A panic that waited for it has let go of the pad; so has who takes the person's pad away."""
    slow = Fake("slow")
    slow.lets_go.clear()
    table = Table(slow)
    monkeypatch.setattr(human, "LET_GO_S", 0.01)
    table.play.feed(PRESS)
    slow.lets_go.set()
    until(lambda: table.play._asked["slow"].over, "whoever asked has the answer")
    slow.state = now
    if now is TAKEOVER:
        slow.takeover_settings = TakeoverSettings(False, None)
    table.after(0.01)
    assert (slow.state, slow.passed) == (now, [])


def test_a_touch_while_a_game_is_given_back_takes_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who holds a button would wait for ever for a change of it."""
    slow = Fake("slow", idle=1.0)
    table = Table(slow)
    table.play.feed(PRESS)
    table.play.feed(NEUTRAL)
    table.after(0.0)
    slow.gives_back.clear()
    monkeypatch.setattr(human, "LET_GO_S", 0.01)
    table.after(2.0)
    table.play.feed(PRESS)
    monkeypatch.setattr(human, "LET_GO_S", PATIENCE_S)
    slow.gives_back.set()
    until(lambda: table.play._asked["slow"].over, "whoever asked has the answer")
    table.after(0.01)
    assert (slow.state, slow.asked, slow.passed[-1]) == (TAKEOVER, 2, PRESS)


def test_only_sessions_that_allow_it() -> None:
    """And one that cannot be let go does not keep the others from it."""
    off, broken, on = Fake("off", pad=False), Fake("broken"), Fake("on")
    broken.broken = True
    Table(off, broken, on).play.feed(PRESS)
    assert (off.state, off.passed) == (PLAYING, [])
    assert (on.state, on.passed) == (TAKEOVER, [PRESS])


def test_a_paused_agent_stays_paused() -> None:
    """Whoever paused it did not ask for it to come back when the pad is put down."""
    session = Fake("one", idle=1.0)
    session.state = PAUSED
    table = Table(session)
    table.play.feed(PRESS)
    table.play.feed(NEUTRAL)
    assert session.passed == [PRESS, NEUTRAL]
    table.after(60.0)
    assert session.state is PAUSED


def test_the_agent_returns_after_the_idle_time() -> None:
    """Counted from the last touch; a button that is held is a touch."""
    session = Fake("one", idle=5.0)
    table = Table(session)
    table.play.feed(PRESS)
    table.after(30.0)
    assert session.state is TAKEOVER
    table.play.feed(DRIFT)
    table.after(4.9)
    assert session.state is TAKEOVER
    table.after(0.2)
    assert session.state is PLAYING
    table.play.feed(PRESS)
    assert session.state is TAKEOVER


def test_without_an_idle_time_it_waits() -> None:
    """Null means: only on request; a time that is set later counts at once."""
    session = Fake("one")
    table = Table(session)
    table.play.feed(PRESS)
    table.play.feed(NEUTRAL)
    table.after(0.1)
    table.after(1e6)
    assert session.state is TAKEOVER
    session.takeover_settings = TakeoverSettings(True, 2.0)
    table.after(0.0)
    assert session.state is PLAYING


def test_a_takeover_of_another_kind_gets_its_time_too() -> None:
    """One that nobody touched a pad for must not be over in the same moment."""
    session = Fake("one", idle=5.0)
    table = Table(session)
    table.after(1000.0)
    session.state = TAKEOVER
    table.after(0.0)
    assert session.state is TAKEOVER
    table.after(4.0)
    assert session.state is TAKEOVER
    table.after(1.5)
    assert session.state is PLAYING


class Pads(HumanPads):
    """Physical pads that this machine does not have."""

    def __init__(self) -> None:
        self.states: queue.Queue[GamepadState | None] = queue.Queue()
        self.closed = False

    def poll(self, timeout: float) -> GamepadState | None:
        try:
            return self.states.get(timeout=timeout)
        except queue.Empty:
            return None

    def wake(self) -> None:
        self.states.put(None)

    def close(self) -> None:
        self.closed = True


def test_a_human_takes_a_real_game_over(stage: Stage, runner: LaunchedGame) -> None:
    """Neutral at once, then the human's own, menu buttons too; later the agent again."""
    session = stage.playing(attach(runner))
    page = page_of(session)
    session.control.set_takeover(TakeoverSettings(True, 0.5))
    pads = Pads()
    with ExitStack() as stack:
        thread = HumanThread(pads, HumanPlay(lambda: [session.control]))
        stack.callback(thread.close)
        began = time.perf_counter()
        pads.states.put(GamepadState(left=(0.0, 1.0), buttons=Button.START))
        until(lambda: session.state is TAKEOVER, "the takeover")
        until(lambda: pad_values(page) == [(0, -32767), (0, 0), (-32768, -32768), (64, 0)], "it")
        print(f"passed on after {(time.perf_counter() - began) * 1000:.1f} ms")
        sent = session.stats.sent
        runs_on(runner)
        time.sleep(1.0)
        assert session.state is TAKEOVER, "a stick that is held is not left alone"
        assert session.stats.sent == sent
        pads.states.put(NEUTRAL)
        until(lambda: neutral(page), "what the human released")
        until(lambda: session.stats.sent > sent, "the agent plays again")
        assert session.state is PLAYING
        session.pause()
        pads.states.put(PRESS)
        until(lambda: pad_values(page)[3] == (2, 0), "the human plays while the agent rests")
        assert session.state is PAUSED
        session.control.panic()
        for _ in range(50):
            assert neutral(page), "panic takes away what a human holds, for good"
            time.sleep(0.01)
        pads.states.put(GamepadState(left=(0.0, 1.0)))
        until(lambda: pad_values(page)[0] == (0, -32767), "what they do next")
        session.stop()
    assert pads.closed


@pytest.mark.parametrize("idle", [0, -1, 1e9, float("nan")])
def test_odd_idle_times_are_refused(idle: float) -> None:
    """Zero would give the game back between two presses."""
    from nitropilot.agent.errors import AgentError

    with pytest.raises(AgentError, match="idle_seconds"):
        TakeoverSettings(True, idle)
