"""``Client``: one connection to the policy server.

One task reads requests and another sends their answers, in the order of the requests, so
a client that does not read, or is slow to, delays nobody else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Executor
from contextlib import suppress
from typing import TYPE_CHECKING

from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from nitropilot.engines.errors import WireError
from nitropilot.errors import NitroPilotError
from nitropilot.server.http.limits import address_key
from nitropilot.server.policy_server.messages import Reader, answer_of, error_text

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

    from nitropilot.engines.base import PolicySpec, Request
    from nitropilot.server.policy_server.batcher import Batcher, Done

log = logging.getLogger("nitropilot.policy_server")

MOST_OWED = 256
"""Requests of a client that are not answered yet."""
WRITE_S = 30.0
"""A client that takes no answer for so long is cut off."""
LARGE = 512 * 1024
"""Messages of more bytes are read in another thread: the others' pings must not wait."""
REASON_BYTES = 120
"""A close frame has room for 123."""


class Client:
    """Serves one connection until it ends.

    Args:
        connection: After its handshake.
        batcher: What computes.
        spec: Of the policy.
        joins: Whether the engine honours a prefix.
        readers: Threads that large messages are read in.
        idle_s: How long it may ask nothing.

    Attributes:
        address: Whose it is: see ``address_key``.
        asked: When it asked something last, or came, as ``time.monotonic`` counts.
    """

    def __init__(
        self,
        connection: ServerConnection,
        batcher: Batcher,
        spec: PolicySpec,
        joins: bool,
        readers: Executor,
        idle_s: float,
    ) -> None:
        self.address = address_key(connection.remote_address[0])
        self.asked = time.monotonic()
        self._idle_s = idle_s
        self._connection = connection
        self._leaving: asyncio.Task[None] | None = None
        self._batcher = batcher
        self._spec = spec
        self._reader = Reader(spec, joins)
        self._readers = readers
        self._owed: asyncio.Queue[asyncio.Future[Done]] = asyncio.Queue()

    async def run(self, welcome: bytes) -> None:
        """Say ``welcome``, then answer requests."""
        writer = None
        try:
            await self._send(welcome)
            writer = asyncio.create_task(self._answer_all())
            while True:
                await self._take(await self._next())
        except ConnectionClosed as error:
            log.info("client %s left: %s", self, error)
        finally:
            self._batcher.forget(self)
            if writer is not None:
                writer.cancel()
                await asyncio.gather(writer, return_exceptions=True)

    def turn_out(self, reason: str) -> None:
        """End the connection soon, as one that may come again later."""
        log.info("client %s is turned out: %s", self, reason)
        closing = self._connection.close(CloseCode.TRY_AGAIN_LATER, reason)
        self._leaving = asyncio.create_task(closing)

    async def _next(self) -> bytes | str:
        """The next message.

        Raises:
            ConnectionClosed: None comes, or none came for too long.
        """
        try:
            async with asyncio.timeout(self._idle_s):
                message = await self._connection.recv()
        except TimeoutError:
            await self._close(CloseCode.NORMAL_CLOSURE, f"nothing was asked for {self._idle_s:g} s")
            raise AssertionError from None  # never: a close raises
        self.asked = time.monotonic()
        return message

    def __str__(self) -> str:
        address = self._connection.remote_address
        return f"{address[0]}:{address[1]}" if address else "(gone)"

    async def _take(self, message: bytes | str) -> None:
        """Put a request into the queue, or close when it is none."""
        if isinstance(message, str):
            await self._close(CloseCode.UNSUPPORTED_DATA, "requests are binary msgpack")
        elif self._owed.qsize() >= MOST_OWED:
            reason = f"{MOST_OWED} requests wait for their answers"
            await self._close(CloseCode.POLICY_VIOLATION, reason)
        else:
            try:
                request = await self._read(message)
            except WireError as error:
                await self._close(CloseCode.INVALID_DATA, error.line())
            except NitroPilotError as error:
                self._owed.put_nowait(_failed(error))
            else:
                self._owed.put_nowait(self._batcher.submit(self, request))

    async def _read(self, message: bytes) -> Request:
        if len(message) <= LARGE:
            return self._reader.read(message)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._reader.read, message)

    async def _answer_all(self) -> None:
        while True:
            future = await self._owed.get()
            try:
                answer: bytes | str = answer_of(await future, self._spec)
            except NitroPilotError as error:
                answer = error_text(error)
            await self._send(answer)

    async def _send(self, message: bytes | str) -> None:
        try:
            async with asyncio.timeout(WRITE_S):
                await self._connection.send(message)
        except TimeoutError:
            log.info("client %s takes no answers: cut off", self)
            self._connection.transport.abort()  # a close frame would wait as well

    async def _close(self, code: CloseCode, reason: str) -> None:
        """End the connection.

        What the client still sends is read and dropped: unread, it would have the system
        cut the connection off, and the client might never see the code.

        Raises:
            ConnectionClosed: Always.
        """
        log.info("client %s is turned out with %d: %s", self, code, reason)
        short = reason.encode()[:REASON_BYTES].decode(errors="ignore")
        closing = asyncio.ensure_future(self._connection.close(code, short))
        try:
            while True:
                await self._connection.recv()
        finally:
            await asyncio.gather(closing, return_exceptions=True)


def _failed(error: NitroPilotError) -> asyncio.Future[Done]:
    future: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    with suppress(NitroPilotError):
        future.result()  # nobody may be left to ask for it, which is no fault
    return future
