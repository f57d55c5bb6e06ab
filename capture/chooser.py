"""Open what takes pictures of a window here, and what asks it whether it still answers."""

from __future__ import annotations

import functools
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from nitropilot.capture.errors import unsupported_system

if TYPE_CHECKING:
    from nitropilot.capture.base import Grabber, ResponseProbe
    from nitropilot.capture.window import Window


def open_grabber(window: Window) -> Grabber:
    """Open a grabber for a window that ``find_window`` or ``list_windows`` returned.

    Raises:
        WindowVanished: The window was closed meanwhile.
        NoDisplay: The display is gone, or the system is not supported.
    """
    grabber: Grabber
    if sys.platform == "win32":
        from mss import MSS

        from nitropilot.capture.mss_grabber import MssGrabber
        from nitropilot.capture.win32.api import load
        from nitropilot.capture.win32.windows import Win32Locator

        grabber = MssGrabber(window, Win32Locator(load(), window), MSS)
    elif sys.platform == "linux":
        from mss import MSS

        from nitropilot.capture.bounded import BoundedGrabber
        from nitropilot.capture.mss_grabber import MssGrabber
        from nitropilot.capture.x11.target import X11Locator

        screen = partial(MSS, display=window.display)

        def opened() -> MssGrabber:
            _find_libraries(window.display)
            return MssGrabber(window, X11Locator(window), screen)

        grabber = BoundedGrabber(opened, window.display)
    else:
        raise unsupported_system()
    return grabber


@functools.cache
def _find_libraries(display: str) -> None:
    """Have mss find its libraries now, and not at the first picture, when somebody plays already.

    It asks programs where they lie.  Until such a one has begun no thread of this process goes on,
    on a busy machine for so long that the pad is let go.
    """
    from mss import MSS
    from mss.exception import ScreenShotError

    with suppress(ScreenShotError, OSError):  # whoever takes a picture is told
        MSS(display=display).close()


def open_response_probe(window: Window) -> ResponseProbe:
    """Open a probe for a window that ``find_window`` or ``list_windows`` returned.

    Raises:
        WindowVanished: The window was closed meanwhile.
        NoDisplay: The display is gone, or the system is not supported.
    """
    probe: ResponseProbe
    if sys.platform == "win32":
        from nitropilot.capture.win32.api import load
        from nitropilot.capture.win32.windows import HungProbe

        probe = HungProbe(load(), window)
    elif sys.platform == "linux":
        from nitropilot.capture.bounded import BoundedProbe
        from nitropilot.capture.x11.probe import PingProbe

        probe = BoundedProbe(lambda: PingProbe(window), window.display)
    else:
        raise unsupported_system()
    return probe
