"""``Grabber``: takes pictures of one window."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING

from capture.finder import unsupported_system

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from capture.frame import Frame
    from capture.window import Window


class Grabber(ABC):
    """Takes pictures of one window, wherever it moves.  Use it from one thread."""

    @property
    @abstractmethod
    def window(self) -> Window:
        """The window with its newest known position and size."""

    @abstractmethod
    def grab(self) -> Frame:
        """Take one picture of the part of the window that lies on the screen.

        What covers the window is in the picture.  A black picture is delivered
        like any other; see ``Frame.black``.

        Raises:
            WindowVanished: The window was closed.
            WindowMinimised: The window is minimised, hidden or off the screen.
            GrabFailed: The screen could not be read this time.
            NoDisplay: The X server is gone.
        """

    @abstractmethod
    def close(self) -> None:
        """Release everything.  Safe to call twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_grabber(window: Window) -> Grabber:
    """Open a grabber for a window that ``find_window`` or ``list_windows`` returned.

    Raises:
        WindowVanished: The window was closed meanwhile.
        NoDisplay: The display is gone, or the system is not supported.
    """
    grabber: Grabber
    if sys.platform == "win32":
        from mss import MSS

        from capture.mss_grabber import MssGrabber
        from capture.win32 import Win32Locator
        from capture.win32_api import load

        grabber = MssGrabber(window, Win32Locator(load(), window), MSS)
    elif sys.platform == "linux":
        from mss import MSS

        from capture.mss_grabber import MssGrabber
        from capture.x11_target import X11Locator

        grabber = MssGrabber(window, X11Locator(window), partial(MSS, display=window.display))
    else:
        raise unsupported_system()
    return grabber
