"""What ``tests/attacks`` does, over and over and all at once, for ``event_clients --hostile``.

Every attack is refused, and that is counted; one that is not ends the benchmark.
"""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

SLOW = 40
"""Connections that send a byte now and then."""
EVERY_S = 0.05
"""Between two attacks of a kind."""
REFUSED = (b"400", b"401", b"403", b"404", b"413", b"414", b"422", b"429", b"431", b"503")


def attackers(url: str, token: str, counts: dict[str, int]) -> list[Coroutine[None, None, None]]:
    """One coroutine for each kind of attack; none of them ends."""
    host, _, port = url.removeprefix("http://").partition(":")
    own = f"Host: {host}:{port}"
    with_token = f"Authorization: Bearer {token}"

    def head(*lines: str) -> bytes:
        return "\r\n".join([*lines, "", ""]).encode()

    def post(path: str, body: bytes, *lines: str) -> bytes:
        return head(f"POST {path} HTTP/1.1", own, *lines, f"Content-Length: {len(body)}") + body

    guesses = (f"Authorization: Bearer np_{number:043}" for number in range(10**9))
    attacks: list[Callable[[], bytes]] = [
        lambda: head("GET /api/v1/sessions HTTP/1.1", f"Host: rebound.example:{port}"),
        lambda: post("/api/v1/panic", b"", "Origin: https://evil.example", with_token),
        lambda: head("GET /api/v1/sessions HTTP/1.1", own, next(guesses)),
        lambda: head("GET /api/v1/sessions HTTP/1.1", own, "X: " + "y" * 60_000),
        lambda: head(f"GET /{'x' * 9_000} HTTP/1.1", own),
        lambda: head("GET /api/v1/recordings/..%2f..%2fconfig HTTP/1.1", own, with_token),
        lambda: post("/api/v1/sessions", b"[" * 50_000, with_token),
        lambda: post("/api/v1/predict", bomb(), with_token),
    ]
    pace = lambda act: again(host, int(port), act, counts)  # noqa: E731
    kinds = [pace(act) for act in attacks]
    return [*kinds, *(slow(host, int(port)) for _ in range(SLOW)), identify(url, counts)]


def bomb() -> bytes:
    """A PNG whose header promises ten billion pixels."""

    def chunks() -> Iterator[bytes]:
        for name, body in (
            (b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(bytes(100_000))),
            (b"IEND", b""),
        ):
            yield struct.pack(">I", len(body)) + name + body
            yield struct.pack(">I", zlib.crc32(name + body))

    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks())


async def again(host: str, port: int, act: Callable[[], bytes], counts: dict[str, int]) -> None:
    """Send a request on a connection of its own, see it refused, and begin again."""
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(act())
                line = await reader.readline()
            finally:
                writer.close()
        except ConnectionError:  # closed, which refuses as well
            line = b""
        assert not line or line.split()[1] in REFUSED, line
        counts["requests"] += 1


async def slow(host: str, port: int) -> None:
    """Slow loris: a head that never ends."""
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x")
            while True:
                await asyncio.sleep(0.5)
                writer.write(b"x")
                await writer.drain()
        except ConnectionError:
            continue


async def identify(url: str, counts: dict[str, int]) -> None:
    """Malformed and oversized first messages on the events' WebSocket."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed, InvalidStatus

    messages = ("", "[" * 7_000, json.dumps({"type": "identify", "token": "x"}), "y" * 20_000)
    number = 0
    while True:
        await asyncio.sleep(EVERY_S)
        number += 1
        try:
            address = url.replace("http", "ws", 1) + "/api/v1/events"
            async with connect(address, compression=None, proxy=None) as socket:
                await socket.recv()
                await socket.send(messages[number % len(messages)])
                raise AssertionError(f"answered: {await socket.recv()!r}")
        except (ConnectionClosed, InvalidStatus):
            counts["requests"] += 1
