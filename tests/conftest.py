"""Fixtures shared by every room's tests."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.require import (  # noqa: F401  hooks of this file, and so of all tests
    pytest_configure,
    pytest_make_collect_report,
    pytest_runtest_makereport,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.display import PrivateDisplay


@pytest.fixture(scope="session", autouse=True)
def engine_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled policies of one run are shared by its tests and daemons, and end with it."""
    before = os.environ.get("NITROPILOT_CACHE")
    os.environ.setdefault("NITROPILOT_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    if before is None:
        del os.environ["NITROPILOT_CACHE"]


@pytest.fixture(scope="session")
def x_display() -> Iterator[PrivateDisplay]:
    """One Xvfb (1280 x 720) for the whole run; tests put their own windows on it."""
    if not sys.platform.startswith("linux"):
        pytest.skip("Xvfb runs on Linux only")
    from agent.display import PrivateDisplay

    display = PrivateDisplay.start((1280, 720))
    yield display
    display.close()


@pytest.fixture
def display(x_display: PrivateDisplay, monkeypatch: pytest.MonkeyPatch) -> PrivateDisplay:
    """The shared Xvfb, with ``DISPLAY`` pointing at it for the length of one test."""
    monkeypatch.setenv("DISPLAY", x_display.name)
    return x_display
