"""Real processes for the server's tests: the command, the daemon, and a game."""

from __future__ import annotations

import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil

from nitropilot import capture
from nitropilot.agent.record.trace import read_trace
from nitropilot.controller import PadPage, launch_environment
from nitropilot.controller.pads.pad_page import PAGE_VARIABLE
from tests.support import http, warm
from tests.support.http import PATIENCE_S
from tests.support.places import ROOT

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

POLICY = "random:tiny"
ENDED = ("stopped", "failed")
CELLS = struct.Struct("=" + "Ihh" * 4)
NEUTRAL_CELLS = (0, 0, 0, 0, -32768, -32768, 0, 0)
"""Sticks, triggers at rest, buttons: what a released pad's page holds beside its stamps."""


def until(condition: Callable[[], Any], what: str = "it") -> Any:
    """Wait for a condition and return what it returned."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen in time"
        time.sleep(0.05)
    return value


def environment(home: Path, display: str | None, **more: str) -> dict[str, str]:
    """Variables for a process of ours: files of its own, and this display or none."""
    variables = {**os.environ, **more}
    for name in (
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "NITROPILOT_HOST",
        "NITROPILOT_PORT",
        "NITROPILOT_ORIGINS",
    ):
        variables.pop(name, None)
    if display is not None:
        variables["DISPLAY"] = display
    folders = {
        f"NITROPILOT_{name.upper()}": str(home / name) for name in ("config", "data", "ledger")
    }
    # A tiny policy gains nothing from threads, which wait for each other on a busy machine.
    return variables | folders | {"OMP_NUM_THREADS": "1"} | more


def command(
    *arguments: str, home: Path, display: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run ``nitropilot`` with these arguments to its end; see ``tests.support.warm``."""
    variables = environment(home, display, **more)
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = warm.start(arguments, variables, ROOT, output, errors)
        try:
            status = process.wait(PATIENCE_S)
        finally:
            process.kill()
            process.wait()
        for stream in (output, errors):
            stream.seek(0)
        return subprocess.CompletedProcess(arguments, status, output.read(), errors.read())


def fresh_command(
    *arguments: str, home: Path, display: str | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """The same from nothing, as a user starts it: with all that is imported on the way."""
    return subprocess.run(
        [sys.executable, "-m", "nitropilot", *arguments], cwd=ROOT, text=True,
        env=environment(home, display, **more), capture_output=True, stdin=subprocess.DEVNULL,
        timeout=PATIENCE_S,
    )  # fmt: skip


def left_running(home: Path) -> list[psutil.Process]:
    """Processes that a command with this home started and left."""
    wanted = str(home / "config")
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("NITROPILOT_CONFIG") == wanted:
                found.append(process)
        except psutil.Error:
            continue
    return found


class Daemon:
    """``nitropilot serve`` on a free port, with a client that knows the token.

    Args:
        home: Its files.
        display: X display, or None.
        options: More options of ``serve``.
        program: What runs instead of the command.
        client_of: For TLS: whom the client trusts, asked once the daemon runs.
        warm_start: Whether its imports may have been made before; see ``tests.support.warm``.
    """

    def __init__(
        self,
        home: Path,
        display: str | None,
        *options: str,
        program: tuple[str, ...] = ("-m", "nitropilot"),
        client_of: Callable[[], ssl.SSLContext] | None = None,
        warm_start: bool = False,
    ) -> None:
        self.home = home
        self.log = home / "daemon.log"
        home.mkdir(parents=True, exist_ok=True)
        arguments = ("serve", "--port", "0", *options)
        variables = environment(home, display)
        self.process: warm.Process
        with self.log.open("wb") as log:
            if warm_start:
                self.process = warm.start(arguments, variables, ROOT, log, log)
            else:
                self.process = subprocess.Popen(
                    [sys.executable, *program, *arguments], cwd=ROOT, env=variables,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                )  # fmt: skip
        try:
            self.port = int(until(self._said_port, "the daemon's first line"))
        except BaseException:
            self.kill()
            raise
        self.token = (home / "config" / "token").read_text().strip()
        self.url = f"{'https' if client_of else 'http'}://127.0.0.1:{self.port}"
        self.client = http.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}"},
            timeout=PATIENCE_S, verify=client_of() if client_of else True,
        )  # fmt: skip
        until(self._answers, "the daemon's first answer")

    def output(self) -> str:
        """All it has printed."""
        return self.log.read_text()

    def create(self, **body: Any) -> dict[str, Any]:
        """A new session."""
        answer = self.client.post("/api/v1/sessions", json=body)
        assert answer.status_code == 201, answer.text
        session: dict[str, Any] = answer.json()
        return session

    def session(self, session_id: str) -> dict[str, Any]:
        """A session as it is now."""
        session: dict[str, Any] = self.client.get(f"/api/v1/sessions/{session_id}").json()
        return session

    def wait_for(self, session_id: str, *states: str) -> dict[str, Any]:
        """A session once it is in one of these states; it must not end on the way."""

        def there() -> bool:
            session = self.session(session_id)
            assert session["state"] in states or session["state"] not in ENDED, session["end"]
            return session["state"] in states

        until(there, " or ".join(states))
        return self.session(session_id)

    def playing(self, **body: Any) -> dict[str, Any]:
        """A new session once it has sent actions."""
        created = self.create(**body)
        self.wait_for(created["id"], "playing")
        until(lambda: self.session(created["id"])["stats"]["actions_sent"] > 0, "the first action")
        return self.session(created["id"])

    def signal(self, number: signal.Signals) -> int:
        """Send a signal and wait for the exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        """End it in whatever way, with everything that it started and a test left."""
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for process in left_running(self.home):
            process.kill()

    def _said_port(self) -> str:
        assert self.process.poll() is None, self.output()
        found = re.search(r"listens on https?://\S+:(\d+)/api/v1", self.output())
        return found[1] if found else ""

    def _answers(self) -> bool:
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False


class RunningGame:
    """Runner, started by the test itself as a player with the preloaded pad would."""

    def __init__(self, display: str) -> None:
        self.page = PadPage.create()
        variables = {**os.environ, "DISPLAY": display, **launch_environment(self.page)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nitropilot.simulator.arcade.runner"], cwd=ROOT, env=variables,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.pid = self.process.pid
        try:
            self.window = until(lambda: self._window(display), "the game's window")
        except BaseException:
            self.kill()
            raise

    def _window(self, display: str) -> capture.Window | None:
        assert self.process.poll() is None, "the game ended"
        try:
            return capture.find_window(pid=self.pid, display=display)
        except capture.WindowNotFound:
            return None

    def pad_is_neutral(self) -> bool:
        """Whether the game reads a released pad."""
        return page_is_neutral(self.page.path)

    def runs(self) -> bool:
        """Whether the game is not stopped and still reads its pad."""
        assert self.process.poll() is None, "the game ended"
        polls = self.page.status().polls
        time.sleep(0.2)
        return self.page.status().polls > polls

    def kill(self) -> None:
        """End it, stopped or not."""
        self.process.kill()
        self.process.wait()
        self.page.close()
        self.page.unlink()


@contextmanager
def running_game(display: str) -> Iterator[RunningGame]:
    """A ``RunningGame`` for the length of a block."""
    game = RunningGame(display)
    try:
        yield game
    finally:
        game.kill()


def page_of(pid: int) -> Path:
    """The pad page that a launched game reads."""
    return Path(psutil.Process(pid).environ()[PAGE_VARIABLE])


def page_is_neutral(path: Path) -> bool:
    """Whether a pad page holds a released pad, or one whose state has expired."""
    content = path.read_bytes()
    values = CELLS.unpack_from(content, 64)
    (expires,) = struct.unpack_from("=Q", content, 96)
    rests = tuple(v for i, v in enumerate(values) if i % 3) == NEUTRAL_CELLS
    return rests or time.monotonic_ns() > expires


def stopped(pid: int) -> bool:
    """Whether a process stands still."""
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


def trace_of(session: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines of a session's trace."""
    return list(read_trace(Path(session["folder"]) / "trace.jsonl.gz"))
