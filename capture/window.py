"""``Window`` and ``Rect``: what is known of a window, and how a handle is written."""

from __future__ import annotations

from dataclasses import dataclass

from nitropilot.capture.errors import WindowMinimised, WindowNotFound, WindowVanished

MIN_SIDE = 64
"""Windows narrower or lower than this many pixels are helpers, not games."""


@dataclass(frozen=True)
class Rect:
    """A rectangle in physical screen pixels; ``left`` and ``top`` may be negative."""

    left: int
    top: int
    width: int
    height: int

    def intersection(self, other: Rect) -> Rect | None:
        """The part both rectangles cover, or None when they do not meet."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right = min(self.left + self.width, other.left + other.width)
        bottom = min(self.top + self.height, other.top + other.height)
        if right <= left or bottom <= top:
            return None
        return Rect(left, top, right - left, bottom - top)


@dataclass(frozen=True)
class Window:
    """A window as it was when last looked at.

    Attributes:
        handle: X11 window id or Win32 ``HWND``.
        pid: Process that made the window; None when the system does not say.
        executable: Name of that process, such as ``game.exe``; may be empty.
        title: Title bar text; may be empty, and any program may set any title.
        rect: The inner area, without borders and title bar.
        display: X display name such as ``":0"``; empty on Windows.
        minimised: Whether the window exists but shows nothing now.
        aliases: Other names that the process goes by, such as its program's file.
    """

    handle: int
    pid: int | None
    executable: str
    title: str
    rect: Rect
    display: str
    minimised: bool
    aliases: tuple[str, ...] = ()

    def describe(self) -> str:
        """Handle, pid, executable, title and size on one line.

        The title is quoted and escaped: it is another program's text.
        """
        pid = "pid unknown" if self.pid is None else f"pid {self.pid}"
        size = f"{self.rect.width}x{self.rect.height}"
        return (
            f"{self.handle:#x} ({pid}, {self.executable or 'name unknown'}, {self.title!r}, {size})"
        )


def parse_handle(text: str) -> int:
    """Read a window handle as people write it: ``0x1a0`` or ``416``.

    Raises:
        WindowNotFound: The text is no positive number.
    """
    digits = text.strip().lower()
    try:
        handle = int(digits, 16 if digits.startswith("0x") else 10)
    except ValueError:
        handle = 0
    if handle <= 0:
        raise WindowNotFound(
            f"{text!r} is not a window handle",
            "write it as `nitropilot windows` prints it, such as 0x1a0 or 416",
        )
    return handle


def vanished(window: Window) -> WindowVanished:
    """The error for a window that was closed."""
    return WindowVanished(
        f"window {window.describe()} was closed", "start the game again and choose its new window"
    )


def hidden(window: Window) -> WindowMinimised:
    """The error for a window that is minimised or on another workspace."""
    return WindowMinimised(
        f"window {window.describe()} is minimised or hidden",
        "restore the game's window and keep it on the screen",
    )
