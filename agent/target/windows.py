"""Open a game's window for grabbing, and find it again when the game replaces it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nitropilot import capture
from nitropilot.agent.target.fair_play import refuse_protected
from nitropilot.agent.target.launch import main_window
from nitropilot.capture.errors import CaptureError, WindowVanished

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.capture import Grabber, ResponseProbe, Window

NEW_WINDOW_S = 6.0
"""How long a game may be without a window: ending, or changing its resolution."""


def open_window(window: Window) -> tuple[Grabber, ResponseProbe]:
    """A window's grabber, and the probe that tells whether its game still answers.

    Raises:
        CaptureError: The window vanished, or there is no display.
    """
    grabber = capture.open_grabber(window)
    try:
        return grabber, capture.open_response_probe(window)
    except BaseException:
        grabber.close()
        raise


def find_window_again(
    gone: Window, check_running: Callable[[], None]
) -> tuple[Window, Grabber, ResponseProbe]:
    """The window that took the place of one that is gone, opened.

    Args:
        gone: The old window.
        check_running: Raises when it is of no use to wait.

    Raises:
        ProtectedGame: It belongs to a game with an anti-cheat system.
        WindowVanished: There is none within ``NEW_WINDOW_S``.
    """
    deadline = time.monotonic() + NEW_WINDOW_S
    while time.monotonic() < deadline:
        check_running()
        try:
            window = main_window(gone.pid, gone.display or None)
            refuse_protected(window.pid)
            return window, *open_window(window)
        except CaptureError:
            time.sleep(0.1)
    raise WindowVanished(f"the game has no window any more ({describe(gone)})", "start it again")


def describe(window: Window) -> str:
    """Executable, process id and window handle, for messages."""
    return f"{window.executable}, pid {window.pid}, window {window.handle:#x}"
