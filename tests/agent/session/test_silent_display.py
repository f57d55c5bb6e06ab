"""A display that does not answer costs pictures, and never a pressed pad or a frozen game."""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("X servers are for Linux", allow_module_level=True)

from nitropilot.agent import SessionState
from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.agent.target.launch import launch
from nitropilot.simulator.games.recipes import find_recipe
from tests.agent.launched_window import WindowGame
from tests.agent.playing import (
    PATIENCE_S,
    Stage,
    attach,
    neutral,
    own_threads,
    page_of,
    paused_only,
    reasons_of,
    stopped,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.agent.target.launch import LaunchedGame

pytestmark = pytest.mark.game


@pytest.fixture
def own_display() -> Iterator[PrivateDisplay]:
    """One that may be stopped."""
    display = PrivateDisplay.start((800, 600))
    yield display
    os.kill(display.process.pid, signal.SIGCONT)
    display.close()
    until(lambda: not own_threads(), "whoever asked it has given up")
    with warnings.catch_warnings():  # python-xlib closes no socket of a connection that failed
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def lonely(own_display: PrivateDisplay, tmp_path: Path) -> Iterator[LaunchedGame]:
    """The built-in game on that display."""
    recipe = replace(find_recipe("runner"), opening=())
    game = launch(recipe, log=tmp_path / "game.log", display=own_display.name)
    yield game
    os.kill(own_display.process.pid, signal.SIGCONT)
    game.close()


def test_a_stopped_display(stage: Stage, lonely: LaunchedGame, own_display: PrivateDisplay) -> None:
    """It is said, it is waited for, and a stop still ends the session."""
    session = stage.playing(attach(lonely))
    assert session.loop is not None
    loop = session.loop
    until(lambda: not neutral(page_of(session)), "something is pressed")
    os.kill(own_display.process.pid, signal.SIGSTOP)
    until(lambda: "has not answered" in loop.waiting_for, "it says what it waits for")
    for _ in range(20):
        until(lambda: neutral(page_of(session)), "nothing is pressed")
        until(lambda: not stopped(lonely.process.pid), "the game is not held")
    assert session.state is SessionState.PLAYING
    os.kill(own_display.process.pid, signal.SIGCONT)
    sent = session.stats.sent
    until(lambda: session.stats.sent > sent + 16, "play goes on")
    os.kill(own_display.process.pid, signal.SIGSTOP)
    until(lambda: "has not answered" in loop.waiting_for, "it says so again")
    session.stop()
    assert neutral(page_of(session))
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.STOPPED


@pytest.fixture
def holder(own_display: PrivateDisplay, tmp_path: Path) -> Iterator[WindowGame]:
    """A game that keeps the display to itself for half of the time."""
    game = WindowGame(tmp_path, own_display.name)
    yield game
    game.launched.close()


@paused_only
def test_a_frozen_game_that_holds_the_display(stage: Stage, holder: WindowGame) -> None:
    """Frozen in the middle of that it holds it for ever: it is let run, and the reason says so."""
    session = stage.playing(holder.open)
    assert session.loop is not None
    loop = session.loop
    holder.tell("hold")
    until(lambda: "has not answered" in loop.waiting_for, "a freeze has met it")
    until(lambda: not stopped(holder.pid), "it is let run")
    chunks = session.stats.chunks
    until(lambda: session.stats.chunks > chunks + 2, "and is played between its holds")
    session.stop()
    assert session.wait(PATIENCE_S)
    assert reasons_of(session, "has not answered")
    until(lambda: not stopped(holder.pid), "it runs in the end")
