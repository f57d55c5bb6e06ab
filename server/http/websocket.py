"""One WebSocket connection: uvicorn's, but every wait ends, as in ``server.http.connection``."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from nitropilot.server.http.connection import STALL_S

if TYPE_CHECKING:
    import asyncio

MAX_MESSAGE = 16 * 1024
PING_S = 20.0
"""Between pings, and for the answer to one."""
GOING_AWAY = 1001
HELD = 64 * 1024
"""Bytes on the way to a client, in our memory and in the system's each.  The system would hold
megabytes, and a slow client would see what happened a minute ago."""
GOODBYE_S = 5.0
"""How long the answer to a goodbye is waited for."""


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket with a timer for clients that do not read."""

    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hold little for a client that is slow."""
        super().connection_made(transport)
        self.close_timeout = GOODBYE_S
        self.transport.set_write_buffer_limits(high=HELD)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD)

    def data_received(self, data: bytes) -> None:
        """Take what came; the first time that is a whole handshake, or nothing of use."""
        super().data_received(data)
        if not self.handshake_initiated and not self.transport.is_closing():
            self.transport.close()

    def pause_writing(self) -> None:
        """The client does not read: read nothing from it that wants an answer, for a while."""
        super().pause_writing()
        self.transport.pause_reading()
        if self._stall is None:
            self._stall = self.loop.call_later(STALL_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self._end_stall()
        if not self.read_paused:
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._end_stall()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The daemon ends: say 1001, where uvicorn says 1012 ("restarts")."""
        if self.handshake_complete and not self.close_sent:
            self.stop_keepalive()
            self.queue.put_nowait({"type": "websocket.disconnect", "code": GOING_AWAY})
            self.conn.send_close(GOING_AWAY)
            self.close_sent = True
            self.transport.write(b"".join(self.conn.data_to_send()))
        super().shutdown()

    def _end_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
