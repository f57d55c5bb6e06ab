"""Windows: list windows, say where one is, and whether it hangs.

Everything here asks through ``Win32Api``; ``win32_api`` is the real one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from nitropilot.capture.base import ResponseProbe
from nitropilot.capture.processes import names_of
from nitropilot.capture.window import MIN_SIDE, Rect, Window, hidden, vanished

if TYPE_CHECKING:
    from collections.abc import Sequence


class Win32Api(Protocol):
    """The calls of user32 and dwmapi that capture needs.  Rectangles are physical pixels."""

    def top_level_windows(self) -> Sequence[int]:
        """Handles of all top-level windows, topmost first."""

    def shell_window(self) -> int:
        """The desktop's own window, 0 when there is none."""

    def exists(self, handle: int) -> bool:
        """Whether the handle is a window."""

    def visible(self, handle: int) -> bool:
        """Whether the window is shown; a minimised one counts as shown."""

    def iconic(self, handle: int) -> bool:
        """Whether the window is minimised."""

    def cloaked(self, handle: int) -> bool:
        """Whether the compositor hides it: other virtual desktops, suspended apps."""

    def title(self, handle: int) -> str:
        """The title, empty without one."""

    def pid(self, handle: int) -> int | None:
        """The process that made the window, None when the window is gone."""

    def client_rect(self, handle: int) -> Rect | None:
        """The inner area on the screen, None when the window is gone."""

    def virtual_screen(self) -> Rect:
        """The rectangle around all monitors; the primary one starts at 0,0."""

    def hung(self, handle: int) -> bool:
        """Whether the window has read no message for some seconds."""


def list_windows(api: Win32Api) -> tuple[Window, ...]:
    """Every window that could be a game's, minimised ones included."""
    shell = api.shell_window()
    found = (_look(api, handle) for handle in api.top_level_windows() if handle != shell)
    return tuple(window for window in found if window is not None)


def _look(api: Win32Api, handle: int) -> Window | None:
    """The window, or None when it is gone, hidden or too small to be a game."""
    if not api.visible(handle) or api.cloaked(handle):
        return None
    minimised = api.iconic(handle)
    rect = api.client_rect(handle)
    pid = api.pid(handle)
    if rect is None or pid is None:
        return None
    if not minimised and min(rect.width, rect.height) < MIN_SIDE:
        return None
    executable, *aliases = names_of(pid) or ("",)
    return Window(
        handle=handle,
        pid=pid,
        executable=executable,
        title=api.title(handle),
        rect=rect,
        display="",
        minimised=minimised,
        aliases=tuple(aliases),
    )


def _require_alive(api: Win32Api, window: Window) -> None:
    """Raise when the window is gone or its handle now belongs to another process."""
    if not api.exists(window.handle):
        raise vanished(window)
    if window.pid is not None and api.pid(window.handle) != window.pid:
        raise vanished(window)


class Win32Locator:
    """Where a window is now; see ``mss_grabber.Locator``.

    Raises:
        WindowVanished: The window is gone.
    """

    def __init__(self, api: Win32Api, window: Window) -> None:
        _require_alive(api, window)
        self._api = api
        self._window = window

    def locate(self) -> tuple[Rect, Rect]:
        """The window's inner area and the rectangle around all monitors."""
        api, handle = self._api, self._window.handle
        _require_alive(api, self._window)
        if api.iconic(handle) or not api.visible(handle) or api.cloaked(handle):
            raise hidden(self._window)
        rect = api.client_rect(handle)
        if rect is None:
            raise vanished(self._window)
        return rect, api.virtual_screen()

    def close(self) -> None:
        """Nothing is held."""


class HungProbe(ResponseProbe):
    """Asks Windows, which watches every window's message queue anyway."""

    def __init__(self, api: Win32Api, window: Window) -> None:
        _require_alive(api, window)
        self._api = api
        self._window = window

    def poll(self) -> bool | None:
        _require_alive(self._api, self._window)
        return not self._api.hung(self._window.handle)

    def close(self) -> None:
        """Nothing is held."""
