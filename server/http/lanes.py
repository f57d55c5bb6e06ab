"""Ways of requests to threads, so that load on one way never holds up another.

What stops an agent has a way that load cannot fill: a thread for each request, as many as there
are connections.  Everything else has a bounded number of threads and a bounded queue before
them; what is too much is answered with 503 at once.  All of these threads may be left behind:
one that hangs, in a window system that does not answer, holds up neither other ways nor the end.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from nitropilot.server.errors import Busy
from nitropilot.server.http.answers import error_answer, refuse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

T = TypeVar("T")
Endpoint = TypeVar("Endpoint", bound="Callable[..., Any]")
URGENT = re.compile(
    r"POST /api/v1/(panic|autoplay/toggle|sessions/[^/]+/(pause|autoplay(/toggle)?))"
    r"|PUT /api/v1/sessions/[^/]+/(guard|takeover)"
    r"|DELETE /api/v1/sessions/[^/]+"
)
"""What stops an agent, or says what it may not do."""


def is_urgent(method: str, path: str) -> bool:
    """Whether a request, or a route by its path with names in braces, must not wait for others."""
    return URGENT.fullmatch(f"{method} {path}") is not None


async def apart(act: Callable[[], T], ended: Callable[[], object] = lambda: None) -> T:
    """Run something that may wait in a thread of its own, and return what it returns.

    Args:
        act: What.
        ended: Called in the event loop once the thread has ended, also if nobody waits any more.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        ended()
        if answer.done():  # whoever asked has gone
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, problem = None, None
        try:
            result = act()
        except BaseException as error:  # noqa: BLE001 - raised by whoever waits for it
            problem = error
        try:
            loop.call_soon_threadsafe(settle, result, problem)
        except RuntimeError:  # the loop has ended, and with it everyone who could listen
            return

    try:
        threading.Thread(target=work, name="nitropilot-request", daemon=True).start()
    except RuntimeError:  # the system has no thread left
        ended()
        raise
    return await answer


class Lane:
    """A bounded way.  Used in the event loop.

    Args:
        name: What is done on it, for people.
        threads: How many at once.
        waiting: How many may wait for that.
    """

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self._name = name
        self._free = threads
        self._most = waiting
        self._queue: deque[asyncio.Future[None]] = deque()

    async def run(self, act: Callable[[], T]) -> T:
        """As ``apart``, after whoever was before.

        Raises:
            Busy: Too many wait already.
        """
        if self._free:
            self._free -= 1
        elif len(self._queue) >= self._most:
            raise Busy(
                f"{len(self._queue)} requests wait for {self._name} already", "come again later"
            )
        else:
            await self._wait()
        return await apart(act, self._release)

    def way(self, endpoint: Endpoint) -> Endpoint:
        """Have a route's plain function run on it."""
        _ways[endpoint] = self
        return endpoint

    async def _wait(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._queue.remove(turn)
            else:  # it was our turn at this very moment
                self._release()
            raise

    def _release(self) -> None:
        """Hand a place over to who has waited longest; those of a loop that has ended are gone."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


_ways: dict[Callable[..., Any], Lane] = {}
GENERAL = Lane("the daemon", threads=32, waiting=64)
DESKTOP = Lane("the window system", threads=4, waiting=12)
"""What a window system has to answer, which may hang."""
PREDICTIONS = Lane("predictions", threads=4, waiting=60)


def on_its_way(
    endpoint: Callable[..., Any], methods: set[str] | list[str], path: str
) -> Callable[..., Awaitable[Any]]:
    """A route's function as a coroutine: a plain one in a thread of the way it belongs to."""
    if inspect.iscoroutinefunction(endpoint):
        return endpoint
    urgent = all(is_urgent(method, path) for method in methods)
    run = apart if urgent else _ways.get(endpoint, GENERAL).run

    @functools.wraps(endpoint)
    async def routed(**given: Any) -> Any:
        return await run(functools.partial(endpoint, **given))

    return routed


RESERVE_KEY = "reserve"


class UrgentReserve:
    """Answers 503 to what is not urgent on a connection that was only taken for that.

    Args:
        app: The application behind.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 503."""
        kept = scope.get("state", {}).get(RESERVE_KEY, False)
        if not kept or is_urgent(scope.get("method", ""), scope["path"]):
            await self.app(scope, receive, send)
            return
        answer = error_answer(
            503, "too_many_connections", "too many connections", headers={"Connection": "close"}
        )
        await refuse(scope, receive, send, answer)
