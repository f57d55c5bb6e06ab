"""Observers hear everything, and can do the play no harm."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest

import nitropilot.agent.events
import nitropilot.agent.play.freshness
from nitropilot.agent import Mode, PlaySettings, SessionState
from nitropilot.agent.events import Changed, ChunkReady, Missed, PadMoved, Warned
from nitropilot.agent.pad.guards import MENU_BUTTONS
from nitropilot.agent.record.trace import state_row
from nitropilot.controller.state import NEUTRAL
from tests.agent.play.test_modes import AUTO, Alone
from tests.agent.playing import (
    PATIENCE_S,
    Stage,
    attach,
    chunks_of,
    own_threads,
    paused_only,
    realtime_only,
    until,
)
from tests.agent.session.test_faults import break_encoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent import Session
    from nitropilot.agent.events import Event
    from nitropilot.agent.target.launch import LaunchedGame

pytestmark = pytest.mark.game


class Diary:
    """An observer that remembers everything.

    Args:
        also: Done at every event.
    """

    def __init__(self, also: Callable[[], object] = lambda: None) -> None:
        self.events: list[Event] = []
        self.states: list[str] = []
        self._also = also

    def happened(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Changed):
            self.states.append(event.facts.state)
        self._also()

    def of(self, kind: type) -> list:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]


def ended(session: Session, diary: Diary) -> None:
    """End a session and wait until its observer has heard of it."""
    session.stop()
    assert session.wait(PATIENCE_S)
    until(lambda: diary.states and diary.states[-1] == "stopped", "the observer hears of the end")


def test_everything_is_told_in_order(stage: Stage, runner: LaunchedGame) -> None:
    """What a dashboard shows must be what was really sent: the trace says what that was."""
    diary = Diary()
    session = stage.playing(attach(runner), observer=diary)
    session.pause()
    until(lambda: "paused" in diary.states, "the pause is told")
    session.play()
    sent = session.stats.sent
    until(lambda: session.stats.sent > sent + 20, "it plays on")
    ended(session, diary)

    assert diary.states[0] == "attaching"
    told = list(dict.fromkeys(diary.states))
    assert told == ["attaching", "playing", "paused", "stopped"]
    assert {event.session for event in diary.events} == {session.id}
    times = [event.time for event in diary.of(PadMoved)]
    assert times == sorted(times)

    trace = chunks_of(session)
    chunks = diary.of(ChunkReady)
    assert [chunk.number for chunk in chunks] == [line["i"] for line in trace]
    for chunk, line in zip(chunks, trace, strict=True):
        assert len(chunk.pads()) == len(line["actions"])
        assert chunk.age >= chunk.inference > 0
        if chunk.number not in {event.chunk for event in diary.of(PadMoved)}:
            continue  # none of it was played: it came too late, or after the pause
        assert chunk.late == (line["dropped"] if session.plan.settings.mode == "realtime" else 0)
    played = [
        (line["i"], row, state)
        for line in trace
        for row, state in zip(line["rows"], line["states"], strict=True)
    ]
    moved = [event for event in diary.of(PadMoved) if event.chunk is not None]
    seen = [(event.chunk, event.action, state_row(event.state)) for event in moved]
    assert sorted(seen) == sorted(played)
    assert session.stats.sent == len(seen)
    assert all(event.late is not None for event in moved)


def test_a_release_is_told(stage: Stage, runner: LaunchedGame) -> None:
    """A pad that the dashboard shows pressed after a pause would frighten its user."""
    diary = Diary()
    session = stage.playing(attach(runner), observer=diary)
    before = len(diary.events)
    session.pause()
    until(lambda: "paused" in diary.states, "the pause is told")
    until(
        lambda: any(
            isinstance(event, PadMoved) and event.state == NEUTRAL and event.chunk is None
            for event in diary.events[before:]
        ),
        "the release is told",
    )
    last = diary.of(PadMoved)[-1]
    assert last.state == NEUTRAL
    ended(session, diary)


@paused_only
def test_menu_buttons_are_not_told_as_pressed(stage: Stage, runner: LaunchedGame) -> None:
    """The guard holds them back: a picture of the plan that shows them would be wrong."""
    diary = Diary()
    session = stage.playing(attach(runner), observer=diary)
    assert session.loop is not None
    held = session.loop.guard.held_back
    until(lambda: held.total() > 0, "a menu button was held back")
    ended(session, diary)
    counted = held.total()
    pads = [pad for chunk in diary.of(ChunkReady) for pad in chunk.pads()]
    assert pads
    assert not any(pad.buttons & MENU_BUTTONS for pad in pads)
    assert held.total() == counted, "looking is not pressing"


def test_an_observer_that_raises_harms_nothing(
    stage: Stage, runner: LaunchedGame, caplog: pytest.LogCaptureFixture
) -> None:
    """A dashboard's bug must not drop the pad in the middle of a fight, nor fill the log."""

    def fail() -> None:
        raise ValueError("the dashboard broke")

    diary = Diary(fail)
    with caplog.at_level(logging.ERROR):
        session = stage.playing(attach(runner), observer=diary)
        sent = session.stats.sent
        until(lambda: session.stats.sent > sent + 40, "it plays on")
        ended(session, diary)
    assert session.state is SessionState.STOPPED
    assert len(diary.of(PadMoved)) > 40
    complaints = [record for record in caplog.records if "an observer failed" in record.message]
    assert len(complaints) == 1


def test_an_observer_that_hangs_harms_nothing(
    stage: Stage, runner: LaunchedGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Play must not wait for a dashboard, memory must not grow, and the end must come."""
    monkeypatch.setattr(nitropilot.agent.events, "MAX_WAITING", 50)
    go_on, calls = threading.Event(), threading.Event()

    def hang() -> None:
        calls.set()
        assert go_on.wait(PATIENCE_S)

    diary = Diary(hang)
    try:
        session = stage.playing(attach(runner), observer=diary)
        assert calls.wait(PATIENCE_S)
        sent = session.stats.sent
        until(lambda: session.stats.sent > sent + 150, "it plays on")
        session.stop()
        assert session.wait(PATIENCE_S)
        assert session.state is SessionState.STOPPED
        assert len(diary.events) == 1
        assert len(session.events._waiting) <= 52
    finally:
        go_on.set()
    until(lambda: diary.states[-1] == "stopped", "what was left is told")
    (missed,) = diary.of(Missed)
    assert missed.count > 100
    assert diary.events.index(missed) == 1, "said where it is missing"


@paused_only
def test_a_change_is_told_as_it_was(stage: Stage, runner: LaunchedGame) -> None:
    """An observer that is late must not hear of the end three times and never of the play."""
    go_on = threading.Event()
    diary = Diary(lambda: go_on.wait(PATIENCE_S))
    session = stage.session(attach(runner), observer=diary, autoplay=False)
    session.start()
    until(lambda: session.state is SessionState.PAUSED, "it is attached")
    session.takeover()
    session.pause()
    session.stop()
    assert session.wait(PATIENCE_S)
    go_on.set()
    until(lambda: diary.states[-1] == "stopped", "all is told")
    assert diary.states == ["attaching", "attaching", "paused", "takeover", "paused", "stopped"]
    first, last = diary.of(Changed)[0].facts, diary.of(Changed)[-1].facts
    assert (first.window, first.end) == (None, None)
    assert last.window is not None
    assert last.end == session.end


def test_without_an_observer_there_is_nothing(stage: Stage, runner: LaunchedGame) -> None:
    """Whoever does not look should not pay."""
    session = stage.playing(attach(runner))
    assert session.events._thread is None
    assert len(session.events._waiting) == 0
    assert not [name for name in own_threads() if "observer" in name]


def test_a_recording_that_ends_is_told(stage: Stage, runner: LaunchedGame) -> None:
    """Somebody believes that it is being recorded."""
    diary = Diary()
    session = stage.playing(attach(runner), observer=diary, record=True)
    break_encoder(session)
    until(lambda: diary.of(Warned), "it is told")
    (warning,) = diary.of(Warned)
    assert "recording ends here" in warning.message
    ended(session, diary)


@realtime_only
def test_a_fallback_is_told(
    stage: Stage, runner: LaunchedGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 4, for those who look at the events only."""
    monkeypatch.setattr(nitropilot.agent.play.freshness, "STARVED_S", 2.0)
    engine, diary = Alone(stage.engine()), Diary()
    session = stage.session(attach(runner), engine=engine, settings=AUTO, observer=diary)
    session.start()
    until(lambda: session.stats.sent > 20 or session.state.ended, "it plays")
    engine.seconds = 1.2
    until(lambda: session.mode and session.mode.mode is Mode.PAUSED, "it falls back")
    engine.seconds = 0.0
    until(lambda: diary.of(Warned), "the warning comes")
    assert "fell back from real-time mode" in diary.of(Warned)[0].message
    changes = len(diary.states)
    assert changes >= 3
    ended(session, diary)


@paused_only
def test_a_session_that_fails_to_attach_is_told(stage: Stage, runner: LaunchedGame) -> None:
    """The one event that a user who waits for the first picture needs."""
    diary = Diary()

    def fail() -> None:
        raise ValueError("no such policy")

    session = stage.session(
        attach(runner), engine=fail, observer=diary, settings=PlaySettings(seed=1)
    )
    session.start()
    assert session.wait(PATIENCE_S)
    until(lambda: len(diary.states) == 2, "the end is told")
    assert diary.of(Changed)[-1].facts.end.reason == "ValueError: no such policy"
    assert diary.states[-1] == "failed"
