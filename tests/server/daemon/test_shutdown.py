"""The end of the daemon, gentle and not, while it plays."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot.server.host.signals import in_another_thread
from tests.server.conftest import needs_preload
from tests.server.processes import (
    PATIENCE_S,
    POLICY,
    ROOT,
    Daemon,
    environment,
    stopped,
    trace_of,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import RunningGame

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]


@pytest.fixture
def own_daemon(x_display: PrivateDisplay, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that the test may end."""
    daemon = Daemon(tmp_path, x_display.name, "--policy", POLICY)
    yield daemon
    daemon.client.close()
    daemon.kill()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_all_in_good_order(own_daemon: Daemon, game: RunningGame, name: str) -> None:
    """Exit status 0, the joined game runs on, the launched one has ended, traces are whole."""
    joined = own_daemon.playing(pid=game.pid)
    launched = own_daemon.playing(launch="runner", headless=True)
    below = psutil.Process(own_daemon.process.pid).children(recursive=True)
    assert own_daemon.signal(getattr(signal, name)) == 0
    assert game.pad_is_neutral()
    assert game.runs()
    until(lambda: not any(child.is_running() for child in below), "the end of its processes")
    assert not psutil.pid_exists(launched["game"]["pid"])
    for session in (joined, launched):
        last = trace_of(session)[-1]
        assert (last["type"], last["reason"]) == ("end", "the daemon ended")
    assert "Traceback" not in own_daemon.output()


def test_a_signal_while_attaching_ends_the_game_too(own_daemon: Daemon) -> None:
    """The game that is being launched at that moment must not be left behind."""
    needs_preload()
    own_daemon.create(launch="runner", headless=True)
    until(lambda: psutil.Process(own_daemon.process.pid).children(), "the launch")
    below = psutil.Process(own_daemon.process.pid).children(recursive=True)
    assert own_daemon.signal(signal.SIGTERM) == 0
    until(lambda: not any(child.is_running() for child in below), "the end of its processes")


def test_an_open_request_does_not_hold_the_games(
    x_display: PrivateDisplay, tmp_path: Path, game: RunningGame
) -> None:
    """A client that sends slowly must not keep a pad pressed while the daemon waits for it."""
    patient = (
        "import nitropilot.server.daemon.serving; nitropilot.server.daemon.serving.GRACE_S = 600; "
    )
    program = ("-c", f"{patient}from nitropilot.server.cli.main import main; main()")
    daemon = Daemon(tmp_path, x_display.name, "--policy", POLICY, program=program)
    head = (
        f"POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\n"
        f"Authorization: Bearer {daemon.token}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    )
    try:
        daemon.playing(pid=game.pid)
        daemon.client.close()
        with socket.create_connection(("127.0.0.1", daemon.port)) as slow:
            slow.sendall(head.encode())
            assert slow.recv(65536).startswith(b"HTTP/1.1 100 "), "the daemon waits for the rest"
            until(lambda: not game.pad_is_neutral(), "a press")
            daemon.process.send_signal(signal.SIGTERM)
            until(game.pad_is_neutral, "a neutral pad")
            until(game.runs, "a running game")
            assert game.pad_is_neutral()
            slow.sendall(b"hello")
            assert slow.recv(65536).startswith(b"HTTP/1.1 422 ")
        assert daemon.process.wait(PATIENCE_S) == 0
    finally:
        daemon.kill()


@pytest.mark.timeout(60)
def test_a_signal_may_come_while_a_thread_starts() -> None:
    """A handler that starts a thread deadlocks when it interrupts the start of another one."""
    seen: list[int] = []
    handler = in_another_thread(seen.append)
    with threading._active_limbo_lock:  # type: ignore[attr-defined]
        handler(signal.SIGTERM, None)
        handler(signal.SIGINT, None)
    until(lambda: len(seen) == 2, "both signals")
    assert seen == [signal.SIGTERM, signal.SIGINT]


def test_a_killed_daemon_lets_the_game_go(own_daemon: Daemon, game: RunningGame) -> None:
    """kill -9 in the middle of play: the hand resumes the game with a neutral pad."""
    own_daemon.playing(pid=game.pid, mode="paused")
    until(lambda: stopped(game.pid), "a freeze")
    own_daemon.process.kill()
    own_daemon.process.wait()
    until(game.runs, "a running game")
    until(game.pad_is_neutral, "a neutral pad")


def test_a_killed_daemon_lets_go_in_real_time(own_daemon: Daemon, game: RunningGame) -> None:
    """Nothing is frozen then, but whatever is pressed would stay pressed."""
    own_daemon.playing(pid=game.pid, mode="realtime")
    until(lambda: not game.pad_is_neutral(), "something is pressed")
    own_daemon.process.kill()
    own_daemon.process.wait()
    until(game.pad_is_neutral, "a neutral pad")
    assert game.runs()


def test_sigint_before_it_serves_is_no_traceback(tmp_path: Path) -> None:
    """Ctrl-C during the seconds in which a policy loads."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nitropilot", "serve", "--port", "0", "--policy", "random:full",
         "--engine", "torch"],
        cwd=ROOT, env=environment(tmp_path, None), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until(lambda: (tmp_path / "config" / "token").exists(), "the token")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert said.strip().splitlines()[-1:] == ["nitropilot: interrupted"]
    assert "Traceback" not in said
