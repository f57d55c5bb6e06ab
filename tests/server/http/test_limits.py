"""Limits in numbers, with a clock that tests move, and connections without a server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nitropilot.server.http.limits import (
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_TARGET,
    BodyLimit,
    Buckets,
    HeaderLimit,
    address_key,
)
from tests.server.auth.test_browser import Clock
from tests.server.http.asgi import Answer, ask, scope_of

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send


async def reader(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads the whole body and says how long it was."""
    total, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        total += len(message["body"])
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"n", b"%d" % total)]})
    await send({"type": "http.response.body"})


def post(app: Any, parts: list[bytes], pause_s: float = 0.0, **headers: str) -> Answer:
    """A POST whose body comes in parts, with a pause before each."""
    left = [
        {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
        for number, part in enumerate(parts)
    ]

    async def receive() -> Message:
        await asyncio.sleep(pause_s)
        return left.pop(0)

    return ask(app, scope_of("http", "/", headers, method="POST"), receive)


def test_a_bucket_holds_its_burst_and_regains_its_rate() -> None:
    """More than that in a while, and one is told when to come again."""
    clock = Clock()
    bucket = Buckets(rate=2, burst=3, clock=clock)
    assert [bucket.take("a") for _ in range(3)] == [0, 0, 0]
    assert bucket.take("a") == pytest.approx(0.5)
    assert bucket.take("b") == 0, "everyone has a bucket of their own"
    clock.now += 0.5
    assert bucket.take("a") == 0
    assert bucket.take("a") > 0
    clock.now += 3600
    assert [bucket.take("a") > 0 for _ in range(4)] == [False, False, False, True]


def test_asking_while_refused_does_not_make_it_longer() -> None:
    """A deck that retries must get through as soon as it said it would."""
    clock = Clock()
    bucket = Buckets(rate=1, burst=1, clock=clock)
    assert bucket.take("a") == 0
    for _ in range(100):
        assert 0 < bucket.take("a") <= 1
    clock.now += 1
    assert bucket.take("a") == 0


def test_the_memory_is_constant() -> None:
    """A network has more addresses than this machine has memory."""
    bucket = Buckets(rate=1, burst=1, size=100)
    for number in range(10_000):
        bucket.take(str(number))
    assert len(bucket) == 100


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.168.1.5", "192.168.1.5", True),
        ("192.168.1.5", "192.168.1.6", False),
        ("::ffff:192.168.1.5", "192.168.1.5", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("testclient", "testclient", True),
    ],
)
def test_who_counts_as_one(one: str, other: str, same: bool) -> None:
    """A home has a /64 of IPv6 addresses: 2^64 buckets would be no limit."""
    assert (address_key(one) == address_key(other)) is same


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=8), st.integers(0, 60))
def test_a_body_passes_exactly_when_it_is_short_enough(parts: list[bytes], limit: int) -> None:
    """However it is cut; the application's own answer to half a body must not get out."""
    answer = post(BodyLimit(reader, limit), parts)
    total = sum(map(len, parts))
    if total <= limit:
        assert (answer.status, answer.headers["n"]) == (200, str(total))
    else:
        assert (answer.status, answer.code) == (413, "body_too_large")


@pytest.mark.parametrize("declared", ["11", "-1", "1e1", "\u00b2", "", " 5", "9" * 5000])
def test_a_declared_length_that_is_none_or_too_much(declared: str) -> None:
    """Nothing of the body is read then."""
    answer = post(BodyLimit(reader, 10), [], **{"Content-Length": declared})
    assert (answer.status, answer.code) == (413, "body_too_large")


def test_a_slow_body_ends_with_408() -> None:
    """One byte now and then would hold a handler and its connection for ever."""
    answer = post(BodyLimit(reader, 100, seconds=0.05), [b"x"] * 1000, pause_s=0.02)
    assert (answer.status, answer.code) == (408, "body_too_slow")
    assert answer.headers["connection"] == "close"


def test_waiting_after_the_body_is_no_slow_body() -> None:
    """A handler that computes for minutes asks meanwhile whether the client has gone."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body"})

    messages: list[Message] = [
        {"type": "http.request", "body": b"x", "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        if len(messages) == 1:
            await asyncio.sleep(0.2)
        return messages.pop(0)

    limit = BodyLimit(app, 100, seconds=0.1)
    assert ask(limit, scope_of("http", "/", {}, method="POST"), receive).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("a", "b")] * MAX_HEADERS, 200),
        ([("a", "b")] * (MAX_HEADERS + 1), 431),
        ([("a", "b" * (MAX_HEADER_BYTES - 1))], 200),
        ([("a", "b" * MAX_HEADER_BYTES)], 431),
    ],
)
def test_headers_are_counted(headers: list[tuple[str, str]], status: int) -> None:
    """Also those that come in one piece, which h11 does not count."""
    assert ask(HeaderLimit(reader), scope_of("http", "/", headers)).status == status


@pytest.mark.parametrize(("size", "status"), [(MAX_TARGET, 200), (MAX_TARGET + 1, 414)])
@pytest.mark.parametrize("in_query", [True, False])
def test_paths_are_counted(size: int, status: int, in_query: bool) -> None:
    """Path and query together."""
    path, query = ("/", b"x" * (size - 1)) if in_query else ("/" + "x" * (size - 1), b"")
    scope = scope_of("http", path, {}, query_string=query)
    assert ask(HeaderLimit(reader), scope).status == status
