"""``Link``: the connection to a policy server, kept up by a thread of its own.

A game stands still, or plays on blindly, while the caller waits, so ``ask`` waits for an
answer and for nothing else: when the server is gone it says so at once (``ServerGone``),
and the thread meanwhile tries again, with pauses that double up to ``LONGEST_PAUSE_S``.
Nothing is tried while nobody asks.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed

from nitropilot.engines.errors import EngineUnavailable, InferenceFailed, ServerGone
from nitropilot.engines.remote.connect import CLOSE_S, Absent, reach

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from websockets.asyncio.client import ClientConnection

    from nitropilot.engines.remote.connect import Address
    from nitropilot.engines.remote.spec import Welcome

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 8.0
IDLE_S = 1.0
"""Longer pauses between two questions count as this much of the patience."""
REFUSALS = (1002, 1003, 1007, 1008, 1009, 1010)
"""Codes of a close that the next try would meet as well."""

log = logging.getLogger("nitropilot.engines")


@dataclass(frozen=True)
class Times:
    """How long to wait.

    Attributes:
        answer_s: For an answer; a game may stand still as long.
        patience_s: For a server that is gone, counted while somebody asks.
    """

    answer_s: float = 25.0
    patience_s: float = 300.0


class Link:
    """One connection.  ``ask`` and ``close`` are for one thread at a time.

    Args:
        address: Where the server is.
        token: What it asks of its clients, or "".
        times: How long to wait.

    Attributes:
        welcome: What the server said of itself.

    Raises:
        EngineUnavailable: It is not there, or is not what we can talk to.
    """

    def __init__(self, address: Address, token: str, times: Times) -> None:
        self._address = address
        self._token = token
        self._times = times
        self._waited = 0.0
        self._asked: float | None = None
        self._closed = False
        # Only the thread below touches these.
        self._connection: ClientConnection | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._fatal: EngineUnavailable | None = None
        self._pause, self._next = FIRST_PAUSE_S, 0.0
        self._why = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="nitropilot-remote", daemon=True
        )
        self._thread.start()
        try:
            self.welcome: Welcome = self._run(self._open())
        except BaseException:
            self.close()
            raise

    def ask(self, data: bytes) -> bytes | str:
        """Send a message and wait for the answer.

        Raises:
            ServerGone: There is no server just now.
            EngineUnavailable: Another one has come in its place.
            InferenceFailed: It has been gone for too long, or refuses to go on with us.
        """
        if self._closed:
            raise InferenceFailed("the engine is closed", "open it again")
        began = time.monotonic()
        try:
            answer: bytes | str = self._run(self._exchange(data))
        except ServerGone as error:
            self._lose_patience(error, began)
            raise
        self._waited, self._asked = 0.0, None
        return answer

    def close(self) -> None:
        """End the connection and the thread.  Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except concurrent.futures.CancelledError:
            raise InferenceFailed("the engine was closed meanwhile") from None

    def _lose_patience(self, error: ServerGone, began: float) -> None:
        now = time.monotonic()
        idle = 0.0 if self._asked is None else min(began - self._asked, IDLE_S)
        self._waited += idle + now - began
        self._asked = now
        if self._waited > self._times.patience_s:
            raise InferenceFailed(
                f"{error} (for {self._times.patience_s:g} s)",
                "start it again; NITROPILOT_SERVER_PATIENCE sets how long to wait for it",
            ) from error

    # What follows runs in the thread.

    async def _open(self) -> Welcome:
        try:
            self._connection, welcome = await reach(self._address, self._token)
        except Absent as why:
            raise EngineUnavailable(
                f"no policy server answers at {self._address}: {why}", why.hint
            ) from why
        return welcome

    async def _exchange(self, data: bytes) -> bytes | str:
        if self._fatal is not None:
            raise self._fatal
        connection = self._connection
        if connection is None:
            self._try_again()
            raise self._gone()
        try:
            async with asyncio.timeout(self._times.answer_s):
                await connection.send(data)
                return await connection.recv()
        except TimeoutError:
            self._lose(f"no answer for {self._times.answer_s:g} s")
        except ConnectionClosed as error:
            code, reason = _closing(error)
            self._lose(reason)
            if code in REFUSALS:
                raise InferenceFailed(
                    f"the connection to the policy server {self._address} {reason}"
                ) from None
        raise self._gone()

    def _lose(self, why: str) -> None:
        """There is no connection any more."""
        if self._connection is not None:
            self._connection.transport.abort()
        self._connection = None
        self._why = why
        self._pause, self._next = FIRST_PAUSE_S, 0.0
        self._try_again()

    def _gone(self) -> ServerGone:
        return ServerGone(f"the policy server {self._address} is gone: {self._why}")

    def _try_again(self) -> None:
        """Begin to connect, unless that is under way or its pause is not over."""
        under_way = self._attempt is not None and not self._attempt.done()
        if not under_way and not self._closed and self._loop.time() >= self._next:
            self._attempt = self._loop.create_task(self._reconnect())

    async def _reconnect(self) -> None:
        try:
            connection, welcome = await reach(self._address, self._token)
        except Absent as why:
            self._why = str(why)
            # Clients that lost the same server should not all come back at the same moment.
            self._next = self._loop.time() + self._pause * random.uniform(0.5, 1.0)
            self._pause = min(self._pause * 2, LONGEST_PAUSE_S)
        except EngineUnavailable as error:
            self._fatal = error
        else:
            if welcome.spec == self.welcome.spec:
                self._connection = connection
                log.warning("the policy server %s is back", self._address)
                return
            connection.transport.abort()
            self._fatal = EngineUnavailable(
                f"the policy server {self._address} came back with another policy, "
                f"{welcome.spec.name} in place of {self.welcome.spec.name}",
                "begin a new session with it",
            )

    async def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(2 * CLOSE_S):
                    await connection.close()
            connection.transport.abort()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def _closing(error: ConnectionClosed) -> tuple[int, str]:
    """The code of a close and what it means, whoever closed."""
    frame = error.rcvd or error.sent
    if frame is None:
        return 1006, "broke off"
    plain = "".join(c if c.isprintable() else " " for c in frame.reason)
    return frame.code, f"was closed with {frame.code}" + (f", {plain}" if plain else "")
