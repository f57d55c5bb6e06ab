"""Any running game as an environment: held, pressed, and let go as it stands."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
import psutil
import pytest

import nitropilot.simulator  # noqa: F401
from nitropilot.agent.errors import AgentError
from nitropilot.agent.target.launch import launch
from nitropilot.controller.hand.protocol import FREEZE_LEASE_S
from nitropilot.controller.processes import State, state
from nitropilot.simulator.environments.errors import NoEpisode, NotPlayable
from nitropilot.simulator.games.recipes import find_recipe
from tests.server.conftest import needs_preload
from tests.simulator.environments.test_arcade_env import IDLE, KEYS
from tests.simulator.environments.test_game_env import RIGHT, TRIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay
    from nitropilot.agent.target.launch import LaunchedGame

STEPS = 40


@pytest.fixture
def running(tmp_path: Path, x_display: PrivateDisplay) -> Iterator[LaunchedGame]:
    """A stroll of the built-in runner, which somebody else has launched."""
    needs_preload()
    game = launch(find_recipe("runner"), log=tmp_path / "game.log", display=x_display.name)
    yield game
    game.close()


def attach(game: LaunchedGame, **options: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make(
        "NitroPilot/Attach-v0", pid=game.process.pid, display=game.window.display, **options
    )


def test_a_running_game_is_played_and_let_go(running: LaunchedGame) -> None:
    """It moves as the pad says, stands in between, and runs when it is over."""
    for _ in range(TRIES):
        with attach(running, size=(90, 160)) as env:
            try:
                walk(env, running)
                break
            except NoEpisode:  # a busy machine let it lapse
                continue
    else:
        pytest.fail(f"{TRIES} episodes were void")
    assert running.process.poll() is None
    assert state(psutil.Process(running.process.pid)) is State.RUNNING


def walk(env: gymnasium.Env[Any, Any], running: LaunchedGame) -> None:
    first, info = env.reset(seed=1)
    assert (first.shape, info.keys(), info["game_time"]) == ((90, 160, 3), KEYS, 0.0)
    for _ in range(STEPS):
        picture, reward, terminated, truncated, info = env.step(RIGHT)
        assert (reward, terminated, truncated) == (0.0, False, False)
        assert state(psutil.Process(running.process.pid)) is State.STOPPED
    assert info["game_time"] == pytest.approx(STEPS / 60)
    assert info["freeze"] == "clock and process", "it was launched with a clock of ours"
    assert not np.array_equal(picture, first)
    env.unwrapped._picture()  # type: ignore[attr-defined]
    before = env.unwrapped._picture()  # type: ignore[attr-defined]
    time.sleep(0.5)
    assert np.array_equal(env.unwrapped._picture(), before)  # type: ignore[attr-defined]


def test_whoever_plays_may_think(running: LaunchedGame) -> None:
    """For longer than the lease of a freeze that nobody needs."""
    with attach(running, size=16) as env:
        env.reset(seed=1)
        time.sleep(1.5 * FREEZE_LEASE_S)
        assert state(psutil.Process(running.process.pid)) is State.STOPPED
    assert state(psutil.Process(running.process.pid)) is State.RUNNING


def test_its_end_is_said(running: LaunchedGame) -> None:
    """And so is a game that is not there, or not named."""
    with attach(running, size=16, seconds=1.0) as env:
        env.reset(seed=1)
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
        with pytest.raises(NotPlayable):
            env.step(IDLE)
        with pytest.raises(NotPlayable):
            env.reset(seed=1)
    with pytest.raises(AgentError, match="no game was named"):
        gymnasium.make("NitroPilot/Attach-v0")
