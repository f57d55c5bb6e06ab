"""What becomes of stdout and stderr is no business of a game that is being played."""

from __future__ import annotations

import fcntl
import io
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

import pytest

from nitropilot.agent.record.trace import read_trace
from nitropilot.server.host.streams import MOST_WAITING, Outlet
from tests.server.processes import (
    PATIENCE_S,
    POLICY,
    ROOT,
    environment,
    left_running,
    until,
)
from tests.support import http, warm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import RunningGame

if sys.platform != "linux":
    pytest.skip("pipes of a known size, /dev/full and the preloaded pad", allow_module_level=True)

SMALLEST_PIPE = 4096
MORE = 5000
"""Lines than may wait; what the pipe takes besides is less."""


@contextmanager
def pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A pipe that holds little: the end to read from, and the one to write to."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
    with os.fdopen(reading, "rb", buffering=0) as out, os.fdopen(writing, "wb", 0) as into:
        yield out, into


@contextmanager
def play(
    home: Path, game: RunningGame, display: str, output: IO[Any], errors: IO[Any]
) -> Iterator[warm.Process]:
    """``nitropilot -v play`` of one second."""
    arguments = ("-v", "play", "--pid", str(game.pid), "--policy", POLICY, "--engine", "torch",
                 "--seconds", "1", "--out", str(home / "out"), "--json")  # fmt: skip
    process = warm.start(arguments, environment(home, display), ROOT, output, errors)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def check_the_end(home: Path, game: RunningGame) -> None:
    """The game is let go, and the trace says why."""
    (trace,) = (home / "out").rglob("trace.jsonl.gz")
    *_, last = read_trace(trace)
    assert (last["type"], last["reason"]) == ("end", "played for 1 s")
    assert game.pad_is_neutral()
    assert game.runs()
    assert left_running(home) == []


def test_a_log_whose_reader_goes(
    tmp_path: Path, game: RunningGame, x_display: PrivateDisplay
) -> None:
    """``play 2>&1 | head -1`` lets the player see the first line, and ends no play."""
    with (
        pipe() as (reading, writing),
        play(tmp_path, game, x_display.name, writing, writing) as process,
    ):
        writing.close()
        assert reading.readline()
        reading.close()
        assert process.wait(PATIENCE_S) == 1, "the result was read by nobody"
    check_the_end(tmp_path, game)


@pytest.mark.parametrize("full", ["stdout", "stderr"])
def test_a_full_disk(
    tmp_path: Path, game: RunningGame, x_display: PrivateDisplay, full: str
) -> None:
    """A log without room costs the log; a result without room is said, and in the status."""
    with Path("/dev/full").open("wb") as nowhere, (tmp_path / "other").open("wb") as other:
        output, errors = (nowhere, other) if full == "stdout" else (other, nowhere)
        with play(tmp_path, game, x_display.name, output, errors) as process:
            status = process.wait(PATIENCE_S)
    check_the_end(tmp_path, game)
    text = (tmp_path / "other").read_text()
    if full == "stderr":
        assert status == 0
        assert json.loads(text)["state"] == "stopped"
    else:
        assert status == 2
        assert "nitropilot: cannot print the result: No space left" in text.splitlines()[-1]
        assert "Traceback" not in text


def test_a_log_that_nobody_reads(
    tmp_path: Path, game: RunningGame, x_display: PrivateDisplay
) -> None:
    """A pager that was left open, a supervisor that hangs: the pipe fills, and whoever writes to
    it waits for ever, with the game frozen or a button pressed."""
    with pipe() as (_reading, writing), (tmp_path / "result").open("wb") as output:
        writing.write(b"x" * SMALLEST_PIPE)  # from now on nothing goes in
        with play(tmp_path, game, x_display.name, output, writing) as process:
            assert process.wait(PATIENCE_S) == 0
    assert json.loads((tmp_path / "result").read_text())["state"] == "stopped"
    check_the_end(tmp_path, game)


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_stream_that_is_closed(tmp_path: Path, closed: str) -> None:
    """``2>&-``: the next file that is opened would be stderr, and lines of the log go into it."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m nitropilot token {closed}>&-', sys.executable], cwd=ROOT,
        env=environment(tmp_path, None), capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip
    token = (tmp_path / "config" / "token").read_text().strip()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == (token if closed == "2" else "")


def play_for_a_moment(api: str, home: Path, game: RunningGame) -> None:
    """A session of a daemon, from its beginning to its end."""
    token = (home / "config" / "token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    with http.Client(base_url=api, headers=headers, timeout=PATIENCE_S) as client:
        path = "/sessions/" + client.post("/sessions", json={"pid": game.pid}).json()["id"]
        until(lambda: client.get(path).json()["stats"]["actions_sent"] > 0, "the first action")
        assert client.delete(path).status_code == 204
        until(lambda: client.get(path).json()["state"] == "stopped", "the end")


def test_a_daemon_whose_log_ends(
    tmp_path: Path, game: RunningGame, x_display: PrivateDisplay
) -> None:
    """``serve 2>&1 | head -4`` has shown the address; from then on there is nobody to read."""
    arguments = ("-v", "serve", "--port", "0", "--policy", POLICY, "--engine", "torch")
    with pipe() as (reading, writing):
        variables = environment(tmp_path, x_display.name)
        process = warm.start(arguments, variables, ROOT, writing, writing)
        try:
            writing.close()
            lines = [b""]
            while b"?code=" not in lines[-1]:
                lines.append(reading.readline())
                assert lines[-1], lines
            reading.close()
            api = re.findall(r"http://\S+/api/v1", b"".join(lines).decode())[0]
            play_for_a_moment(api, tmp_path, game)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
            process.wait()
    assert game.pad_is_neutral()
    assert game.runs()


def test_what_is_lost_is_counted() -> None:
    """A log with a hole in it must say so; and a thousand lines in order are no hole."""
    with pipe() as (reading, writing):
        outlet = Outlet(io.TextIOWrapper(cast("BinaryIO", writing), "utf-8"))
        for number in range(MOST_WAITING + MORE):
            outlet.write(f"{number}\n")
        outlet.settle(0.05)
        os.set_blocking(reading.fileno(), False)
        text, later = b"", 0
        while b"again" not in text:
            text += reading.read(1 << 16) or b""
            later += 1
            outlet.write("again\n")
    expected = 0
    for line in text.decode().partition("again")[0].splitlines():
        if said := re.fullmatch(r"nitropilot: (\d+) lines of the log were lost here", line):
            expected += int(said[1])
        else:
            assert int(line) == expected, "a hole that nobody would see"
            expected += 1
    assert MOST_WAITING + MORE <= expected < MOST_WAITING + MORE + later
