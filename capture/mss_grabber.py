"""The grabber over mss: shared memory (MIT-SHM) on X11, GDI on Windows."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np
from mss.exception import ScreenShotError

from nitropilot.capture.base import Grabber
from nitropilot.capture.errors import GrabFailed, WindowMinimised
from nitropilot.capture.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nitropilot.capture.window import Rect, Window


AGAIN = "try again; `nitropilot doctor` tests screen capture"
NO_LIBRARY = (
    "install what mss reads the screen with (Debian, Ubuntu: apt-get install "
    "libxcb-randr0 libxcb-render0 libxcb-shm0 libxcb-xfixes0)"
)


class Shot(Protocol):
    """What is used of ``mss.ScreenShot``: ``raw`` holds BGRX bytes, row by row."""

    raw: bytearray


class Screen(Protocol):
    """What is used of ``mss.MSS``."""

    def grab(self, monitor: dict[str, Any], /) -> Shot: ...

    def close(self) -> None: ...


class Locator(Protocol):
    """Says where the window is now."""

    def locate(self) -> tuple[Rect, Rect]:
        """The window's inner area and the whole screen, in the same coordinates.

        Raises:
            WindowVanished: The window was closed.
            WindowMinimised: The window shows nothing.
            NoDisplay: The display is gone.
        """

    def close(self) -> None: ...


class MssGrabber(Grabber):
    """Reads the window's part of the screen.

    Args:
        window: The window to follow.
        locator: Where it is; owned by the grabber from here on.
        open_screen: Makes the ``mss.MSS`` to read with.
    """

    def __init__(self, window: Window, locator: Locator, open_screen: Callable[[], Screen]) -> None:
        self._window = window
        self._locator = locator
        self._open_screen = open_screen
        self._screen: Screen | None = None
        self._screen_rect: Rect | None = None
        self._count = 0

    @property
    def window(self) -> Window:
        return self._window

    def grab(self) -> Frame:
        start = time.perf_counter()
        rect, screen = self._locator.locate()
        self._window = replace(self._window, rect=rect, minimised=False)
        area = rect.intersection(screen)
        if area is None:
            raise WindowMinimised(
                f"window {self._window.describe()} at {rect.left},{rect.top} is off the screen",
                "move the game's window onto the screen",
            )
        frame = Frame(self._read(area, screen), start, self._count)
        self._count += 1
        return frame

    def close(self) -> None:
        self._close_screen()
        self._locator.close()

    def _read(self, area: Rect, screen: Rect) -> NDArray[np.uint8]:
        """The pixels of ``area`` as ``H x W x 3`` uint8 RGB."""
        if screen != self._screen_rect:
            # mss sizes its buffer for the screen it first saw.
            self._close_screen()
        try:
            if self._screen is None:
                self._screen = self._open_screen()
                self._screen_rect = screen
            region = {
                "left": area.left, "top": area.top, "width": area.width, "height": area.height,
            }  # fmt: skip
            raw = self._screen.grab(region).raw
        except (ScreenShotError, OSError) as error:
            self._close_screen()
            raise GrabFailed(
                f"the screen could not be read at {area}: {error}",
                NO_LIBRARY if "libxcb" in str(error) else AGAIN,
            ) from error
        bgrx = np.frombuffer(raw, np.uint8).reshape(area.height, area.width, 4)
        rgb = np.empty((area.height, area.width, 3), np.uint8)
        cv2.cvtColor(bgrx, cv2.COLOR_BGRA2RGB, dst=rgb)
        return rgb

    def _close_screen(self) -> None:
        screen, self._screen = self._screen, None
        if screen is not None:
            # mss complains here once more about a connection that broke earlier.
            with contextlib.suppress(ScreenShotError):
                screen.close()
