"""``Grabber`` takes pictures of one window; ``ResponseProbe`` asks whether it still answers.

What every window system implements; ``capture.chooser`` opens the one that is right here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from nitropilot.capture.frame import Frame
    from nitropilot.capture.window import Window


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
