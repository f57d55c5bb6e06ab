"""``nitropilot dataset``: what it prints, and what it refuses."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
import typer

from nitropilot.errors import NitroPilotError
from nitropilot.server.cli.main import app
from tests.training.making import name_of, recording

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings that teach and one that does not."""
    root = tmp_path_factory.mktemp("play")
    for number, idle_from in enumerate((40, 40, 0)):
        recording(root, number, 40, idle_from=idle_from)
    return root


def run(*words: str) -> int:
    """``nitropilot dataset WORDS`` in this process; its exit status."""
    try:
        return app(["dataset", *words], standalone_mode=False) or 0
    except typer.Exit as left:
        return left.exit_code


def test_check_names_what_teaches_nothing(play: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A gate that lets everything through keeps nothing out."""
    assert run("check", str(play), "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in found["recordings"]] == [name_of(n) for n in range(3)]
    assert found["useless"] == {str(play / name_of(2)): "nothing is pressed"}
    assert found["damaged"] == {}
    assert found["seconds"] == 6.0
    assert run("check", str(play / name_of(0))) == 0
    assert "RIGHT" not in capsys.readouterr().err


def test_check_goes_on_after_what_is_damaged(
    play: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One bad file must not hide what is wrong with the others."""
    data = tmp_path / "data"
    shutil.copytree(play, data)
    next((data / name_of(0)).glob("*/actions_raw.parquet")).write_bytes(b"PAR1")
    assert run("check", str(data)) == 1
    said = capsys.readouterr()
    assert name_of(1) in said.out
    assert f"{data / name_of(0)} cannot be used: " in said.err
    assert f"{data / name_of(2)} teaches nothing: nothing is pressed" in said.err


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A typing error is no empty result."""
    with pytest.raises(NitroPilotError, match="there is no folder"):
        run("check", str(tmp_path / "gone"))
