"""Protected games, through the API and the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nitropilot import capture
from tests.server.processes import POLICY, ROOT, command, stopped, until
from tests.server.sessions.test_session_requests import SESSIONS, error_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import Daemon


@pytest.fixture(scope="module")
def protected(
    x_display: PrivateDisplay, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[capture.Window]:
    """The window of a running game in whose folder lies an anti-cheat system."""
    folder = tmp_path_factory.mktemp("title")
    (folder / "EasyAntiCheat").mkdir()
    (folder / "data").touch()
    words = [sys.executable, "-m", "nitropilot.simulator.arcade.runner", str(folder / "data")]
    process = subprocess.Popen(
        words, cwd=ROOT, env={**os.environ, "DISPLAY": x_display.name},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def window() -> capture.Window | None:
        assert process.poll() is None, "the game ended"
        try:
            return capture.find_window(pid=process.pid, display=x_display.name)
        except capture.WindowNotFound:
            return None

    try:
        yield until(window, "the game's window")
    finally:
        process.kill()
        process.wait()


def test_the_api_refuses_with_a_reason(daemon: Daemon, protected: capture.Window) -> None:
    """409 at once, by whatever the game is named, and no session that could touch it."""
    before = daemon.client.get(SESSIONS).json()
    for body in ({"pid": protected.pid}, {"window": protected.handle}):
        answer = daemon.client.post(SESSIONS, json=body)
        assert error_of(answer) == (409, "protected_game")
        error = answer.json()["error"]
        assert "Easy Anti-Cheat" in error["message"]
        assert "easyanticheat lies in" in error["message"]
        assert "cannot be overridden" in error["hint"]
    assert daemon.client.get(SESSIONS).json() == before
    assert protected.pid is not None
    assert not stopped(protected.pid)


def test_the_command_refuses_before_it_loads_a_policy(
    protected: capture.Window, x_display: PrivateDisplay, tmp_path: Path
) -> None:
    """One line, exit status 2; the policy's name is wrong, and nobody gets to see that."""
    done = command(
        "play", "--pid", str(protected.pid), "--policy", "no such file",
        home=tmp_path, display=x_display.name,
    )  # fmt: skip
    assert done.returncode == 2
    assert "this game is protected by Easy Anti-Cheat" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_command_refuses_to_launch_one(x_display: PrivateDisplay, tmp_path: Path) -> None:
    """A game that only shows its anti-cheat on disk must not even start."""
    folder = tmp_path / "title"
    (folder / "BattlEye").mkdir(parents=True)
    started = tmp_path / "started"
    program = folder / "game"
    program.write_text(f"#!/bin/sh\ntouch {started}\nsleep 60\n")
    program.chmod(0o700)
    done = command(
        "play", "--launch", str(program), "--policy", POLICY, "--engine", "torch",
        home=tmp_path, display=x_display.name,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "this game is protected by BattlEye" in done.stderr
    assert not started.exists()


@pytest.mark.machine_wide
def test_doctor_lists_what_runs(tmp_path: Path) -> None:
    """Somebody with an anti-cheat service has to know that its games will be refused."""
    program = tmp_path / "vgc.exe"
    shutil.copy(shutil.which("sleep") or "", program)
    process = subprocess.Popen([str(program), "600"])
    try:
        done = command("doctor", "--json", home=tmp_path)
    finally:
        process.kill()
        process.wait()
    checks = [c for c in json.loads(done.stdout)["checks"] if c["name"] == "fair play"]
    assert any(
        check["level"] == "note" and "Vanguard runs: the program vgc.exe runs" in check["detail"]
        for check in checks
    )
