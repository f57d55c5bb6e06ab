"""Serve a policy on a listening socket until a signal comes."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from websockets.asyncio.server import serve
from websockets.frames import CloseCode

from nitropilot.engines.remote.spec import metadata_of
from nitropilot.engines.remote.wire import pack
from nitropilot.server.host.signals import ending_signals, in_another_thread
from nitropilot.server.host.switching import switch_often
from nitropilot.server.policy_server.admission import Admission
from nitropilot.server.policy_server.batcher import Batcher
from nitropilot.server.policy_server.connection import Client
from nitropilot.server.policy_server.messages import IGNORED, LIMITS, MAX_PIXELS
from nitropilot.server.policy_server.room import Patience, Room

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from websockets.asyncio.server import Server, ServerConnection

    from nitropilot.engines.base import Engine

OPEN_S = 10.0
PING_S = 20.0
CLOSE_S = 3.0
"""How long a client may take to agree to a close."""
READERS = 2

_quiet = logging.getLogger("nitropilot.policy_server.websockets")
_quiet.setLevel(logging.CRITICAL + 1)  # handshakes of strangers fail; that is no news


@dataclass(frozen=True)
class ServiceOptions:
    """How to serve.

    Attributes:
        token: What clients have to bring, or "" for nothing.
        max_batch: Most requests computed together.
        max_clients: Most clients at once; others get HTTP 429.
        patience: With clients that ask nothing.
    """

    token: str = ""
    max_batch: int = 8
    max_clients: int = 32
    patience: Patience = field(default_factory=Patience)


class Service:
    """A policy server in a running event loop.

    Args:
        engine: What computes; closed by whoever opened it.
        listener: Where clients come.
        options: How to serve.
    """

    def __init__(self, engine: Engine, listener: socket.socket, options: ServiceOptions) -> None:
        self._spec, self._joins = engine.spec, engine.joins
        self._listener = listener
        self._idle_s = options.patience.idle_s
        self._room = Room(options.max_clients, options.patience)
        self._batcher = Batcher(engine, options.max_batch, asyncio.get_running_loop())
        self._readers = ThreadPoolExecutor(READERS, "nitropilot-reader")
        address, port = listener.getsockname()[:2]
        is_loopback = ipaddress.ip_address(address).is_loopback
        self._admission = Admission(address, port, is_loopback, options.token, self._room.make)
        limits = {
            "max_message_bytes": LIMITS.size,
            "max_pixels": MAX_PIXELS,
            "ignores": [IGNORED],
        }
        self._welcome = pack(metadata_of(engine, self._batcher.max_batch) | limits)

    async def run(self, stop: asyncio.Event, announce: Callable[[], None]) -> None:
        """Serve until ``stop`` is set.

        Args:
            stop: Ends it.
            announce: Called when clients can come.

        Raises:
            NitroPilotError: The engine does not work.
        """
        try:
            if not await self._warm(stop):
                return
            server = await serve(
                self._serve_one,
                sock=self._listener,
                compression=None,
                process_request=self._admission.check,
                server_header=None,
                open_timeout=OPEN_S,
                ping_interval=PING_S,
                ping_timeout=PING_S,
                close_timeout=CLOSE_S,
                max_size=LIMITS.size,
                max_queue=1,
                logger=_quiet,
            )
            announce()
            try:
                await stop.wait()
            finally:
                self._batcher.stop()
                await self._batcher.ended()
                await self._end(server)
        finally:
            self._batcher.stop()
            self._readers.shutdown(wait=False, cancel_futures=True)

    async def _warm(self, stop: asyncio.Event) -> bool:
        """Wait until the engine is warm; False when ``stop`` came first."""
        stopped = asyncio.ensure_future(stop.wait())
        try:
            waited: set[asyncio.Future[Any]] = {self._batcher.ready, stopped}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                self._batcher.ready.result()
            return not stop.is_set()
        finally:
            stopped.cancel()

    async def _serve_one(self, connection: ServerConnection) -> None:
        client = Client(
            connection, self._batcher, self._spec, self._joins, self._readers, self._idle_s
        )
        if not self._room.enter(client):  # several may have been admitted at once
            await connection.close(CloseCode.TRY_AGAIN_LATER, "no more clients are taken now")
            return
        try:
            await client.run(self._welcome)
        finally:
            self._room.leave(client)

    async def _end(self, server: Server) -> None:
        """Tell the clients, and do not wait for those that do not listen."""
        server.close(code=CloseCode.GOING_AWAY, reason="the policy server is ending")
        try:
            async with asyncio.timeout(2 * CLOSE_S):
                await server.wait_closed()
        except TimeoutError:
            for connection in server.all_connections:
                connection.transport.abort()


def run_service(
    engine: Engine,
    listener: socket.socket,
    options: ServiceOptions,
    announce: Callable[[], None] = lambda: None,
) -> None:
    """Serve until a signal comes.

    Raises:
        NitroPilotError: The engine does not work.
    """
    switch_often()
    asyncio.run(_until_signal(engine, listener, options, announce))


async def _until_signal(
    engine: Engine,
    listener: socket.socket,
    options: ServiceOptions,
    announce: Callable[[], None],
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    handler = in_another_thread(lambda _number: loop.call_soon_threadsafe(stop.set))
    for number in ending_signals():
        signal.signal(number, handler)
    await Service(engine, listener, options).run(stop, announce)
