"""Whether a picture of a game can be had here: what ``doctor`` asks before anybody plays."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeVar

from nitropilot.capture.chooser import open_grabber
from nitropilot.capture.errors import GrabFailed, WindowMinimised, WindowVanished
from nitropilot.capture.finder import list_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nitropilot.capture.window import Window

T = TypeVar("T")
DEPTHS = (24, 32)
"""Bits of a pixel that can be read."""
LEAVE_WAYLAND = (
    "log in to an X11 session, or have the game launched on a screen of its own: --headless"
)


def check_sight(display: str | None = None) -> str:
    """Take a picture of an open window; returns what can be seen.

    Args:
        display: X display to look at; ``$DISPLAY`` when None.  Means nothing on Windows.

    Raises:
        NoDisplay: There is no such display.
        DisplaySilent: It does not answer.
        GrabFailed: Windows cannot be read, or all of them are black.
    """
    if sys.platform == "linux":
        _of(display, lambda: _refuse_server(display))
    windows = list_windows(display)
    black = _black_ones(windows)
    if black:
        raise GrabFailed(
            f"windows are listed, and all that were looked at are black ({black})",
            "switch games from exclusive fullscreen to windowed; on Wayland, " + LEAVE_WAYLAND,
        )
    return f"{len(windows)} windows can be seen" if windows else "no window is open now"


def knows_processes(display: str | None = None) -> bool:
    """Whether the process of every window is known; otherwise only of those that name theirs.

    Args:
        display: As ``check_sight`` takes it.

    Raises:
        NoDisplay: There is no such display.
        DisplaySilent: It does not answer.
    """
    known = True
    if sys.platform == "linux":
        known = _of(display, lambda: _knows_clients(display))
    return known


def _black_ones(windows: Iterable[Window]) -> int:
    """How many windows are black; 0 as soon as one is not."""
    black = 0
    for window in windows:
        try:
            with open_grabber(window) as grabber:
                frame = grabber.grab()
        except (WindowMinimised, WindowVanished):
            continue
        if not frame.black:
            return 0
        black += 1
    return black


def _of(display: str | None, ask: Callable[[], T]) -> T:
    """What a display answers, or ``DisplaySilent``."""
    from nitropilot.capture import bounded

    where = display or os.environ.get("DISPLAY", "")
    return bounded.call_once(ask, where, bounded.OPEN_S)


def _knows_clients(display: str | None) -> bool:
    from nitropilot.capture.x11.connection import X11

    with X11(display) as x:
        known: bool = x.knows_clients
    return known


def _refuse_server(display: str | None) -> None:
    """Refuse a server whose pictures cannot be read.

    XWayland draws each window for the compositor alone: to others all of them are black.
    """
    from nitropilot.capture.x11.connection import X11

    with X11(display) as x:
        if x.is_xwayland():
            raise GrabFailed(
                f"X display {x.name!r} is XWayland's: its windows are black to other programs",
                LEAVE_WAYLAND,
            )
        if x.depth not in DEPTHS:
            raise GrabFailed(
                f"X display {x.name!r} has a depth of {x.depth} bits: its pictures cannot be read",
                "set the display's depth to 24 bits (DefaultDepth 24 in xorg.conf)",
            )
