"""``X11``: one connection to an X server, and what capture asks it."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from Xlib import X, Xutil, error
from Xlib.display import Display
from Xlib.ext import randr, res

from nitropilot.capture.errors import NoDisplay
from nitropilot.capture.window import Rect

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

GONE = (error.BadWindow, error.BadDrawable)
"""What a request about a closed window raises."""

BROKEN = (error.DisplayConnectionError, error.ConnectionClosedError, OSError)
"""What connecting to a display raises when nothing usable answers there."""

PEER = struct.Struct("3i")
"""Process, user and group of whoever listens at the other end of a socket."""

PROPERTY_LIMIT = 4096
"""Longest property read, in units of 4 bytes: titles are other programs' text."""


class _Closed:
    """In place of what belonged to a connection that was closed.

    python-xlib's own objects hold tables of a megabyte, and ended sessions are remembered.
    """

    def __getattr__(self, name: str) -> Any:
        raise error.ConnectionClosedError("this program")


CLOSED = _Closed()


class X11:
    """A connection to an X server.  Use it from one thread.

    Attributes:
        name: The display's name, such as ``":0"``.
        display: The python-xlib connection.
        root: The root window of its screen.
    """

    def __init__(self, name: str | None = None) -> None:
        self.display: Any = _connect(name)
        self.name: str = self.display.get_display_name()
        # A request without a reply fails only when its window is gone, and the
        # next request with a reply says so; python-xlib would print it as well.
        self.display.set_error_handler(lambda *_: None)
        self.root = self.display.screen().root
        # Asked here because python-xlib shares one table between all connections,
        # and two servers may number their extensions differently.
        self._resource = self.display.query_extension(res.extname)
        self._own_pid = self._server_pid(self.display.display.info.resource_id_base)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect.  Safe to call twice."""
        with contextlib.suppress(error.ConnectionClosedError):
            self.display.close()
        self.display = self.root = CLOSED

    @property
    def depth(self) -> int:
        """Bits of a pixel of the screen."""
        return int(self.display.screen().root_depth)

    @property
    def knows_clients(self) -> bool:
        """Whether the server can say which process a window is of."""
        return self._resource is not None

    def is_xwayland(self) -> bool:
        """Whether the server draws for a Wayland compositor; older ones have no extension."""
        if self.display.query_extension("XWAYLAND") is not None:
            return True
        if self.display.query_extension("RANDR") is None:
            return False
        screen = self.root.xrandr_get_screen_resources()
        return any(
            self.display.xrandr_get_output_info(output, screen.config_timestamp).name.startswith(
                "XWAYLAND"
            )
            for output in screen.outputs
        )

    def window(self, handle: int) -> Any:
        """The python-xlib object of a window id."""
        return self.display.create_resource_object("window", handle)

    def atom(self, name: str) -> int:
        """The number of a name; asked once a connection."""
        return int(self.display.get_atom(name))

    def numbers(self, window: Any, name: str) -> list[int] | None:
        """A property of 32-bit numbers, or None when it is absent."""
        found = window.get_property(self.atom(name), X.AnyPropertyType, 0, PROPERTY_LIMIT)
        return list(found.value) if found and found.format == 32 else None

    def text(self, window: Any, name: str) -> str | None:
        """A property of text, or None when it is absent."""
        found = window.get_property(self.atom(name), X.AnyPropertyType, 0, PROPERTY_LIMIT)
        if not found or found.format != 8:
            return None
        utf8 = found.property_type == self.atom("UTF8_STRING")
        return bytes(found.value).decode("utf-8" if utf8 else "latin-1", errors="replace")

    def title(self, window: Any) -> str:
        """The window's title; may be empty."""
        return self.text(window, "_NET_WM_NAME") or self.text(window, "WM_NAME") or ""

    def rect(self, window: Any) -> Rect:
        """Where the inside of the window is on the screen."""
        size = window.get_geometry()
        corner = self.root.translate_coords(window, 0, 0)
        return Rect(corner.x, corner.y, size.width, size.height)

    def screen_rect(self) -> Rect:
        """The whole screen; its size follows resolution changes."""
        size = self.root.get_geometry()
        return Rect(0, 0, size.width, size.height)

    def screens(self) -> list[Rect]:
        """Where the monitors are; the whole screen where nobody knows."""
        found = []
        extension = self.display.query_extension(randr.extname)
        if extension is not None:
            with contextlib.suppress(error.BadRequest):  # older than 1.5
                found = randr.GetMonitors(
                    display=self.display.display, opcode=extension.major_opcode,
                    window=self.root, is_active=True,
                ).monitors  # fmt: skip
        monitors = [Rect(m.x, m.y, m.width_in_pixels, m.height_in_pixels) for m in found]
        return monitors or [self.screen_rect()]

    def minimised(self, window: Any) -> bool:
        """Whether the window shows nothing: iconified, unmapped or on another workspace."""
        if window.get_attributes().map_state != X.IsViewable:
            return True
        # Compositing window managers keep minimised windows mapped.
        state = self.numbers(window, "WM_STATE")
        return state is not None and state[:1] == [Xutil.IconicState]

    def pid(self, window: Any) -> int | None:
        """The process that made the window, None when nobody says it of our processes.

        The X server knows the peer of a local connection (X-Resource 1.2), and
        a client cannot forge it.  The number means the same process to us only if the
        server counts processes as we do, so that it knows our own: one on another machine,
        or in a container, would name a stranger here.  What the client says itself counts
        only beside an old server that does not know, and that runs among our processes.
        """
        if self._own_pid is not None:
            return self._server_pid(window.id) if self._own_pid == os.getpid() else None
        claimed = self.numbers(window, "_NET_WM_PID")
        here = self.text(window, "WM_CLIENT_MACHINE") == socket.gethostname()
        return claimed[0] if claimed and here and _beside_us(self.display) else None

    def _server_pid(self, resource: int) -> int | None:
        """The process of the client that a resource belongs to, as the server counts them."""
        if self._resource is None:
            return None
        try:
            reply = res.QueryClientIds(
                display=self.display.display,
                opcode=self._resource.major_opcode,
                specs=[{"client": resource, "mask": res.LocalClientPIDMask}],
            )
        except (error.BadRequest, error.BadValue):  # older than 1.2, or window and client gone
            return None
        pids = [value for entry in reply.ids for value in entry.value]
        return pids[0] if pids and pids[0] > 0 else None


def _beside_us(display: Any) -> bool:
    """Whether the X server runs on this machine, among the processes that we see as it does."""
    if sys.platform == "linux":
        connection = display.display.socket
        if connection.family != socket.AF_UNIX:
            return False
        peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size)
        server, _, _ = PEER.unpack(peer)
        with contextlib.suppress(OSError):  # 0: it is none of those that we see
            there = Path(f"/proc/{server}/ns/pid").readlink()
            return there == Path("/proc/self/ns/pid").readlink()
    return False


def lost(name: str, failure: error.ConnectionClosedError) -> NoDisplay:
    """The error for an X server that went away."""
    return NoDisplay(
        f"X display {name!r} is gone: {failure}", "start the X server and the game again"
    )


def _connect(name: str | None) -> Display:
    """Open a display, or say in one line why not."""
    if not (name or os.environ.get("DISPLAY")):
        raise NoDisplay(
            "there is no X display: DISPLAY is not set",
            "set DISPLAY to the X server of an X11 session, such as :0",
        )
    with warnings.catch_warnings():
        # python-xlib leaves the sockets of a failed attempt to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            return Display(name or None)
        except error.DisplayNameError:
            reason = "that is not a display name"
        except (*BROKEN, OverflowError) as failure:  # OverflowError: no such TCP port
            reason = str(getattr(failure, "msg", failure))
    raise NoDisplay(
        f"cannot open X display {name or os.environ['DISPLAY']!r}: {reason}",
        "check that an X server runs there and that this user may use it (XAUTHORITY)",
    )
