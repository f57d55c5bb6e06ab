"""Find a game's window and take pictures of it.

    window = find_window(process="supertux2")
    with open_grabber(window) as grabber:
        frame = grabber.grab()

Works on X11 (with or without a window manager) and on Windows.  Importing this
package touches no display: mss, OpenCV and Xlib are imported when first used.
"""

from nitropilot.capture.base import Grabber, ResponseProbe
from nitropilot.capture.chooser import open_grabber, open_response_probe
from nitropilot.capture.errors import (
    AmbiguousWindow,
    CaptureError,
    GrabFailed,
    NoDisplay,
    WindowMinimised,
    WindowNotFound,
    WindowVanished,
)
from nitropilot.capture.finder import find_window, list_windows
from nitropilot.capture.frame import Frame
from nitropilot.capture.sight import check_sight
from nitropilot.capture.window import Rect, Window, parse_handle

__all__ = [
    "AmbiguousWindow",
    "CaptureError",
    "Frame",
    "GrabFailed",
    "Grabber",
    "NoDisplay",
    "Rect",
    "ResponseProbe",
    "Window",
    "WindowMinimised",
    "WindowNotFound",
    "WindowVanished",
    "check_sight",
    "find_window",
    "list_windows",
    "open_grabber",
    "open_response_probe",
    "parse_handle",
]
