"""One HTTP connection: uvicorn's, with an end to every wait and a bound on their number.

uvicorn waits for ever for the rest of a request's head, for the rest of a body that nobody
reads, and for a client that does not read its answer; a few hundred such clients would use up
the machine ("slow loris").  Here each wait has an end, and so has the number of connections.
Where there are too many, the one that has been idle longest gives way to the one that comes;
where none is idle, some more are taken for what is urgent (``server.http.lanes``), and where
these are too many as well, the first goes that has not asked for anything yet.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from nitropilot.server.http.headers import ALWAYS
from nitropilot.server.http.lanes import RESERVE_KEY
from nitropilot.server.http.limits import address_key

if TYPE_CHECKING:
    import asyncio

HEAD_S = 10.0
"""From the first byte of a head, or from the connection, to the whole head."""
KEEP_ALIVE_S = 120
"""How long a connection is kept for a next request: longer than common clients keep theirs (5 to
90 s), or they would ask on one that is being closed."""
STALL_S = 30.0
"""How long a client may take to read what it was sent."""
HANDSHAKE_S = 10.0
"""Of TLS."""
MAX_CONNECTIONS = 256
MAX_FROM_ONE = 64
"""Connections from one address of another machine."""
MAX_LOCAL = 192
"""Of all programs of this machine, which come from the same address."""
JUST_COME_S = 0.1
"""A connection is not idle before: its request is on the way."""
RESERVE = 32
"""Connections beyond those, for what is urgent."""
LOCAL = frozenset({"127.0.0.1", "::/64", ""})
STRANGERS = (
    "Invalid HTTP request received.",
    "Unsupported upgrade request.",
    "No supported WebSocket library",
    "Invalid UTF-8 sequence received from client.",
)
"""What uvicorn warns of when a stranger talks nonsense: no news, and without end."""


class GuardedProtocol(H11Protocol):
    """uvicorn's connection with timers; see the module."""

    _head: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None
    _upgraded = False
    _address = ""
    _idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head, or close at once where there are too many."""
        super().connection_made(transport)
        self._address = _address(self)
        self._idle_since = self.loop.time()
        if not self._has_room():
            self.transport.write(_raw(503, "too_many_connections", "too many connections"))
            self.transport.close()
        else:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, then wait for the rest of a head if one is still to come."""
        super().data_received(data)
        if self.transport.is_closing() or self._busy() or self._upgraded:
            self._end_head()
        elif self._head is None:
            self._wait_for_head()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """A WebSocket's own protocol takes over, with its own pings and limits."""
        self._stop_waiting()
        self._upgraded = True
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """The connection is idle from now on."""
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client does not read: give it a while."""
        super().pause_writing()
        if self._stall is None:
            self._stall = self.loop.call_later(STALL_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self._end_stall()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP in our own shape, and close."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(_raw(400, "bad_request", msg))
        self.transport.close()

    def _busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _wait_for_head(self) -> None:
        self._head = self.loop.call_later(HEAD_S, self._give_up)

    def _give_up(self) -> None:
        self._head = None
        if not self._busy() and not self.transport.is_closing():
            self.transport.close()

    def _stop_waiting(self) -> None:
        self._end_head()
        self._end_stall()

    def _end_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _end_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _has_room(self) -> bool:
        """Whether this connection may stay; another one may have to go for it."""
        same = [each for each in self.connections if _address(each) == self._address]
        share = MAX_LOCAL if self._address in LOCAL else MAX_FROM_ONE
        if len(same) > share:
            others = same
        elif len(self.connections) > MAX_CONNECTIONS:
            others = list(self.connections)
        else:
            return True
        if self._cut_idle(others, JUST_COME_S):
            return True
        self.app_state = {**self.app_state, RESERVE_KEY: True}
        full = len(same) > share + RESERVE or len(self.connections) > MAX_CONNECTIONS + RESERVE
        return not full or self._cut_idle(others, 0.0)

    def _cut_idle(self, others: list[Any], seconds: float) -> bool:
        """Close the one that has been idle longest, for so long at least; whether there is one."""
        idle = [
            (since, number, each)
            for number, each in enumerate(others)
            if each is not self
            and (since := _idle_since(each)) is not None
            and self.loop.time() - since > seconds
        ]
        if not idle:
            return False
        _, _, longest = min(idle, key=lambda each: each[:2])
        self.connections.discard(longest)  # its place is free at once
        longest.transport.close()
        return True


def _idle_since(connection: Any) -> float | None:
    """Since when nobody waits for anything on a connection; None for one that is in use.

    A WebSocket that was told to go, and has not gone yet, was needed longest ago.
    """
    if isinstance(connection, GuardedProtocol):
        return None if connection._busy() else connection._idle_since
    return 0.0 if getattr(connection, "close_sent", False) else None


def _address(connection: Any) -> str:
    """Whose connection it is; a WebSocket's is another class of uvicorn's."""
    if isinstance(connection, GuardedProtocol) and connection._address:
        return connection._address
    client = getattr(connection, "client", None)
    return address_key(client[0]) if client else ""


def _raw(status: int, code: str, message: str) -> bytes:
    """A whole answer in our error's shape, for where there is no application to give it."""
    body = json.dumps({"error": {"code": code, "message": message, "hint": ""}})
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        "Cache-Control": "no-store",
        **ALWAYS,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    phrase = {400: "Bad Request", 503: "Service Unavailable"}[status]
    return f"HTTP/1.1 {status} {phrase}\r\n{lines}\r\n{body}".encode()


class _NoStrangers(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith(STRANGERS)


def quieten() -> None:
    """Keep what strangers send from filling the log."""
    logging.getLogger("uvicorn.error").addFilter(_NoStrangers())
