"""Too much, too long, too slow and too many: others must be served meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from nitropilot.server.events.hub import MAX_STRANGERS
from nitropilot.server.http.connection import (
    HEAD_S,
    JUST_COME_S,
    KEEP_ALIVE_S,
    MAX_CONNECTIONS,
    MAX_FROM_ONE,
    MAX_LOCAL,
    RESERVE,
)
from tests.server.events.listening import Listener
from tests.server.processes import PATIENCE_S, until
from tests.support import http

if TYPE_CHECKING:
    from tests.attacks.conftest import Target


def closed(connection: socket.socket) -> bool:
    """Whether the other side has closed a connection, as far as one can see now."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


@pytest.mark.parametrize(
    "bomb",
    [
        lambda t: t.head("GET", "/" + "x" * 100_000),
        lambda t: t.head("GET", "/?" + "x" * 9_000),
        lambda t: t.head("GET", "/healthz", *[f"X-{n}: y" for n in range(1000)]),
        lambda t: t.head("GET", "/healthz", "X: " + "y" * 1_000_000),
        lambda t: t.head("GET", "/healthz", "X" * 50_000 + ": y"),
        lambda t: t.head("GET", "/healthz", *["Host: " + "y" * 100] * 500),
        lambda t: t.head("GET", "/healthz", "Cookie: " + "; ".join(["a=b"] * 20_000)),
        lambda t: b"GET /healthz HTTP/1.1\r\n" + b"X-A: b\r\n" * 5_000,
        lambda t: b"A" * 500_000,
        lambda t: b"\r\n" * 200_000,
        lambda t: b"\x00" * 100_000,
    ],
)
@pytest.mark.parametrize("size", [1_000, 10_000_000])
def test_header_bombs(target: Target, bomb: object, size: int) -> None:
    """In one piece and in small ones: an error or a closed connection, and little memory."""
    process = psutil.Process(target.process.pid)
    before = process.memory_info().rss
    data = bomb(target)  # type: ignore[operator]
    with target.raw() as raw:
        try:
            for start in range(0, len(data), size):
                raw.sendall(data[start : start + size])
            raw.shutdown(socket.SHUT_WR)
            answer = raw.makefile("rb").read()
        except OSError:  # it was closed before all was sent
            answer = b""
    assert not answer or int(answer.split()[1]) in (400, 403, 414, 431), answer[:200]
    assert process.memory_info().rss - before < 100 * 2**20
    assert target.still_serves()


def test_slow_heads_are_closed_and_harm_nobody(target: Target) -> None:
    """Slow loris: a hundred connections, a byte each now and then, for ever."""
    stop = threading.Event()
    with ExitStack() as stack:
        kept = stack.enter_context(target.raw())
        kept.sendall(target.head("GET", "/healthz"))
        assert kept.recv(65536).startswith(b"HTTP/1.1 200")
        slow = [stack.enter_context(target.raw()) for _ in range(100)]
        started = time.monotonic()
        for number, connection in enumerate(slow):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x" if number % 3 else b"")

        def drip() -> None:
            while not stop.wait(0.5):
                for number, connection in enumerate(slow):
                    if number % 2:
                        try:
                            connection.send(b"x")
                        except OSError:
                            continue

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            while time.monotonic() - started < HEAD_S / 2:
                asked = time.monotonic()
                assert target.still_serves()
                assert time.monotonic() - asked < HEAD_S / 2, "a user had to wait for them"
            until(lambda: all(map(closed, slow)), "the end of every slow connection")
            # Clients keep a connection for 5 s and longer: it must not end in their hands.
            assert not closed(kept)
        finally:
            stop.set()
            thread.join()
    assert time.monotonic() - started >= HEAD_S / 2


def test_slow_second_heads_and_unread_bodies_are_closed(target: Target) -> None:
    """Behaving once must not buy an endless wait."""
    with target.raw() as second, target.raw() as body:
        second.sendall(target.head("GET", "/healthz"))
        assert second.recv(65536).startswith(b"HTTP/1.1 200")
        body.sendall(target.head("POST", "/api/v1/tokens", "Content-Length: 1000000"))
        assert body.recv(65536).startswith(b"HTTP/1.1 401")
        started = time.monotonic()
        while not (closed(second) and closed(body)):
            for connection in (second, body):
                try:
                    connection.send(b"x")
                except OSError:
                    continue
            assert time.monotonic() - started < PATIENCE_S
            time.sleep(0.3)


def test_a_pipeline_that_nobody_reads_is_bounded(target: Target) -> None:
    """A client that asks on and on and reads nothing must not make the answers pile up."""
    process = psutil.Process(target.process.pid)
    before = process.memory_info().rss
    with target.raw() as raw:
        raw.settimeout(2)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = target.head("GET", "/healthz") * 1000
        sent = 0
        try:
            while sent < 50_000_000:
                sent += raw.send(head)
        except (TimeoutError, ConnectionError):
            pass
        assert sent < 50_000_000, "the daemon read on without being read"
        assert process.memory_info().rss - before < 50 * 2**20
    assert target.still_serves()


def panic(target: Target) -> bytes:
    """What stops every agent."""
    token = f"Authorization: Bearer {target.token}"
    return target.head("POST", "/api/v1/panic", token, "Content-Length: 0")


def test_idle_connections_give_way(target: Target) -> None:
    """Whoever opens connections and asks nothing must not keep a user from a panic."""
    with ExitStack() as stack:
        held = [stack.enter_context(target.raw()) for _ in range(MAX_CONNECTIONS + 40)]
        time.sleep(2 * JUST_COME_S)
        began = time.perf_counter()
        assert target.status(panic(target)) == 200
        print(f"panic was answered after {time.perf_counter() - began:.3f} s")
        until(lambda: sum(map(closed, held)) >= 40 - RESERVE, "the end of some")
        assert psutil.Process(target.process.pid).num_fds() < MAX_CONNECTIONS + 100
        assert target.still_serves()


def test_busy_connections_leave_room_for_what_is_urgent(target: Target) -> None:
    """None of them can be cut: a bounded number more is taken, for what stops an agent alone."""
    token = f"Authorization: Bearer {target.token}"
    body = target.head("POST", "/api/v1/predict", token, "Content-Length: 5")
    head = target.head("GET", "/healthz", "Connection: close")
    with ExitStack() as stack:
        busy = []
        while target.status(head) == 200:
            busy.append(stack.enter_context(target.raw()))
            busy[-1].sendall(body)
            assert len(busy) <= MAX_LOCAL + RESERVE
        assert target.status(head) == 503
        assert target.status(panic(target)) == 200
        for connection in busy:
            connection.sendall(b"hello")
    until(lambda: target.status(head) == 200, "room again")


def test_one_address_cannot_take_all_the_room(target: Target) -> None:
    """Another machine gets a share; the user's own programs have the rest."""
    with ExitStack() as stack:
        most = MAX_FROM_ONE + RESERVE
        held = [stack.enter_context(target.raw("127.0.0.77")) for _ in range(most + 20)]
        until(lambda: sum(map(closed, held)) >= 20, "the end of some")
        time.sleep(2 * JUST_COME_S)
        head = target.head("GET", "/healthz", "Connection: close")
        for source in ("127.0.0.1", "127.0.0.78", "127.0.0.77"):
            assert target.status(head, source) == 200
        assert target.still_serves()


def test_silent_websockets_give_way(target: Target) -> None:
    """The owner who says at once who it is finds room among those that say nothing."""
    with ExitStack() as stack:
        silent = [stack.enter_context(Listener(target)) for _ in range(MAX_STRANGERS)]
        with Listener(target) as owner:
            owner.identify(events=[])
        assert silent[0].end() == 4001


def test_connections_are_kept_longer_than_clients_keep_theirs() -> None:
    """A client that asks on a connection which is just being closed gets a reset."""
    limits = httpx.Limits()
    assert limits.keepalive_expiry is not None
    assert 2 * limits.keepalive_expiry < KEEP_ALIVE_S


def test_a_flood_without_a_token_leaves_the_user_his_share(target: Target) -> None:
    """Strangers at the same address have a bucket of their own."""
    statuses: list[int] = []

    def flood() -> None:
        with http.Client(base_url=target.url, timeout=PATIENCE_S) as client:
            for _ in range(700):
                statuses.append(client.get("/healthz").status_code)

    threads = [threading.Thread(target=flood) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(30):
            assert target.still_serves()
    finally:
        for thread in threads:
            thread.join()
    assert set(statuses) <= {200, 429}
    assert target.still_serves()
