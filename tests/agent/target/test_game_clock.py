"""A launched game's own clock does not count how long it was frozen."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nitropilot.agent import open_game
from nitropilot.agent.target.launch import launch
from nitropilot.controller.clock.clock_page import ClockPage
from nitropilot.controller.clock.finding import find_clock
from nitropilot.simulator.games.recipes import find_recipe
from tests.agent.playing import attach, stopped, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.agent import Game
    from nitropilot.agent.target.display import PrivateDisplay
    from nitropilot.agent.target.launch import LaunchedGame

pytestmark = [
    pytest.mark.game,
    pytest.mark.skipif(sys.platform != "linux", reason="the preloaded clock is for Linux"),
]
STOOD_S = 3.0


@pytest.fixture
def game(runner: LaunchedGame, tmp_path: Path) -> Iterator[Game]:
    """Held as a session holds it."""
    with closing(open_game(attach(runner), log=tmp_path / "game.log")) as held:
        yield held


@pytest.fixture
def clock(runner: LaunchedGame) -> Iterator[ClockPage]:
    """What the game says of its time; found as who joins a running game finds it."""
    path = find_clock(runner.process.pid)
    assert path is not None
    assert runner.clock is not None
    assert path == runner.clock.path
    with closing(ClockPage.open(path)) as page:
        yield page


def moment(clock: ClockPage) -> float:
    return clock.status().virtual_time


def goes_on(clock: ClockPage) -> float:
    """Wait until the game has looked at its clock again, and what it saw."""
    before = moment(clock)
    until(lambda: moment(clock) > before, "its clock goes on")
    return moment(clock)


def test_time_is_continuous_over_a_freeze(game: Game, clock: ClockPage) -> None:
    """Otherwise whatever goes by the clock leaps: physics, timers, a race's time."""
    goes_on(clock)
    assert game.controls.freeze(game.controls.arm())
    before = moment(clock)
    with game.controls.hand.computing():
        time.sleep(STOOD_S)
    assert moment(clock) == before
    game.controls.thaw()
    assert goes_on(clock) - before < STOOD_S


def test_time_goes_on_when_the_hand_is_killed(
    game: Game, clock: ClockPage, runner: LaunchedGame
) -> None:
    """A game that runs and whose clock stands would look like one that hangs."""
    assert game.controls.freeze(game.controls.arm())
    assert stopped(runner.process.pid)
    os.kill(game.controls.hand.pid, signal.SIGKILL)
    until(lambda: not stopped(runner.process.pid), "it runs again")
    goes_on(clock)
    later = moment(clock)
    until(lambda: moment(clock) > later + 0.5, "and its time with it")


def test_nothing_is_left_of_the_clock(x_display: PrivateDisplay, tmp_path: Path) -> None:
    """Its page is in the launch's entry of the ledger, and goes with the game."""
    launched = launch(find_recipe("runner"), log=tmp_path / "game.log", display=x_display.name)
    try:
        assert launched.clock is not None
        path = launched.clock.path
        assert launched.entry.facts["clock"] == str(path)
        assert path.exists()
    finally:
        launched.close()
    assert not path.exists()
