"""List the windows of an X display, with a window manager or without one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from Xlib import X, Xutil
from Xlib.error import ConnectionClosedError

from nitropilot.capture.processes import names_of
from nitropilot.capture.window import MIN_SIDE, Window
from nitropilot.capture.x11.connection import GONE, X11, lost

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAME_DEPTH = 3
"""How many frames inside each other a window manager may put around a client."""

MARKS = ("WM_CLASS", "WM_NAME", "_NET_WM_NAME", "_NET_WM_PID")
"""Properties that programs put on the windows they mean people to see."""

FURNITURE = ("_NET_WM_WINDOW_TYPE_DESKTOP", "_NET_WM_WINDOW_TYPE_DOCK")
"""Window types of wallpapers and panels."""


def list_windows(display: str | None) -> tuple[Window, ...]:
    """Every window on the display that could be a game's.

    Raises:
        NoDisplay: There is no such display.
    """
    with X11(display) as x:
        try:
            return tuple(_candidates(x))
        except ConnectionClosedError as error:
            raise lost(x.name, error) from None


def _candidates(x: X11) -> Iterator[Window]:
    clients = _managed(x)
    if clients is None:
        clients = list(_unmanaged(x))
    for client in clients:
        with contextlib.suppress(*GONE):  # closed while we looked
            if _worth_listing(x, client):
                yield _describe(x, client)


def _describe(x: X11, window: Any) -> Window:
    pid = x.pid(window)
    executable, *aliases = names_of(pid) or ("",)
    return Window(
        handle=window.id,
        pid=pid,
        executable=executable,
        title=x.title(window),
        rect=x.rect(window),
        display=x.name,
        minimised=x.minimised(window),
        aliases=tuple(aliases),
    )


def _worth_listing(x: X11, window: Any) -> bool:
    if window.get_attributes().win_class == X.InputOnly:
        return False
    size = window.get_geometry()
    if min(size.width, size.height) < MIN_SIDE:
        return False
    kinds = x.numbers(window, "_NET_WM_WINDOW_TYPE") or []
    return not any(x.atom(name) in kinds for name in FURNITURE)


def _managed(x: X11) -> list[Any] | None:
    """The clients a living window manager lists (EWMH), or None without one."""
    check = x.numbers(x.root, "_NET_SUPPORTING_WM_CHECK")
    clients = x.numbers(x.root, "_NET_CLIENT_LIST")
    if not check or clients is None:
        return None
    # Both properties outlive a window manager that crashed; its own window does not.
    try:
        if x.numbers(x.window(check[0]), "_NET_SUPPORTING_WM_CHECK") != check:
            return None
    except GONE:
        return None
    return [x.window(handle) for handle in clients]


def _unmanaged(x: X11) -> Iterator[Any]:
    """The clients among the root's children, looked for below old window managers' frames."""
    for child in x.root.query_tree().children:
        with contextlib.suppress(*GONE):
            client = _framed(x, child, FRAME_DEPTH)
            if client is None and _shown_to_people(x, child):
                client = child
            if client is not None:
                yield client


def _framed(x: X11, window: Any, depth: int) -> Any | None:
    """The window at or below ``window`` that a window manager marked as a client."""
    state = x.numbers(window, "WM_STATE")
    if state:
        return None if state[0] == Xutil.WithdrawnState else window
    if depth:
        for child in window.query_tree().children:
            client = _framed(x, child, depth - 1)
            if client is not None:
                return client
    return None


def _shown_to_people(x: X11, window: Any) -> bool:
    """Whether a root's child without a window manager's mark is a program's main window."""
    attributes = window.get_attributes()
    if attributes.map_state != X.IsViewable:
        return False
    # Games also take a screen as a whole in this way, without asking any window manager.
    if attributes.override_redirect and not _covers_a_screen(x, window):
        return False
    marks = {x.atom(name) for name in MARKS}
    return not marks.isdisjoint(window.list_properties()) or x.pid(window) is not None


def _covers_a_screen(x: X11, window: Any) -> bool:
    """Whether a window leaves nothing to be seen of one monitor, or of all; no popup does."""
    rect = x.rect(window)
    return any(rect.intersection(screen) == screen for screen in x.screens())
