"""``nitropilot recordings``: of any folder, whatever lies in it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from nitropilot.records.format import FACTS
from nitropilot.records.writer import write_json
from nitropilot.server.cli.play.recordings import recordings
from nitropilot.server.errors import RecordingBusy, RecordingNotFound
from tests.records.making import ID, complete, unfinished

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Recordings that were made with --out."""
    monkeypatch.setenv("NITROPILOT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("NITROPILOT_DATA", str(tmp_path / "data"))
    made = tmp_path / "out" / "recordings"
    made.mkdir(parents=True)
    return made


def asked(folder: Path, *words: str) -> Result:
    """The command's answer; what ends it with one line is its ``exception``."""
    return CliRunner().invoke(recordings, [*words, "--folder", str(folder)])


def listed(folder: Path) -> list[dict[str, Any]]:
    """As JSON."""
    found: list[dict[str, Any]] = json.loads(asked(folder, "list", "--json").stdout)["recordings"]
    return found


def test_another_folder(folder: Path) -> None:
    """What was recorded with --out can be listed and deleted without changing a setting."""
    complete(folder, 45)
    (one,) = listed(folder)
    assert (one["id"], one["complete"], one["frames"], one["damage"]) == (ID, True, 45, "")
    done = asked(folder, "delete", ID)
    assert done.exit_code == 0, done.stderr
    assert listed(folder) == []
    missing = asked(folder, "delete", ID).exception
    assert isinstance(missing, RecordingNotFound)
    assert f"there is no recording '{ID}' in {folder}" in str(missing)
    assert "`nitropilot recordings list` shows them" in missing.hint


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ("[" * 100_000, "cannot be read"),
        ("{", "cannot be read"),
        ('{"format": 99}', "says format 99, and this version reads 1 to 2"),
    ],
    ids=["too deep", "cut off", "of a later version"],
)
def test_damaged_facts_are_listed_and_can_go(folder: Path, facts: str, said: str) -> None:
    """What takes room on the disk is not to be hidden."""
    (complete(folder, 45) / FACTS).write_text(facts)
    done = asked(folder, "list")
    assert done.exit_code == 0, done.stderr
    assert ID in done.stdout
    (one,) = listed(folder)
    assert said in one["damage"]
    assert asked(folder, "delete", ID).exit_code == 0
    assert listed(folder) == []


def test_a_length_that_is_none(folder: Path) -> None:
    """Somebody has edited the facts by hand."""
    made = complete(folder, 45)
    write_json(made / FACTS, json.loads((made / FACTS).read_text()) | {"seconds": "long"})
    done = asked(folder, "list")
    assert done.exit_code == 0, done.stderr
    assert "?" in done.stdout


def test_one_that_was_cut_off_can_be_deleted(folder: Path) -> None:
    """Nobody writes it any more, and not everybody wants it mended."""
    unfinished(folder, 45)
    (one,) = listed(folder)
    assert not one["complete"]
    assert "cut off" in asked(folder, "list").stdout
    assert asked(folder, "delete", ID).exit_code == 0
    assert list(folder.iterdir()) == []


def test_one_that_is_being_made_stays(folder: Path) -> None:
    """Its writer lives: it is this very process."""
    part = unfinished(folder, 45)
    facts = json.loads((part / FACTS).read_text())
    writer = {"pid": os.getpid(), "started": float(_birth())}
    write_json(part / FACTS, facts | {"writer": writer})
    refused = asked(folder, "delete", ID).exception
    assert isinstance(refused, RecordingBusy)
    assert "is still being made" in str(refused)
    assert "being made" in asked(folder, "list").stdout
    assert asked(folder, "mend", "--json").stdout.strip().startswith("{")
    assert part.is_dir()


def test_mending_that_fails_is_said(folder: Path) -> None:
    """ "Nothing was cut off" sends people away from what they have lost."""
    part = unfinished(folder, 45)
    (part / FACTS).write_text("{")
    done = asked(folder, "mend")
    assert done.exit_code == 1
    assert "could not be mended" in done.stderr
    assert "nothing" not in done.stdout


def _birth() -> float:
    import psutil

    return psutil.Process().create_time()
