"""Follow one X11 window: notice its end, tell its place."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from Xlib import X
from Xlib.error import ConnectionClosedError

from nitropilot.capture.errors import CaptureError
from nitropilot.capture.window import hidden, vanished
from nitropilot.capture.x11.connection import CLOSED, GONE, X11, lost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.capture.window import Rect, Window


class X11Target:
    """One window, watched over a connection of its own.

    Args:
        window: The window to watch.
        root_events: Event mask to select on the root window as well.

    Raises:
        WindowVanished: The window is gone, or its id now belongs to another program.
        NoDisplay: The display is gone.
    """

    def __init__(self, window: Window, root_events: int = 0) -> None:
        self._window = window
        self._ended = False
        self.x = X11(window.display)
        self.handle: Any = self.x.window(window.handle)
        try:
            with self.reporting():
                self.x.root.change_attributes(event_mask=root_events)
                # Window ids are used again at once by the next program to connect,
                # so only the notice of its end tells our window from a successor.
                self.handle.change_attributes(event_mask=X.StructureNotifyMask)
                self.handle.get_attributes()
                known = self.x.pid(self.handle)
                if None not in (window.pid, known) and known != window.pid:
                    raise vanished(window)
        except CaptureError:
            self.close()
            raise

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Turn python-xlib's errors into those of capture."""
        try:
            yield
        except GONE:
            raise vanished(self._window) from None
        except ConnectionClosedError as error:
            raise lost(self.x.name, error) from None

    def events(self) -> list[Any]:
        """Everything that has arrived since the last call.

        Raises:
            WindowVanished: The window was closed.
            NoDisplay: The display is gone.
        """
        with self.reporting():
            display = self.x.display
            arrived = [display.next_event() for _ in range(display.pending_events())]
        self._ended = self._ended or any(map(self._is_end, arrived))
        if self._ended:
            raise vanished(self._window)
        return arrived

    def close(self) -> None:
        """Disconnect.  Safe to call twice."""
        self.x.close()
        self.handle = CLOSED

    def _is_end(self, event: Any) -> bool:
        return bool(event.type == X.DestroyNotify and event.window.id == self._window.handle)


class X11Locator:
    """Where an X11 window is now.  Raises as ``X11Target`` does."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._target = X11Target(window)

    def locate(self) -> tuple[Rect, Rect]:
        """The window's inner area and the screen; see ``mss_grabber.Locator``."""
        x, handle = self._target.x, self._target.handle
        with self._target.reporting():
            minimised = x.minimised(handle)
            rect, screen = x.rect(handle), x.screen_rect()
        # After the requests: an end that came before their replies has arrived by now.
        self._target.events()
        if minimised:
            raise hidden(self._window)
        return rect, screen

    def close(self) -> None:
        """Disconnect.  Safe to call twice."""
        self._target.close()
