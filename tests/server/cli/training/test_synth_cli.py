"""``nitropilot dataset synth``: a folder, what is in it, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer

from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.styles import folder as writing
from nitropilot.server.cli.main import app

if TYPE_CHECKING:
    from pathlib import Path


def run(*words: str) -> int:
    """``nitropilot dataset synth WORDS`` in this process; its exit status."""
    try:
        return app(["dataset", "synth", *words], standalone_mode=False) or 0
    except typer.Exit as left:
        return left.exit_code


def test_it_writes_and_says_how_fast(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made-up"
    assert run("--out", str(out), "--samples", "2", "--seed", "7", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["clips"] == said["looks"] == 1
    assert said["rate"] > 0
    assert (out / "sheet.png").stat().st_size > 1000
    assert [path.name for path in tmp_path.iterdir()] == ["made-up"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes").write_text("mine")
    with pytest.raises(NotExtracted, match="is there already"):
        run("--out", str(mine), "--samples", "1")
    assert (mine / "notes").read_text() == "mine"


def test_nothing_is_left_of_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a folder looks like a whole one to who trains on it."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.pq, "write_table", full)
    with pytest.raises(NotExtracted, match="No space left"):
        run("--out", str(tmp_path / "made-up"), "--samples", "1")
    assert not list(tmp_path.iterdir())
