"""Whoever stops a session that still attaches waits for nothing, and nothing of it is left."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot.agent import NotPossibleNow, Recipe, Target
from nitropilot.agent.cancelling import Cancellation
from nitropilot.agent.session.states import SessionState
from nitropilot.agent.target import display as private_display
from nitropilot.agent.target import launch, taking
from nitropilot.agent.target.taking import take_hold
from nitropilot.simulator.games.recipes import find_recipe
from tests.agent.playing import PATIENCE_S, gone, paused_only, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.agent import Session
    from nitropilot.agent.target.launch import LaunchedGame
    from tests.agent.playing import Stage

pytestmark = [
    pytest.mark.game,
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="Xvfb and the preloaded pad are for Linux"
    ),
]

FOR_EVER_S = 1e6
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(sys.argv[1], "w") as file:
    print(os.getpid(), os.environ["DISPLAY"], file=file)
time.sleep(600)
"""
"""A program without a window that does not end when it is asked to."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No launch ends because it takes long."""
    endless = partial(launch.launch, timeout=FOR_EVER_S)
    monkeypatch.setattr(taking, "launch", endless)
    monkeypatch.setattr(private_display, "START_TIMEOUT_S", FOR_EVER_S)
    monkeypatch.setattr(launch, "PATIENCE_S", FOR_EVER_S)


def stop(session: Session) -> None:
    """As DELETE and the signals do."""
    session.stop()


def panic(session: Session) -> None:
    """As the hotkey does."""
    session.control.panic()


def ended(session: Session) -> None:
    """It has stopped as it was asked to."""
    assert session.wait(PATIENCE_S)
    assert session.end is not None
    assert session.state is SessionState.STOPPED, session.end


@paused_only
@pytest.mark.parametrize("act", [stop, panic])
@pytest.mark.parametrize("headless", [False, True])
@pytest.mark.usefixtures("display")
def test_a_program_that_shows_no_window(
    stage: Stage, tmp_path: Path, act: Callable[[Session], None], headless: bool
) -> None:
    """A wrong program, or a game that is still installing something: a minute of waiting."""
    told = tmp_path / "told"
    recipe = Recipe("line", sys.executable, ("-c", STUBBORN, str(told)))
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    session = stage.session(Target(launch=recipe, headless=headless))
    session.start()
    pid, _ = until(lambda: told.exists() and told.read_text().split(), "the program runs")
    act(session)
    ended(session)
    assert gone(int(pid))
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


@paused_only
def test_a_display_that_does_not_come_up(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An X server that hangs at its start, as one does whose fonts lie on a lost network."""
    told = tmp_path / "told"
    fake = tmp_path / "Xvfb"
    fake.write_text(f"#!/bin/sh\necho $$ > {told}\nexec /bin/sleep 600\n")
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    session = stage.session(Target(launch=find_recipe("runner"), headless=True))
    session.start()
    pid = until(lambda: told.exists() and told.read_text().strip(), "the X server runs")
    session.stop()
    ended(session)
    assert gone(int(pid))


@paused_only
@pytest.mark.usefixtures("display")
def test_an_opening_that_takes_long(stage: Stage) -> None:
    """Between two buttons that lead into play there may be minutes of an introduction."""
    recipe = replace(find_recipe("runner"), opening=((FOR_EVER_S, "a"),))
    session = stage.session(Target(launch=recipe, keep=False))
    session.start()
    until(lambda: session.loop is not None, "the game was taken hold of")
    session.stop()
    ended(session)
    assert session.machine.cancelled.is_set(), "whoever still takes hold of something gives up"


def test_a_game_that_is_not_wanted_any_more(runner: LaunchedGame) -> None:
    """What was launched is ours until somebody wants it no more, its hand included."""
    cancelled = Cancellation()
    cancelled.set()
    fds = psutil.Process().num_fds()
    children = psutil.Process().children()
    with pytest.raises(NotPossibleNow, match="stopped while attaching"):
        take_hold(runner.window, None, "auto", 30.0, cancelled)
    assert psutil.Process().num_fds() == fds
    assert psutil.Process().children() == children
