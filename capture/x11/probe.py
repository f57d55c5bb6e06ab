"""Ask an X11 window whether its program still reads events (EWMH ``_NET_WM_PING``)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from Xlib import X
from Xlib.protocol.event import ClientMessage

from nitropilot.capture.base import ResponseProbe
from nitropilot.capture.x11.target import X11Target

if TYPE_CHECKING:
    from nitropilot.capture.window import Window


class PingProbe(ResponseProbe):
    """Sends pings as a window manager would, one at a time.

    A client answers by sending the message on to the root window, where this
    connection listens; so it works without a window manager and beside one.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._target = X11Target(window, root_events=X.SubstructureNotifyMask)
        self._sent: list[int] | None = None

    def poll(self) -> bool | None:
        with self._target.reporting():
            x = self._target.x
            protocols = x.numbers(self._target.handle, "WM_PROTOCOLS") or []
            arrived = self._target.events()
            if x.atom("_NET_WM_PING") not in protocols:
                return None
            answered = any(map(self._answers, arrived))
            if self._sent is None or answered:
                self._ping()
                return True if answered else None
            return False

    def close(self) -> None:
        self._target.close()

    def _ping(self) -> None:
        x = self._target.x
        # A time stamp of the server, by which an answer is known: local servers
        # count the milliseconds of the monotonic clock.
        stamp = time.monotonic_ns() // 1_000_000 & 0xFFFFFFFF
        self._sent = [x.atom("_NET_WM_PING"), stamp, self._window.handle]
        message = ClientMessage(
            window=self._target.handle,
            client_type=x.atom("WM_PROTOCOLS"),
            data=(32, [*self._sent, 0, 0]),
        )
        self._target.handle.send_event(message)
        x.display.flush()

    def _answers(self, event: Any) -> bool:
        return (
            event.type == X.ClientMessage
            and event.client_type == self._target.x.atom("WM_PROTOCOLS")
            and event.data[0] == 32
            and list(event.data[1][:3]) == self._sent
        )
