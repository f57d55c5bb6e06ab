"""What stops an agent is done at once, whatever else the daemon is busy with or waits for."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.server.errors import ShuttingDown
from nitropilot.server.sessions.turns import Turns
from tests.server.processes import PATIENCE_S, POLICY, Daemon, running_game, until
from tests.support import http

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.server.processes import RunningGame

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals, Xvfb")

QUICK_END = (
    "import nitropilot.server.daemon.serving as s, nitropilot.server.sessions.registry as r; "
    "s.GRACE_S = 1; r.CLOSE_TIMEOUT_S = 1.0; "
)
SLOW = (
    "import time, nitropilot.server.api.routes as routes; "
    "routes.observe = lambda *_: time.sleep(3600); "
)
"""A prediction takes an hour; the play goes on as ever."""
MAIN = "from nitropilot.server.cli.main import main; main()"
WAITING = 45
PLACES = 64
"""Of predictions that are made or wait, as ``server.http.lanes`` has them."""


@contextmanager
def asking(daemon: Daemon, request: str, count: int) -> Iterator[list[socket.socket]]:
    """So many connections that ask the same and wait for the answer."""
    head = f"{request}\r\nHost: 127.0.0.1:{daemon.port}\r\nAuthorization: Bearer {daemon.token}\r\n"
    with ExitStack() as stack:
        held = []
        for _ in range(count):
            address = ("127.0.0.1", daemon.port)
            held.append(stack.enter_context(socket.create_connection(address, PATIENCE_S)))
            held[-1].sendall(f"{head}Content-Length: 12\r\n\r\n".encode() + bytes(12))
        yield held


def answers(held: list[socket.socket]) -> list[int]:
    """The status of every answer that has come so far."""
    found = []
    for each in held:
        each.setblocking(False)
        try:
            start = each.recv(64, socket.MSG_PEEK)
        except BlockingIOError:
            continue
        found.append(int(start.split()[1]))
    return found


def answered(held: list[socket.socket], word: bytes) -> bool:
    """Whether one of the answers that have come says this."""
    for each in held:
        with suppress(BlockingIOError):
            each.setblocking(False)
            if word in each.recv(4096, socket.MSG_PEEK):
                return True
    return False


def panic_now(daemon: Daemon) -> None:
    """Panic; how long it took is said, and every session rests then."""
    began = time.perf_counter()
    answer = daemon.client.post("/api/v1/panic")
    print(f"panic was answered after {time.perf_counter() - began:.3f} s")
    assert answer.status_code == 200
    assert not [s for s in answer.json()["sessions"] if s["state"] == "playing"]


def test_predictions_wait_and_panic_does_not(
    x_display: PrivateDisplay, tmp_path: Path, game: RunningGame
) -> None:
    """An agent that plays on until 45 strangers' pictures are computed cannot be stopped."""
    daemon = Daemon(
        tmp_path, x_display.name, "--policy", POLICY, "--engine", "torch",
        program=("-c", QUICK_END + SLOW + MAIN),
    )  # fmt: skip
    request = (
        "POST /api/v1/predict?width=2&height=2 HTTP/1.1\r\nContent-Type: application/octet-stream"
    )
    try:
        session = daemon.playing(pid=game.pid)["id"]
        threads = psutil.Process(daemon.process.pid).num_threads()
        with asking(daemon, request, WAITING) as held:
            until(lambda: psutil.Process(daemon.process.pid).num_threads() > threads, "the load")
            for _ in range(2):
                panic_now(daemon)
            assert game.pad_is_neutral()
            assert daemon.client.post(f"/api/v1/sessions/{session}/autoplay/toggle").is_success
            assert daemon.client.post(f"/api/v1/sessions/{session}/pause").is_success
            with asking(daemon, request, WAITING) as more:
                until(lambda: len(answers(more)) >= 2 * WAITING - PLACES, "the refusals")
                assert answers(more) == [503] * (2 * WAITING - PLACES)
            assert daemon.client.delete(f"/api/v1/sessions/{session}").status_code == 204
            assert answers(held) == [], "all of them still wait"
            assert daemon.signal(signal.SIGTERM) == 0
    finally:
        daemon.client.close()
        daemon.kill()


def test_a_hung_window_system_holds_up_neither_panic_nor_the_end(tmp_path: Path) -> None:
    """A window list that never comes must cost the one who asked for it, and nobody else."""
    display = PrivateDisplay.start((800, 600))
    daemon = None
    try:
        daemon = Daemon(
            tmp_path, display.name, "--policy", POLICY, "--engine", "torch",
            program=("-c", QUICK_END + MAIN),
        )  # fmt: skip
        with running_game(display.name) as game:
            daemon.playing(pid=game.pid)
            os.kill(display.process.pid, signal.SIGSTOP)
            with asking(daemon, "GET /api/v1/windows HTTP/1.1", WAITING) as held:
                until(lambda: 503 in answers(held), "the refusal of those that are too many")
                panic_now(daemon)
                assert game.pad_is_neutral()
                assert psutil.Process(game.pid).status() != psutil.STATUS_STOPPED
                assert daemon.client.get("/api/v1/sessions").status_code == 200
                assert len(answers(held)) < WAITING, "none of them waits any more"
                assert answered(held, b'"code":"busy"')
                until(lambda: answered(held, b'"code":"display_silent"'), "its own answer")
                assert set(answers(held)) == {503}
                assert daemon.signal(signal.SIGINT) == 0
    finally:
        os.kill(display.process.pid, signal.SIGCONT)
        if daemon is not None:
            daemon.client.close()
            daemon.kill()
        display.close()


def test_a_game_that_stands_still_comes_first() -> None:
    """Sixteen clients of /predict must not have a game wait for all of them at every chunk."""
    turns, order = Turns(), []

    def compute(name: str, plays: bool) -> None:
        with turns.take(plays=plays):
            order.append(name)

    started = []
    with turns.take(plays=False):
        for name, plays in (("a", False), ("b", False), ("game", True), ("c", False)):
            started.append(threading.Thread(target=compute, args=(name, plays), daemon=True))
            started[-1].start()
            until(lambda: turns.waiting == len(started), name)
    for thread in started:
        thread.join(PATIENCE_S)
    assert order == ["game", "a", "b", "c"]
    turns.stop()
    with pytest.raises(ShuttingDown), turns.take(plays=True):
        pass


HANDSHAKE = (
    "GET /api/v1/events HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
CROWD = 256
NEVER_GONE = (
    "import nitropilot.server.http.websocket as w, nitropilot.server.api.event_stream as e; "
    "w.GOODBYE_S = w.PING_S = e.IDENTIFY_S = 3600.0; "
)
"""A WebSocket that is silent stays for ever, and so does one that does not answer a goodbye."""


@contextmanager
def crowd(daemon: Daemon, count: int, says: str = "") -> Iterator[list[socket.socket]]:
    """So many connections of programs without a token, which say this and then nothing."""
    text = f"{says}Host: 127.0.0.1:{daemon.port}\r\n\r\n".encode() if says else b""
    with ExitStack() as stack:
        held = []
        for _ in range(count):
            address = ("127.0.0.1", daemon.port)
            held.append(stack.enter_context(socket.create_connection(address, PATIENCE_S)))
            held[-1].sendall(text)
        yield held


def fresh(daemon: Daemon, method: str, path: str) -> int:
    """The status of an answer to the daemon's owner on a connection of its own."""
    headers = {"Authorization": f"Bearer {daemon.token}"}
    return http.request(method, f"{daemon.url}/api/v1/{path}", headers=headers).status_code


def test_silent_websockets_do_not_lock_the_owner_out(
    x_display: PrivateDisplay, tmp_path: Path
) -> None:
    """Who was told to go is not waited for: its place is the owner's."""
    daemon = Daemon(tmp_path, x_display.name, program=("-c", NEVER_GONE + MAIN))
    try:
        with crowd(daemon, CROWD, HANDSHAKE):
            for _ in range(3):
                until(lambda: fresh(daemon, "GET", "status") == 200, "an answer")
                with crowd(daemon, 1, HANDSHAKE) as (owner,):
                    owner.settimeout(PATIENCE_S)
                    assert owner.recv(64).startswith(b"HTTP/1.1 101")
    finally:
        daemon.client.close()
        daemon.kill()


@pytest.mark.parametrize("count", [CROWD, 600])
def test_a_burst_of_connections_leaves_room_for_a_panic(daemon: Daemon, count: int) -> None:
    """Also when none of them is old enough to be called idle."""
    for _ in range(3):
        with crowd(daemon, count):
            assert fresh(daemon, "POST", "panic") == 200
