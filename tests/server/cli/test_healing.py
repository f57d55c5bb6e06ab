"""Whatever command comes next heals what a NitroPilot that died has left."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if sys.platform == "win32":
    pytest.skip("stops processes with POSIX signals", allow_module_level=True)

import psutil

from nitropilot.controller.ledger import places
from nitropilot.controller.ledger.entry import Entry
from nitropilot.controller.processes import birth
from nitropilot.server.cli import main
from tests.server.processes import stopped, until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("words", [["token"], ["--version"], ["nonsense"]], ids=" ".join)
def test_any_command_heals(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A mistyped one, too: who sees a frozen game will not look up the word for it."""
    monkeypatch.setenv(places.VARIABLE, str(tmp_path / "ledger"))
    monkeypatch.setenv("NITROPILOT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr("nitropilot.server.cli.play.release._done", [])
    monkeypatch.setattr(sys, "argv", ["nitropilot", *words])
    game = subprocess.Popen(["sleep", "600"])
    try:
        game.send_signal(signal.SIGSTOP)
        until(lambda: stopped(game.pid), "a frozen game")
        left = Entry.create("game", {"frozen": [[game.pid, birth(game.pid)]]})
        left.close()
        main._run()
        assert psutil.Process(game.pid).status() != psutil.STATUS_STOPPED
    finally:
        game.kill()
        game.wait()
    assert f"died: process {game.pid} runs again" in capsys.readouterr().err
    assert not left.path.exists()
