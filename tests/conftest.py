"""Fixtures shared by every room's tests."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from tests.support import long_first, one_at_a_time, require, turns
from tests.support.slowest import Slowest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent.target.display import PrivateDisplay


def pytest_addoption(parser: pytest.Parser) -> None:
    """What is told to the plugins."""
    turns.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """What all processes of a run share and what ends with it: compiled policies, the ledger."""
    config.pluginmanager.register(Slowest(), "slowest")
    config.pluginmanager.register(one_at_a_time, "one_at_a_time")
    config.pluginmanager.register(require, "require")
    config.pluginmanager.register(long_first, "long_first")
    config.pluginmanager.register(turns, "turns")
    # Made here and not by a fixture, so that the processes that run the tests inherit it.
    for variable in ("NITROPILOT_CACHE", "NITROPILOT_LEDGER"):
        if variable not in os.environ:
            kind = variable.removeprefix("NITROPILOT_").lower()
            folder = tempfile.TemporaryDirectory(prefix=f"nitropilot-{kind}-")
            patch = pytest.MonkeyPatch()
            patch.setenv(variable, folder.name)
            config.add_cleanup(folder.cleanup)
            config.add_cleanup(patch.undo)


@pytest.fixture(scope="session")
def x_display() -> Iterator[PrivateDisplay]:
    """One Xvfb (1280 x 720) for the whole run; tests put their own windows on it."""
    if not sys.platform.startswith("linux"):
        pytest.skip("Xvfb runs on Linux only")
    from nitropilot.agent.target.display import PrivateDisplay

    display = PrivateDisplay.start((1280, 720))
    yield display
    display.close()


@pytest.fixture
def display(x_display: PrivateDisplay, monkeypatch: pytest.MonkeyPatch) -> PrivateDisplay:
    """The shared Xvfb, with ``DISPLAY`` pointing at it for the length of one test."""
    monkeypatch.setenv("DISPLAY", x_display.name)
    return x_display
