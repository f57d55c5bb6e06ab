"""The events' WebSocket from a stranger's side: it is open to whoever can connect."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.frames import Frame, Opcode

from nitropilot.server.auth.guard import FAILURE_BURST
from tests.server.events.listening import PATH, Listener
from tests.server.processes import PATIENCE_S
from tests.support import http

if TYPE_CHECKING:
    from tests.attacks.conftest import Target

HANDSHAKE = (
    "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip
DEEP = "[" * 7000 + "]" * 7000


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("", 4002),
        ("identify", 4002),
        ('"identify"', 4002),
        ("NaN", 4002),
        ("1" * 9000, 4002),
        (DEEP, 4002),
        (f'{{"type": "identify", "token": {DEEP}}}', 4002),
        (b"\x00\x01", 4002),
        ('{"type": "subscribe"}', 4002),
        ('{"type": "frame", "session": "x"}', 4002),
        ('{"type": "identify", "admin": true}', 4002),
        ('{"type": "IDENTIFY"}', 4002),
        ('{"type": {"identify": 1}}', 4002),
        ('{"type": "identify"}', 4003),
        ('{"type": "identify", "token": null}', 4003),
        ('{"type": "identify", "token": ""}', 4003),
        ('{"type": "identify", "token": true}', 4003),
        ('{"type": "identify", "token": ["x"]}', 4003),
        ('{"type": "identify", "token": {"$ne": ""}}', 4003),
        ('{"type": "identify", "token": "\\ud800"}', 4003),
        ('{"type": "identify", "token": "\\u0000"}', 4003),
        ('{"type": "identify", "token": "é"}', 4003),
        ('{"type": "identify", "token": "*"}', 4003),
        ('{"type": "identify", "protocol": 2}', 4004),
        ('{"type": "identify", "protocol": "1"}', 4004),
        ('{"type": "identify", "protocol": null}', 4004),
        ('{"type": "identify", "protocol": 1e400}', 4004),
    ],
)
def test_hostile_first_messages(target: Target, message: str | bytes, code: int) -> None:
    """None of them is an identity, and none of them upsets the daemon."""
    with Listener(target) as listener:
        assert listener.next()["identified"] is False
        listener.socket.send(message)
        assert listener.end() == code
    assert target.still_serves()


def test_variants_of_the_right_token(target: Target) -> None:
    """Nothing but the whole of it, as it is."""
    token = target.token
    for variant in (
        token[:-1], token[1:], token + "\n", " " + token, token.swapcase(), token + "\x00",
        f"Bearer {token}",
    ):  # fmt: skip
        with Listener(target, sock=source(target, "127.0.3.1")) as listener:
            listener.next()
            listener.say("identify", token=variant)
            assert listener.end() == 4003, variant


def source(target: Target, address: str) -> socket.socket:
    """A connection from another address of this machine."""
    return socket.create_connection(
        ("127.0.0.1", target.port), PATIENCE_S, source_address=(address, 0)
    )


def test_guesses_count_as_everywhere(target: Target) -> None:
    """A way in without a limit is the one that guessers take."""
    address = "127.0.3.2"
    for number in range(int(FAILURE_BURST) + 5):
        with Listener(target, sock=source(target, address)) as listener:
            listener.next()
            listener.say("identify", token=f"np_{number:043}")
            assert listener.end() == 4003
    transport = httpx.HTTPTransport(local_address=address)
    with http.Client(base_url=target.url, transport=transport, timeout=PATIENCE_S) as client:
        answer = client.get("/api/v1/status", headers={"Authorization": "Bearer wrong"})
        assert answer.status_code == 429
    with Listener(target, sock=source(target, address)) as listener:
        listener.identify(events=[])


@pytest.mark.parametrize(
    "extra",
    [
        ("Origin: https://evil.example",),
        ("Origin: null",),
        ("Origin: http://127.0.0.1:1", "Origin: http://127.0.0.1:2"),
        ("Sec-WebSocket-Protocol: " + "x" * 9000,),
        ("X-Long: " + "x" * 20000,),
        tuple(f"X-{number}: y" for number in range(200)),
        ("Authorization: Bearer wrong",),
    ],
)
def test_hostile_handshakes(target: Target, extra: tuple[str, ...]) -> None:
    """Refused, or closed: never a WebSocket, and never a connection that stays for ever."""
    status = target.status(target.head("GET", PATH, *HANDSHAKE, *extra))
    assert status in (0, 400, 401, 403, 431), status


@pytest.mark.parametrize("missing", range(len(HANDSHAKE)))
def test_half_a_handshake(target: Target, missing: int) -> None:
    """Such as a plain GET: an answer, and nothing else."""
    headers = [line for number, line in enumerate(HANDSHAKE) if number != missing]
    status = target.status(target.head("GET", PATH, *headers, "Connection: close"))
    assert 400 <= status < 500


def test_other_paths_are_no_websockets(target: Target) -> None:
    """An upgrade must not be a way round a route's own checks."""
    for path in ("/", "/api/version", "/api/v1/sessions", "/api/v1/events/", "/nothing"):
        for token in ((), (f"Authorization: Bearer {target.token}",)):
            status = target.status(target.head("GET", path, *HANDSHAKE, *token))
            assert status in (401, 403, 404), (path, status)


def test_a_stranger_hears_nothing(target: Target) -> None:
    """Between hello and identify there must be silence, whatever happens."""
    with Listener(target) as stranger:
        stranger.next("hello")
        with Listener(target) as user:
            user.identify()
            user.say("frame", session="x")
            user.next("warning")
        with pytest.raises(TimeoutError):
            stranger.socket.recv(1.0)


def opened(connection: socket.socket, target: Target) -> None:
    """Shake hands by hand."""
    connection.sendall(target.head("GET", PATH, *HANDSHAKE))
    answer = b""
    while b'"hello"' not in answer:
        answer += connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 101")


def closed(connection: socket.socket) -> bytes:
    """What comes until the daemon closes."""
    heard = b""
    try:
        while part := connection.recv(65536):
            heard += part
    except ConnectionError:
        pass
    return heard


@pytest.mark.parametrize(
    "junk",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 64,
        b"\x81\x05hello",  # not masked
        b"\x81\xfe\xff\xff\x00\x00\x00\x00",  # says that it will be long
        b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",
        b"\xc1\x80\x00\x00\x00\x00",  # compressed, which was not agreed on
        b"\x81\x82\x00\x00\x00\x00\xff\xfe",  # not UTF-8
    ],
)
def test_broken_frames(target: Target, junk: bytes) -> None:
    """The connection ends at once and the daemon goes on."""
    with target.raw() as connection:
        opened(connection, target)
        connection.sendall(junk)
        closed(connection)
    assert target.still_serves()


def test_pings_that_nobody_reads_the_answers_of(target: Target) -> None:
    """Every ping has to be answered: answers to a client that does not read pile up."""
    import psutil

    ping = Frame(Opcode.PING, b"x" * 125).serialize(mask=True) * 500
    daemon = psutil.Process(target.process.pid)
    with target.raw() as connection:
        opened(connection, target)
        connection.settimeout(1.0)
        before = daemon.memory_info().rss
        sent = 0
        try:
            while sent < 200_000_000:
                sent += connection.send(ping)
        except TimeoutError:
            pass
        assert sent < 200_000_000, "it took them all"
        assert daemon.memory_info().rss < before + 50_000_000
    assert target.still_serves()


def test_many_strangers_leave_room_for_the_user(target: Target) -> None:
    """64 connections that say nothing: clients that have shown who they are still get in."""
    connections: list[Any] = []
    try:
        for _ in range(70):
            connection = socket.create_connection(("127.0.0.1", target.port), PATIENCE_S)
            connections.append(connection)
            connection.sendall(target.head("GET", PATH, *HANDSHAKE))
            connection.recv(4096)
        headers = {"Authorization": f"Bearer {target.token}"}
        with Listener(target, headers) as listener:
            assert listener.next()["identified"] is True
            listener.socket.send(json.dumps({"type": "identify"}))
            assert listener.next("ready")["scope"] == "admin"
        assert target.still_serves()
    finally:
        for connection in connections:
            connection.close()
