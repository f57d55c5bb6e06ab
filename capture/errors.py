"""What can go wrong between a game's window and a frame.

CaptureError
├── NoDisplay            no X server or desktop to look at
├── WindowNotFound       nothing matches the handle, pid or process
├── AmbiguousWindow      several windows match; ``.candidates`` lists them
├── WindowVanished       the window was closed
├── WindowMinimised      the window exists but shows nothing
├── DisplaySilent        the window system does not answer
└── GrabFailed           the screen could not be read
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nitropilot.errors import NitroPilotError

if TYPE_CHECKING:
    from nitropilot.capture.window import Window


class CaptureError(NitroPilotError):
    """Any failure to find or grab a window."""

    code = "capture_failed"


class NoDisplay(CaptureError):
    """There is no display to capture from."""

    code = "no_display"


class WindowNotFound(CaptureError):
    """No window matches what was asked for."""

    code = "window_not_found"


class AmbiguousWindow(CaptureError):
    """Several windows match; the caller shows ``candidates`` to choose from."""

    code = "window_ambiguous"

    def __init__(self, message: str, hint: str, candidates: tuple[Window, ...]) -> None:
        super().__init__(message, hint)
        self.candidates = candidates


class WindowVanished(CaptureError):
    """The window no longer exists."""

    code = "window_vanished"


class WindowMinimised(CaptureError):
    """The window exists but is minimised or hidden, so it has no pixels."""

    code = "window_minimised"


class DisplaySilent(CaptureError):
    """The window system has not answered in time; it may yet."""

    code = "display_silent"


class GrabFailed(CaptureError):
    """The screen could not be read this time."""

    code = "grab_failed"


def unsupported_system() -> NoDisplay:
    """The error for a system whose windows cannot be found or grabbed."""
    return NoDisplay(
        f"windows cannot be captured on {sys.platform!r}", "use Linux with X11, or Windows"
    )
