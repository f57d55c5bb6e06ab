"""``nitropilot improve`` as a user: a game of the arcade, takeovers, a new policy, and back."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.errors import NitroPilotError
from nitropilot.policy import load_policy
from nitropilot.records.format import FACTS, Source
from nitropilot.records.reader import chunk_folders, read_facts, read_recording
from nitropilot.records.rows import rows_of
from nitropilot.records.writer import RowLog, write_json
from nitropilot.server.cli.main import app
from nitropilot.server.improving.improving import IMPROVED
from nitropilot.simulator.demonstrations.recording import demonstrate
from tests.training.making import recording, small_policy

if TYPE_CHECKING:
    from pathlib import Path

OLD = "0" * 64
STEPS = ("--steps", "2", "--batch-size", "2")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """``nitropilot improve WORDS --json`` in this process; what it printed."""
    app(["improve", *words, "--json"], standalone_mode=False)
    return json.loads(capsys.readouterr().out)


def taken_over(folder: Path) -> None:
    """Make of a recording one whose second half a human played, after taking over."""
    recorded, facts = read_recording(folder), read_facts(folder)
    rows = rows_of(recorded.rows)
    for chunk in chunk_folders(folder):
        shutil.rmtree(chunk)
    height, width = facts["resolution"]
    log = RowLog(folder, Source(facts["id"], facts["game"], facts["fps"], (height, width)))
    for number, row in enumerate(rows):
        human = number >= len(rows) // 2
        log.add(replace(row, stretch=int(human), source="human" if human else "agent"))
    log.close()
    facts |= {"chunks": log.chunks, "policy": {"name": "x", "fingerprint": OLD, "random": False}}
    write_json(folder / FACTS, facts)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of one's own."""
    for name in ("CONFIG", "DATA"):
        monkeypatch.setenv(f"NITROPILOT_{name}", str(tmp_path / name.lower()))
    return tmp_path


def test_a_game_is_played_corrected_learned_accepted_and_undone(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way, with levels of the arcade that its script has played."""
    (folder,) = demonstrate("arena-1", 0.001, home / "play").folders
    taken_over(folder)
    policy = small_policy(home / "small.safetensors")
    data = "--data", str(home / "play")
    words = (*data, "--policy", str(policy), *STEPS, "--play", "arena-1", "--levels", "1")
    planned = run(capsys, *words, "--limit", "100000", "--estimate")
    assert planned["estimate"]["steps"] == 2
    assert planned["tasks"] == ["arena-1"]
    assert planned["data"]["takeovers"] == 1
    assert not (home / "data").exists(), "an estimate changes nothing"

    made = run(capsys, *words, "--limit", "100000")
    assert (made["game"], made["old"]) == ("arena", str(policy))
    assert made["training"]["steps"] == 2
    assert made["comparison"]["levels"] == 1
    assert made["verdict"] == "not shown"
    assert made["new"].startswith(str(home / "data" / "models" / IMPROVED / "arena"))
    before, now = load_policy(policy), load_policy(made["new"])
    weight = "model.proj_out_2.weight"
    assert not now.state_dict()[weight].equal(before.state_dict()[weight])
    assert not (home / "data" / "improving").exists(), "nothing of the run is left"

    (known,) = run(capsys, "--status")["games"]
    assert (known["used"], known["offered"]) == (None, made["new"])
    (played,) = known["played"]
    assert (played["fingerprint"], played["takeovers"]) == (OLD, 1)
    (known,) = run(capsys, "--accept")["games"]
    assert (known["used"], known["previous"]) == (made["new"], str(policy))
    again = run(capsys, *data, *STEPS, "--play", "arena-1", "--levels", "1", "--limit", "100000",
                "--estimate")  # fmt: skip
    assert again["old"] == made["new"], "what was accepted is what learns on"
    (known,) = run(capsys, "--back")["games"]
    assert (known["used"], known["offered"]) == (str(policy), made["new"])


def test_a_game_that_nobody_measures_is_offered(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is claimed, and the file is where it was asked for."""
    recording(home / "play", 0, 30, sources=["agent"] * 15 + ["human"] * 15, policy=OLD)
    policy, out = small_policy(home / "small.safetensors"), home / "mine.safetensors"
    made = run(capsys, "--data", str(home / "play"), "--policy", str(policy), *STEPS,
               "--out", str(out))  # fmt: skip
    assert (made["verdict"], made["comparison"]) == ("offered", None)
    assert "play with both in turn" in made["found"]
    assert made["estimate"]["comparing_s"] is None
    assert load_policy(out)
    app(["improve", "--status"], standalone_mode=False)
    assert str(out) in capsys.readouterr().out


BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "no data": (("--policy", "POLICY"), "no data is named"),
    "random": (("--data", "DATA", "--policy", "random:tiny"), "nothing to improve"),
    "gone": (("--data", "DATA", "--policy", "gone.safetensors"), "is not there any more"),
    "game": (("--data", "DATA", "--policy", "POLICY", "--game", "chess"), "no recording of chess"),
    "play": (("--data", "DATA", "--policy", "POLICY", "--play", "chess"), "called 'chess'"),
    "suffix": (("--data", "DATA", "--policy", "POLICY", "--out", "a.pt"), "safetensors data"),
    "over": (("--data", "DATA", "--policy", "POLICY", "--out", "POLICY"), "is there already"),
    "accept": (("--accept", "--game", "chess"), "nothing is offered for chess"),
    "back": (("--back", "--game", "chess"), "nothing to go back to for chess"),
    "nothing": (("--accept",), "not said which game"),
    "place": (("--data", "gone", "--policy", "POLICY"), "there is no folder"),
    "corrections": (
        ("--data", "UNCORRECTED", "--policy", "POLICY", "--only-corrected"),
        "in which you took over",
    ),
}


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the words of ``BAD`` stand for."""
    root = tmp_path_factory.mktemp("material")
    recording(root / "data", 0, 20, sources=["agent"] * 10 + ["human"] * 10)
    recording(root / "uncorrected", 1, 20)
    return {
        "DATA": str(root / "data"), "UNCORRECTED": str(root / "uncorrected"),
        "POLICY": str(small_policy(root / "small.safetensors")),
    }  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_refused(home: Path, material: dict[str, str], case: str) -> None:
    """Each way of getting it wrong has one line, and leaves nothing."""
    words, line = BAD[case]
    with pytest.raises(NitroPilotError, match=line) as caught:
        app(["improve", *(material.get(word, word) for word in words)], standalone_mode=False)
    assert "\n" not in caught.value.line()
    assert not (home / "data" / "improved.json").exists()
    assert not (home / "data" / "models").exists()
