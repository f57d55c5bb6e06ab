"""Fixtures of the agent's tests: a policy, running games, and sessions that end with the test."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import torch

from nitropilot.agent.record import video
from nitropilot.agent.target.launch import launch
from nitropilot.policy import random_policy
from nitropilot.simulator.games.recipes import find_recipe
from tests.agent.playing import (
    BOTH,
    PATIENCE_S,
    Stage,
    all_threads_end,
    earlier_threads,
    polls,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay
    from nitropilot.agent.target.launch import LaunchedGame
    from nitropilot.policy.network.policy import Policy

SWITCH_S = 0.0005
"""As ``server.host.switching`` has it, which is not imported here: whatever comes first decides
whether Gymnasium is told of our environments."""


@pytest.fixture(scope="package")
def policy() -> Iterator[Policy]:
    """A small policy with random weights; one thread, which suits so small a network.

    Threads share the interpreter as they do where it is played.
    """
    threads, interval = torch.get_num_threads(), sys.getswitchinterval()
    torch.set_num_threads(1)
    sys.setswitchinterval(SWITCH_S)
    yield random_policy("tiny", 0)
    torch.set_num_threads(threads)
    sys.setswitchinterval(interval)


@pytest.fixture(scope="module")
def runner(
    x_display: PrivateDisplay, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LaunchedGame]:
    """The built-in game, running for a whole module; sessions attach to it by its process id."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the preloaded pad is for Linux")
    log = tmp_path_factory.mktemp("runner") / "game.log"
    game = launch(find_recipe("runner"), log=log, display=x_display.name, timeout=PATIENCE_S)
    try:
        assert game.page is not None
        until(lambda: polls(game.page.path) > 10, "the game reads its pad")
        yield game
    finally:
        game.close()


@pytest.fixture(autouse=True)
def _threads_of_others() -> None:
    earlier_threads.clear()
    earlier_threads.update(threading.enumerate())


@pytest.fixture(params=BOTH)
def stage(
    request: pytest.FixtureRequest,
    policy: Policy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    """Makes sessions; none of them, and none of their threads, outlives the test.

    What the loops promise they promise in both modes; a test of one mode says so with
    ``paused_only`` or ``realtime_only`` of ``tests.agent.playing``.  Recordings wait for an encoder
    however late it is: a machine that crawls for a minute is no disk that stands still.
    """
    monkeypatch.setattr(video, "MAX_BACKLOG", 60 * 60 * 60)
    monkeypatch.setattr(video, "CLOSE_TIMEOUT_S", 5 * PATIENCE_S)
    with ExitStack() as stack:
        yield Stage(policy, tmp_path, stack, request.param)
    all_threads_end()
