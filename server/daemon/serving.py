"""Serve the application on one loopback socket until a signal ends it."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import sys
import warnings
from typing import TYPE_CHECKING

import uvicorn

from nitropilot.server.errors import HostRefused, PortInUse, ServerError
from nitropilot.server.host.signals import ending_signals, in_another_thread, reloading_signals
from nitropilot.server.host.switching import switch_often
from nitropilot.server.http.connection import HANDSHAKE_S, KEEP_ALIVE_S, GuardedProtocol, quieten
from nitropilot.server.http.hosts import parse_address
from nitropilot.server.http.websocket import MAX_MESSAGE, PING_S, GuardedWebSocket

if TYPE_CHECKING:
    import ssl
    from types import FrameType

    from fastapi import FastAPI

    from nitropilot.server.sessions.registry import SessionRegistry

GRACE_S = 5
"""How long requests under way may take to finish once a signal has come."""


class Daemon(uvicorn.Server):
    """Lets every game go the moment a signal comes, not after the last connection."""

    def __init__(
        self,
        config: uvicorn.Config,
        registry: SessionRegistry,
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(config)
        self._context = context
        self._let_go = in_another_thread(lambda _number: registry.stop())

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, on sockets that are there, with an end to waiting for TLS."""
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                self._connection, sock=listener, backlog=self.config.backlog,
                ssl=self._context, ssl_handshake_timeout=HANDSHAKE_S if self._context else None,
            )
            for listener in sockets or ()
        ]  # fmt: skip
        self.started = True

    def _connection(self) -> asyncio.Protocol:
        return GuardedProtocol(self.config, self.server_state, self.lifespan.state)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let go in another thread and begin to shut down."""
        self._let_go(sig, frame)
        super().handle_exit(sig, frame)


def run(
    app: FastAPI,
    listener: socket.socket,
    registry: SessionRegistry,
    context: ssl.SSLContext | None = None,
) -> None:
    """Serve until a signal comes; all sessions have ended when this returns.

    Args:
        app: What answers.
        listener: Where clients come.
        registry: The sessions to end.
        context: For TLS.
    """
    # What Pillow has to say about a client's picture is in the answer, not on our stderr.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    config = uvicorn.Config(
        app, http=GuardedProtocol, ws=GuardedWebSocket, lifespan="off", access_log=False,
        log_config=None, server_header=False, timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
        # A client could say by header that it is another one, and be counted as that.
        proxy_headers=False,
        ws_max_size=MAX_MESSAGE, ws_ping_interval=PING_S, ws_ping_timeout=PING_S,
        # What comes sixty times a second is small, and compressed again for every client.
        ws_per_message_deflate=False,
    )  # fmt: skip
    quieten()
    switch_often()
    daemon = Daemon(config, registry, context)
    # uvicorn raises the signals it caught once more when it is done: they find this handler.
    for number in ending_signals():
        signal.signal(number, daemon.handle_exit)
    for number in reloading_signals():
        signal.signal(number, in_another_thread(lambda _number: registry.settings.reload()))
    try:
        daemon.run(sockets=[listener])
    finally:
        registry.close()


def listen(host: str, port: int, *, beyond: str = "") -> socket.socket:
    """A listening socket on a loopback address.

    Args:
        host: IP address, or ``localhost``.
        port: Port, 0 for a free one.
        beyond: The token that lets others than this machine come; without one an address
            that is not loopback is refused.

    Raises:
        HostRefused: ``host`` is not loopback.
        PortInUse: Another program listens on ``port``.
        ServerError: The address cannot be used for another reason.
    """
    if not 0 <= port <= 65535:
        raise ServerError(f"there is no port {port}", "use one up to 65535, or 0 for a free one")
    name = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        address = parse_address(name)
    except ValueError:
        raise HostRefused(f"{host!r} is not an IP address", "use 127.0.0.1 or ::1") from None
    if not address.is_loopback and not beyond:
        raise HostRefused(f"{host} can be reached from other machines", "use 127.0.0.1 or ::1")
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":  # where "reuse" would let another program share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((str(address), port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"port {port} on {host} is in use", "end the other program or give --port"
            ) from None
        raise ServerError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            "use an address of this machine, and a port from 1024 on",
        ) from None
    return listener


def url_name(listener: socket.socket) -> str:
    """Address and port of a listener as they stand in a URL."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
