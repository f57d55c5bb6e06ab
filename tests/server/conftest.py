"""One daemon a module, and Runner as the game."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.pads.shim_build import find_compiler
from tests.server.processes import POLICY, Daemon, running_game

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import RunningGame


@pytest.fixture(scope="module")
def daemon(x_display: PrivateDisplay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a policy and a display, shared by a module's tests."""
    daemon = Daemon(
        tmp_path_factory.mktemp("daemon"), x_display.name, "--policy", POLICY, warm_start=True
    )
    yield daemon
    daemon.client.close()
    daemon.kill()


@pytest.fixture
def game(x_display: PrivateDisplay) -> Iterator[RunningGame]:
    """Runner, already running when NitroPilot comes."""
    needs_preload()
    with running_game(x_display.name) as game:
        yield game


def needs_preload() -> None:
    """Skip where a game cannot get the preloaded pad."""
    if sys.platform != "linux":
        pytest.skip("the preloaded pad is for Linux")
    if find_compiler() is None:
        pytest.skip("no C compiler to build the preloaded library")
