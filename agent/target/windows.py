"""Open a game's window for grabbing, and find it again when the game replaces it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nitropilot import capture
from nitropilot.agent.cancelling import POLL_S
from nitropilot.agent.fair_play.judging import refuse_protected
from nitropilot.capture.errors import (
    AmbiguousWindow,
    CaptureError,
    WindowNotFound,
    WindowVanished,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.capture import Grabber, ResponseProbe, Window

SETTLED_S = 0.4
"""How long a window must stay: SDL makes its first one anew when that has to have OpenGL."""
NEW_WINDOW_S = 6.0
"""How long a game may be without a window: ending, or changing its resolution."""


def main_window(pid: int | None, display: str | None) -> Window:
    """The window of a process or its children, the largest of several.

    Raises:
        CaptureError: It has none (yet).
    """
    try:
        return capture.find_window(pid=pid, display=display)
    except AmbiguousWindow as error:
        return largest(error.candidates)


def largest(windows: Sequence[Window]) -> Window:
    """Of several windows of a game the one that is looked at."""
    return max(windows, key=lambda window: window.rect.width * window.rect.height)


def settled_window(
    find: Callable[[], Window],
    check: Callable[[], None],
    timeout: float,
    wait: Callable[[float], object] = time.sleep,
) -> Window | None:
    """A starting game's window, once it has been the same for a moment: see ``SETTLED_S``.

    Args:
        find: Finds it, or raises ``WindowNotFound`` or ``WindowVanished``.
        check: Raises when it is of no use to wait.
        timeout: Seconds until None is returned.
        wait: Waits for so many seconds, or less.
    """
    deadline = time.monotonic() + timeout
    found, since = None, 0.0
    while time.monotonic() < deadline:
        check()
        try:
            window = find()
        except (WindowNotFound, WindowVanished):
            found = None
        else:
            if window.handle != found:
                found, since = window.handle, time.monotonic()
            elif time.monotonic() - since > SETTLED_S:
                return window
        wait(POLL_S)
    return None


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


def close_window(opened: tuple[Grabber, ResponseProbe]) -> None:
    """Close what ``open_window`` has opened."""
    for part in opened:
        part.close()


def find_window_again(
    gone: Window,
    check_running: Callable[[], None],
    find: Callable[[], Window] | None = None,
    timeout: float = NEW_WINDOW_S,
) -> tuple[Window, Grabber, ResponseProbe]:
    """The window that took the place of one that is gone, opened.

    Args:
        gone: The old window.
        check_running: Raises when it is of no use to wait.
        find: Finds it; otherwise it is one of the same process.
        timeout: Seconds to wait for it.

    Raises:
        ProtectedGame: It belongs to a game with an anti-cheat system.
        WindowVanished: There is none in time.
    """
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        check_running()
        try:
            window = find() if find else main_window(gone.pid, gone.display or None)
            refuse_protected(window.pid)
            return window, *open_window(window)
        except CaptureError:
            time.sleep(0.1)
    raise WindowVanished(f"the game has no window any more ({describe(gone)})", "start it again")


def describe(window: Window) -> str:
    """Executable, process id and window handle, for messages."""
    return f"{window.executable}, pid {window.pid}, window {window.handle:#x}"
