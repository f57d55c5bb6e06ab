"""Whether a window's program still answers."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot import capture

if not sys.platform.startswith("linux"):
    pytest.skip("X11 windows are tested on Linux", allow_module_level=True)

from tests.capture.conftest import Child, Launcher, until
from tests.capture.xwindow import XWindow

if TYPE_CHECKING:
    from nitropilot.agent.target.display import PrivateDisplay


def sdl_game(launcher: Launcher, display: str) -> Child:
    program = str(Path(__file__).with_name("sdl_window.py"))
    return launcher.run(
        [sys.executable, program],
        DISPLAY=display,
        SDL_VIDEODRIVER="x11",
        PYGAME_HIDE_SUPPORT_PROMPT="1",
    )


def found(display: str, handle: int) -> capture.Window:
    windows = until(lambda: [w for w in capture.list_windows(display) if w.handle == handle])
    window: capture.Window = windows[0]
    return window


def answers_stops_and_goes_on(launcher: Launcher, display: str) -> None:
    game = sdl_game(launcher, display)
    with capture.open_response_probe(found(display, game.handle)) as probe:
        assert probe.poll() is None
        for _ in range(3):
            until(probe.poll)
        os.kill(game.pid, signal.SIGSTOP)
        until(lambda: psutil.Process(game.pid).status() == psutil.STATUS_STOPPED)
        until(lambda: probe.poll() is False)
        for _ in range(10):
            assert probe.poll() is False
            time.sleep(0.02)
        os.kill(game.pid, signal.SIGCONT)
        until(probe.poll)


def test_a_real_sdl_game(display: PrivateDisplay, launcher: Launcher) -> None:
    """A hung game must be told from a running one without a window manager's help."""
    answers_stops_and_goes_on(launcher, display.name)


def test_beside_a_window_manager(managed_display: PrivateDisplay, launcher: Launcher) -> None:
    """The window manager listens for answers too; it must not swallow ours."""
    answers_stops_and_goes_on(launcher, managed_display.name)


def test_window_that_takes_no_pings(display: PrivateDisplay) -> None:
    """A window without the protocol never answers: calling it hung would stop good games."""
    with (
        XWindow(display.name) as mine,
        capture.open_response_probe(found(display.name, mine.handle)) as probe,
    ):
        assert [probe.poll() for _ in range(3)] == [None] * 3


def test_answers_of_other_windows_do_not_count(display: PrivateDisplay, launcher: Launcher) -> None:
    """All answers arrive at the root window: a hung game must not live on another's answer."""
    hung, fine = sdl_game(launcher, display.name), sdl_game(launcher, display.name)
    with (
        capture.open_response_probe(found(display.name, hung.handle)) as of_hung,
        capture.open_response_probe(found(display.name, fine.handle)) as of_fine,
    ):
        os.kill(hung.pid, signal.SIGSTOP)
        until(lambda: psutil.Process(hung.pid).status() == psutil.STATUS_STOPPED)
        until(lambda: of_hung.poll() is False)
        for _ in range(3):
            until(of_fine.poll)
            assert of_hung.poll() is False


def test_window_that_is_gone(display: PrivateDisplay, launcher: Launcher) -> None:
    """A crashed game is not a hung one."""
    game = sdl_game(launcher, display.name)
    with capture.open_response_probe(found(display.name, game.handle)) as probe:
        until(probe.poll)
        game.end()
        with pytest.raises(capture.WindowVanished):
            until(lambda: probe.poll() and None)
        with pytest.raises(capture.WindowVanished):
            probe.poll()
