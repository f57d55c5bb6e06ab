"""How much of everything a client may send: headers, bodies, requests a second, failures."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from nitropilot.server.http.answers import error_answer, refuse
from nitropilot.server.http.hosts import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 32 * 1024 * 1024
BODY_S = 30.0
"""How long a whole body may take."""
MAX_HEADERS = 64
MAX_HEADER_BYTES = 16 * 1024
MAX_TARGET = 8 * 1024
"""Bytes of path and query."""


class HeaderLimit:
    """Answers 414 to long paths and 431 to too many or too long headers.

    h11 bounds only a head that comes in parts; one that comes whole is counted here.

    Args:
        app: The application behind.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 414 or 431."""
        target = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        headers = scope["headers"]
        total = sum(len(name) + len(value) for name, value in headers)
        if target > MAX_TARGET:
            answer = error_answer(414, "target_too_long", f"a path may have {MAX_TARGET} bytes")
        elif len(headers) > MAX_HEADERS or total > MAX_HEADER_BYTES:
            answer = error_answer(
                431,
                "headers_too_large",
                f"a request may have {MAX_HEADERS} headers and {MAX_HEADER_BYTES} bytes of them",
            )
        else:
            await self.app(scope, receive, send)
            return
        await refuse(scope, receive, send, answer)


class BodyLimit:
    """Answers 413 to bodies over ``limit`` bytes, declared or not, and 408 to slow ones.

    Args:
        app: The application behind; it must read a body before it answers.
        limit: Bytes.
        seconds: How long a whole body may take.
    """

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY, seconds: float = BODY_S) -> None:
        self.app = app
        self.limit = limit
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting what is read of it."""
        if scope["type"] != "http":  # a WebSocket's messages have their own limit
            await self.app(scope, receive, send)
            return
        body = _Body(receive, self.limit, self.seconds)

        async def unless_bad(message: Message) -> None:
            if not body.bad:
                await send(message)

        declared = [v.decode("latin-1") for k, v in scope["headers"] if k == b"content-length"]
        if any(not _within(text, self.limit) for text in declared):
            body.too_large = True
        else:
            await self.app(scope, body.receive, unless_bad)
        if body.bad:
            await self._answer(body, scope, receive, send)

    async def _answer(self, body: _Body, scope: Scope, receive: Receive, send: Send) -> None:
        if body.too_large:
            # What still comes is read away: a client that sends on would miss the answer.
            answer = error_answer(413, "body_too_large", f"a body may have {self.limit} bytes")
        else:
            answer = error_answer(
                408,
                "body_too_slow",
                f"the body did not come within {self.seconds:g} s",
                headers={"Connection": "close"},
            )
        await answer(scope, receive, send)


def _within(text: str, limit: int) -> bool:
    return text.isdecimal() and len(text) <= 18 and int(text) <= limit


class _Body:
    """A request's body on its way, watched."""

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive = receive
        self._limit = limit
        self._until = asyncio.get_running_loop().time() + seconds
        self._seen = 0
        self._whole = False
        self.too_large = self.too_late = False

    @property
    def bad(self) -> bool:
        return self.too_large or self.too_late

    async def receive(self) -> Message:
        """The next part; a disconnect once the body is too large or too late."""
        try:
            async with asyncio.timeout_at(None if self._whole else self._until):
                message = await self._receive()
        except TimeoutError:
            self.too_late = True
            return {"type": "http.disconnect"}
        self._whole = not message.get("more_body", False)
        self._seen += len(message.get("body", b""))
        self.too_large = self._seen > self._limit
        return {"type": "http.disconnect"} if self.too_large else message


class Buckets:
    """Token buckets by key, for at most ``size`` keys: constant memory, whoever comes.

    Args:
        rate: What a bucket regains in a second.
        burst: What a full one holds.
        size: Most keys remembered; the one longest unseen is forgotten first.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        rate: float,
        burst: float,
        size: int = 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rate, self.burst, self.size = rate, burst, size
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, key: str) -> float:
        """Take one: 0 if it was there, else the seconds until it will be."""
        now = self._clock()
        level, since = self._levels.pop(key, (self.burst, now))
        level = min(self.burst, level + (now - since) * self.rate)
        enough = level >= 1
        self._levels[key] = (level - 1 if enough else level, now)
        while len(self._levels) > self.size:
            self._levels.popitem(last=False)
        return 0.0 if enough else (1 - level) / self.rate


def client_key(scope: Scope) -> str:
    """Whom a request counts for: an IPv4 address, or the /64 an IPv6 one comes from."""
    client = scope.get("client")
    if not client:
        return ""
    return address_key(str(client[0]))


def address_key(text: str) -> str:
    """The same for an address."""
    try:
        address = parse_address(text)
    except ValueError:
        return text
    if address.version == 4:
        return str(address)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False))
