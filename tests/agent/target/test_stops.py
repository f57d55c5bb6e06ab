"""Games that another program stops: for a moment, which is sat out, or for longer."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest

import nitropilot.agent.target.game
from nitropilot.agent import PlaySettings, SessionState
from tests.agent.playing import (
    PATIENCE_S,
    Stage,
    at_call,
    attach,
    neutral,
    page_of,
    paused_only,
    reasons_of,
    runs_on,
    stopped,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent import Game
    from nitropilot.agent.target.launch import LaunchedGame

pytestmark = [
    pytest.mark.game,
    pytest.mark.skipif(sys.platform != "linux", reason="stops processes as Linux does"),
]
SAYS = "stopped by another program"


@pytest.fixture(autouse=True)
def running_afterwards(runner: LaunchedGame) -> Iterator[None]:
    """The game is shared, and a failed test must not leave it stopped."""
    yield
    os.kill(runner.process.pid, signal.SIGCONT)


def stop_and_see(pid: int) -> None:
    """Stop a process, and wait until it stands still."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: stopped(pid), "stopped")


def test_a_short_stop_is_sat_out(
    stage: Stage, runner: LaunchedGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tool that takes a look at the game for some milliseconds must not cost a whole session."""
    monkeypatch.setattr(nitropilot.agent.target.game, "STOP_TOLERANCE_S", PATIENCE_S)

    def prepare(game: Game) -> None:
        # In the middle of a chunk, when the game is not frozen by us.
        at_call(game.controls, "pressed", 40, lambda: stop_and_see(runner.process.pid))

    session = stage.session(attach(runner), prepare=prepare)
    session.start()
    until(
        lambda: (session.loop and SAYS in session.loop.waiting_for) or session.state.ended,
        "it says what it waits for",
    )
    assert session.state is SessionState.PLAYING, session.end
    assert session.loop is not None
    sent = session.stats.sent
    assert neutral(page_of(session))
    assert stopped(runner.process.pid), "whoever stopped it lets it run again"
    os.kill(runner.process.pid, signal.SIGCONT)
    until(lambda: session.stats.sent > sent + 32 or session.state.ended, "play goes on")
    assert session.state is SessionState.PLAYING, session.end
    until(lambda: SAYS not in session.loop.waiting_for, "it waits no more")
    session.stop()
    assert session.wait(PATIENCE_S)
    assert len(reasons_of(session, SAYS)) == 1
    runs_on(runner)


@paused_only
def test_a_slow_chunk_is_broken_off(
    stage: Stage, runner: LaunchedGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen actions at two a second take eight seconds, in which nobody would look."""
    monkeypatch.setattr(nitropilot.agent.target.game, "STOP_TOLERANCE_S", PATIENCE_S)
    session = stage.session(attach(runner), settings=PlaySettings(seed=1, action_hz=2.0))
    session.start()
    until(lambda: session.stats.sent > 1, "it plays")
    assert session.loop is not None
    stop_and_see(runner.process.pid)
    sent = session.stats.sent
    until(lambda: SAYS in session.loop.waiting_for, "it says what it waits for")
    assert session.stats.sent <= sent + 2
    assert neutral(page_of(session))


@pytest.mark.parametrize("state", [SessionState.PAUSED, SessionState.TAKEOVER])
@paused_only
def test_a_stop_while_the_agent_rests(
    stage: Stage, runner: LaunchedGame, state: SessionState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is played, so however long it is nothing ends; but whoever looks is told."""
    session = stage.playing(attach(runner))
    assert session.loop is not None
    assert session.game is not None
    (session.pause if state is SessionState.PAUSED else session.takeover)()
    stop_and_see(runner.process.pid)
    until(lambda: SAYS in session.loop.waiting_for, "it says so")
    assert neutral(page_of(session))
    monkeypatch.setattr(nitropilot.agent.target.game, "STOP_TOLERANCE_S", 0.0)
    looked = threading.Event()
    at_call(session.game, "look_after", 3, looked.set)
    assert looked.wait(PATIENCE_S)
    os.kill(runner.process.pid, signal.SIGCONT)
    until(lambda: SAYS not in session.loop.waiting_for, "it is over")
    assert session.state is state
    monkeypatch.undo()
    sent = session.stats.sent
    session.play()
    until(lambda: session.stats.sent > sent + 16 or session.state.ended, "it plays")
    assert session.state is SessionState.PLAYING, session.end
