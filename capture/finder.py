"""List the windows a player could mean, and find the one that is meant."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from nitropilot.capture.errors import AmbiguousWindow, WindowNotFound, unsupported_system
from nitropilot.capture.processes import family, names_of
from nitropilot.texts import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.capture.window import Window


def list_windows(display: str | None = None) -> tuple[Window, ...]:
    """Every window that could be a game's, minimised ones included.

    Args:
        display: X display to look at; ``$DISPLAY`` when None.  Means nothing on Windows.

    Raises:
        NoDisplay: There is no such display.
        DisplaySilent: It does not answer.
    """
    if sys.platform == "win32":
        from nitropilot.capture.win32 import api as win32_api
        from nitropilot.capture.win32 import windows as win32

        windows = win32.list_windows(win32_api.load())
    elif sys.platform == "linux":
        from nitropilot.capture.bounded import call_once
        from nitropilot.capture.x11 import windows as x11_windows

        windows = call_once(
            lambda: x11_windows.list_windows(display), display or os.environ.get("DISPLAY", "")
        )
    else:
        raise unsupported_system()
    return windows


def find_window(
    *,
    handle: int | None = None,
    pid: int | None = None,
    process: str | None = None,
    display: str | None = None,
) -> Window:
    """Find the one window that meets every criterion given.

    Titles are never matched: they are empty, translated or shared too often.

    Args:
        handle: X11 window id or ``HWND``.
        pid: Process that made the window, or an ancestor of it such as a launcher.  With a
            handle it also says whose window that is, if the window system does not know.
        process: A name that the process goes by, or a part of it, in any case, with or
            without ``.exe``: its own, its program's file, the first word of its command
            line.  Windows whose whole name matches go before partial matches.
        display: X display to look at; ``$DISPLAY`` when None.

    Raises:
        WindowNotFound: No window matches, or no criterion was given.
        AmbiguousWindow: Several windows match.
        NoDisplay: There is no such display.
    """
    asked = _asked(handle, pid, process)
    windows = list_windows(display)
    found = match(windows, handle=handle, pid=pid, process=process)
    if not found:
        unknown = sum(window.pid is None for window in windows)
        raise WindowNotFound(
            f"no window has {asked} (looked at {len(windows)})",
            "run `nitropilot windows` to see what can be chosen"
            + (
                f"; whose {unknown} of them are is unknown: name it with --window"
                if unknown
                else ""
            )
            + (" beside --pid" if unknown and pid is not None else ""),
        )
    if len(found) > 1:
        listing = "; ".join(window.describe() for window in found)
        raise AmbiguousWindow(
            f"{len(found)} windows have {asked}: {listing}",
            "choose one by its handle",
            tuple(found),
        )
    return found[0]


def match(
    windows: Sequence[Window],
    *,
    handle: int | None = None,
    pid: int | None = None,
    process: str | None = None,
) -> list[Window]:
    """The windows that meet every criterion given, as ``find_window`` describes them."""
    found = list(windows)
    if handle is not None:
        found = [window for window in found if window.handle == handle]
    if pid is not None:
        pids = family(pid)
        if handle is not None and pid > 0:
            found = [w if w.pid is not None else _belonging(w, pid) for w in found]
        found = [window for window in found if window.pid in pids]
    if name := _plain(process):
        exact = [window for window in found if name in _names(window)]
        found = exact or [w for w in found if any(name in other for other in _names(w))]
    return found


def _belonging(window: Window, pid: int) -> Window:
    """A window of an unknown process, as that of the process that somebody says it is."""
    names = names_of(pid)
    if not names:
        return window  # there is no such process
    return replace(window, pid=pid, executable=names[0], aliases=names[1:])


def _names(window: Window) -> list[str]:
    """What is compared of the names of a window's process."""
    return [_plain(name) for name in (window.executable, *window.aliases)]


def _plain(name: str | None) -> str:
    """What is compared of an executable's name; empty when nothing is asked."""
    return shown(name or "").strip().casefold().removesuffix(".exe")


def _asked(handle: int | None, pid: int | None, process: str | None) -> str:
    """The criteria in words."""
    words = []
    if handle is not None:
        words.append(f"handle {handle:#x}")
    if pid is not None:
        words.append(f"pid {pid}")
    if _plain(process):
        words.append(f"process {process!r}")
    if not words:
        raise WindowNotFound(
            "no window was named",
            "give a handle, a pid or a process name; `nitropilot windows` lists them",
        )
    return " and ".join(words)
