"""``ResponseProbe``: does the game still answer its window system?"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from capture.finder import unsupported_system

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from capture.window import Window


class ResponseProbe(ABC):
    """Asks one window whether its program still handles events.  Use it from one thread."""

    @abstractmethod
    def poll(self) -> bool | None:
        """Look for an answer; never waits.

        A game reads its events once a frame, so False right after True is
        normal: what counts is how long the answer stays False.

        Returns:
            True when the game answered the last ping, False while a ping is
            unanswered, None when this window cannot be asked or the first ping
            has only just been sent.

        Raises:
            WindowVanished: The window was closed.
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


def open_response_probe(window: Window) -> ResponseProbe:
    """Open a probe for a window that ``find_window`` or ``list_windows`` returned.

    Raises:
        WindowVanished: The window was closed meanwhile.
        NoDisplay: The display is gone, or the system is not supported.
    """
    probe: ResponseProbe
    if sys.platform == "win32":
        from capture.win32 import HungProbe
        from capture.win32_api import load

        probe = HungProbe(load(), window)
    elif sys.platform == "linux":
        from capture.x11_probe import PingProbe

        probe = PingProbe(window)
    else:
        raise unsupported_system()
    return probe
