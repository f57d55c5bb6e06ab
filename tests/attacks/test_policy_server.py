"""Attacks on the policy server: the attacker is refused, and nobody else notices.

In every test a well-behaved client of the same server goes on playing; it must get the
actions that it got before, and the server must neither die nor swell.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np
import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from nitropilot.engines.remote.wire import pack
from tests.engines.remote.test_wire import HOSTILE
from tests.server.policy_server.processes import (
    PlainClient,
    PolicyServer,
    Refused,
    picture,
    plain_client,
    policy_server,
)
from tests.server.processes import PATIENCE_S, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MIB = 2**20
MOST_MEMORY = 400 * MIB
"""More than it started with; a few messages of the largest size may be under way at once."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicyServer]:
    """A server, shared by a module's tests: what one attack breaks, the next one finds."""
    with policy_server(tmp_path_factory.mktemp("policy")) as server:
        yield server


class Victim:
    """A client that plays all the while, and checks every answer."""

    def __init__(self, server: PolicyServer) -> None:
        self._client = PlainClient(server.address)
        self._picture = picture(3)
        self._wanted = self._ask()
        self._stop = threading.Event()
        self.answers = 0
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def end(self) -> None:
        """Stop, once it was served again after the attack."""
        served = self.answers
        try:
            until(lambda: self.answers > served + 2 or self.failure, "the victim is served on")
        finally:
            self._stop.set()
            self._thread.join(PATIENCE_S)
            self._client.close()
        assert self.failure is None

    def _ask(self) -> np.ndarray[Any, Any]:
        answer: np.ndarray[Any, Any] = self._client.infer(image=self._picture, seed=1)["actions"]
        return answer

    def _play(self) -> None:
        try:
            while not self._stop.is_set():
                np.testing.assert_allclose(self._ask(), self._wanted, atol=1e-4)
                self.answers += 1
        except Exception as error:
            self.failure = error


@pytest.fixture(autouse=True)
def unharmed(server: PolicyServer) -> Iterator[None]:
    """Somebody plays while the test attacks."""
    before = server.memory()
    victim = Victim(server)
    try:
        yield
    finally:
        victim.end()
    assert server.process.poll() is None
    assert server.memory() < before + MOST_MEMORY
    assert "Traceback" not in server.output()


def closed_with(client: PlainClient) -> tuple[int, str]:
    """The close that ended a connection."""
    with pytest.raises(ConnectionClosed) as closed:
        client.connection.recv(PATIENCE_S)
    frame = closed.value.rcvd
    assert frame is not None, "cut off without a word"
    assert "Traceback" not in frame.reason
    return frame.code, frame.reason


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_msgpack(server: PolicyServer, name: str) -> None:
    """What the wire does not allow ends that connection with 1007, and only that one."""
    with plain_client(server.address) as client:
        client.connection.send(HOSTILE[name])
        assert closed_with(client)[0] == 1007


def test_text_frames(server: PolicyServer) -> None:
    """1003: requests are binary."""
    with plain_client(server.address) as client:
        client.connection.send('{"image": "x"}')
        assert closed_with(client)[0] == 1003


def test_messages_that_are_too_big(server: PolicyServer) -> None:
    """1009, from the header on: what it announces is never held in memory."""
    with plain_client(server.address) as client:
        with suppress(ConnectionClosed):
            client.connection.send(b"\x00" * (33 * MIB))
        assert closed_with(client)[0] == 1009


def test_many_fragments(server: PolicyServer) -> None:
    """The limit is the message's, in however many pieces it comes; empty ones count too."""
    for piece, count in ((b"\x00" * MIB, 40), (b"", 2_000_000)):
        with plain_client(server.address) as client:
            with suppress(ConnectionClosed):
                client.connection.send(piece for _ in range(count))
            assert closed_with(client)[0] in (1007, 1009)


def raw_client(server: PolicyServer, **options: int) -> socket.socket:
    """A connection after the handshake, frame by frame in the test's hands."""
    raw = socket.socket()
    for name, value in options.items():
        raw.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    raw.settimeout(PATIENCE_S)
    raw.connect(("127.0.0.1", server.port))
    raw.sendall(
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert raw.recv(12) == b"HTTP/1.1 101"
    return raw


def frame(payload: bytes, head: int = 0x82, length: int | None = None) -> bytes:
    """A masked frame, which may lie about its length."""
    size = len(payload) if length is None else length
    return struct.pack("!BBQI", head, 0xFF, size, 0) + payload


def ends(raw: socket.socket) -> bool:
    """Whether the server ends the connection."""
    try:
        while raw.recv(65536):
            pass
    except ConnectionError:
        return True
    return True


@pytest.mark.parametrize(
    "data",
    [
        frame(b"", length=2**40), frame(b"", length=2**63 - 1), frame(b"", length=2**64 - 1),
        b"\x82\x05hello", frame(b"x", head=0x83), frame(b"x", head=0xF2),
        frame(b"x" * 200, head=0x89), frame(b"x", head=0x80), b"\x00" * 100, b"\xff" * 1000,
        frame(b"\x03", head=0x88),
    ],
    ids=["a terabyte", "the most", "negative", "unmasked", "unknown", "reserved", "long ping",
         "continued from nothing", "zeros", "ones", "broken close"],
)  # fmt: skip
def test_frames_that_are_none(server: PolicyServer, data: bytes) -> None:
    """Below the messages, the library's own checks: here they must be switched on."""
    with raw_client(server) as raw:
        raw.sendall(data)
        assert ends(raw)


def test_connections_that_say_nothing(server: PolicyServer) -> None:
    """A handshake that never comes, or never ends, holds no place and no thread."""
    with ExitStack() as stack:
        for data in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20):
            for _ in range(40):
                raw = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                raw.sendall(data)
        with plain_client(server.address) as client:  # more than its places are waiting
            assert client.infer(image=picture())


def test_headers_without_end(server: PolicyServer) -> None:
    """Bounded in length and in number."""
    for data in (b"GET /" + b"x" * 20_000, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 2000):
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as raw:
            with suppress(ConnectionError):
                raw.sendall(data)
            assert ends(raw)


def test_a_message_that_never_ends(server: PolicyServer) -> None:
    """Half a frame from many: each holds what it sent and no more."""
    with ExitStack() as stack:
        for _ in range(20):
            raw = stack.enter_context(raw_client(server))
            raw.sendall(frame(b"\x00" * 1000, length=31 * MIB))
        with plain_client(server.address) as client:
            assert client.infer(image=picture())


def test_a_flood_of_requests(server: PolicyServer) -> None:
    """Who asks without waiting gets an answer for each, at nobody's cost, or is turned out."""
    request = pack({"image": picture(), "seed": 1})
    with plain_client(server.address) as client:
        try:
            for _ in range(3000):
                client.connection.send(request)
            assert all(answers(client) for _ in range(3000))
        except ConnectionClosed:
            assert closed_with_after_answers(client) == 1008


def answers(client: PlainClient) -> bool:
    """Whether the next answer is a chunk or the word that a newer request came."""
    try:
        client.receive()
    except Refused as refused:
        assert refused.code == "superseded"
    return True


def closed_with_after_answers(client: PlainClient) -> int:
    """The code of the close, after what had been answered before it."""
    try:
        while True:
            answers(client)
    except ConnectionClosed as closed:
        assert closed.rcvd is not None
        return closed.rcvd.code


def test_a_client_that_never_reads(server: PolicyServer) -> None:
    """Its answers fill its socket's buffer, then it is turned out; the engine waits for nobody."""
    request = frame(pack({"image": picture(0, 8, 8), "seed": 1}))
    with raw_client(server, SO_RCVBUF=4096) as raw:
        raw.settimeout(1.0)
        with suppress(TimeoutError, ConnectionError):
            for _ in range(20_000):
                raw.sendall(request)
        with plain_client(server.address) as client:
            assert client.infer(image=picture())


def test_clients_that_vanish(server: PolicyServer) -> None:
    """Cut cables while a request is computed: the answer has nowhere to go, which is no fault."""
    for _ in range(30):
        raw = raw_client(server)
        raw.sendall(frame(pack({"image": picture(), "seed": 1})))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()  # a reset, without a close frame


def test_large_pictures_by_the_dozen(server: PolicyServer) -> None:
    """4K pictures from several clients: allowed, and the victim still gets its turn."""
    message = pack({"image": np.zeros((2160, 3840, 3), np.uint8), "seed": 1})
    with ExitStack() as stack:
        clients = [stack.enter_context(plain_client(server.address)) for _ in range(4)]
        for _ in range(3):
            for client in clients:
                client.connection.send(message)
            for client in clients:
                assert client.receive()["actions"].shape == (16, 25)


def test_numbers_that_break_an_engine(server: PolicyServer) -> None:
    """Whatever is finite and allowed must come out finite, or fail for its sender alone."""
    noise = np.full((16, 25), 100, np.float32)
    noise[::2] *= -1
    actions = np.full((16, 25), 1000, np.float32)
    weights = np.linspace(1, 0, 16, dtype=np.float32)
    with plain_client(server.address) as client:
        for _ in range(5):
            try:
                answer = client.infer(
                    image=picture(), noise=noise, prefix_actions=actions, prefix_weights=weights
                )
            except Refused as refused:
                assert refused.code == "inference_failed"
            else:
                assert np.isfinite(answer["actions"]).all()


def test_all_places_taken(server: PolicyServer) -> None:
    """Clients that only sit there: others are told in the handshake, and the rest play on."""
    taken: list[PlainClient] = []

    def take() -> int:
        try:
            taken.append(PlainClient(server.address))
        except InvalidStatus as refused:
            return refused.response.status_code
        return 101

    try:
        # The places of clients that have just gone may not be free at once.
        until(lambda: take() == 429 and len(taken) >= 31, "a full server")
        assert len(taken) == 31, "the victim has the 32nd place"
    finally:
        for client in taken:
            client.close()


def test_wrong_requests_without_end(server: PolicyServer) -> None:
    """Errors are cheap, and nothing of them is kept."""
    with plain_client(server.address) as client:
        for number in range(2000):
            with pytest.raises(Refused):
                client.infer(**{f"key{number}": "x" * 4000})


def test_objects_are_never_built(server: PolicyServer) -> None:
    """A pickle in an array's clothes, in every place where an array may stand."""
    pickled = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x0atouch evil\x85R."
    evil = {b"__ndarray__": True, b"data": pickled, b"dtype": "|O", b"shape": [1]}
    for key in ("image", "images", "noise", "seed", "game", "cfg_scale", "prompt"):
        with plain_client(server.address) as client:
            client.connection.send(msgpack.packb({key: evil}))
            code, reason = closed_with(client)
            assert (code, "|O" in reason) == (1007, True)
    assert not [p for p in psutil.Process(server.process.pid).children() if "touch" in p.name()]


def test_attackers_all_at_once(server: PolicyServer) -> None:
    """Everything of the gallery from eight sides, again and again, for a while."""
    end = time.monotonic() + 3.0
    failures: list[Exception] = []

    def attack(messages: Sequence[bytes]) -> None:
        try:
            while time.monotonic() < end:
                for message in messages:
                    with plain_client(server.address) as client:
                        client.connection.send(message)
                        closed_with(client)
        except Exception as error:
            failures.append(error)

    gallery = list(HOSTILE.values())
    threads = [threading.Thread(target=attack, args=(gallery[i::8],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
