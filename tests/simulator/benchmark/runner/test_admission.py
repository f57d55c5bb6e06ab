"""Whether a task may count: what is demanded of the proofs that a game's folder keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.simulator.benchmark.runner import admission as runner_admission
from nitropilot.simulator.benchmark.runner.admission import Admission
from nitropilot.simulator.environments.actions import MENUS
from nitropilot.simulator.environments.replaying import replay
from nitropilot.simulator.games.known import GAME_TASKS, KNOWN_GAMES
from nitropilot.simulator.games.proofs import proofs, rules_digest
from nitropilot.simulator.games.recipes import installed
from nitropilot.simulator.games.traces import FOLDER, PadTrace

if TYPE_CHECKING:
    from pathlib import Path

GAME = KNOWN_GAMES["supertux"]
OF = {"rules": rules_digest(GAME), "version": GAME.tried[-1]}
PROOFS: dict[str, Any] = {
    "known": {
        **OF,
        "won": True,
        "steps": 9,
        "processes": 5,
        "equal_verdicts": 5,
        "equal_pictures": 5,
    },
    "idle": {**OF, "won": False, "progress": 0.0, "steps": 9},
    "random": {**OF, "runs": 14, "wins": 0, "upper": 0.1926, "progress": 0.1},
}


@pytest.mark.parametrize("task", GAME_TASKS)
def test_every_task_is_admitted(task: str) -> None:
    """A task that was never proved says nothing of who plays it."""
    admission = Admission(task)
    assert admission.admitted, admission.kept


def admission(folder: Path, **proofs: dict[str, Any]) -> Admission:
    """Of a folder that keeps these proofs."""
    (folder / "admission").mkdir(exist_ok=True)
    (folder / "admission" / "supertux-1.json").write_text(json.dumps(proofs))
    return Admission("supertux-1", folder)


def test_each_proof_is_needed(tmp_path: Path) -> None:
    """A list of proofs that is not looked at admits everything."""
    assert admission(tmp_path, **PROOFS).admitted
    for name in PROOFS:
        assert not admission(tmp_path, **{k: v for k, v in PROOFS.items() if k != name}).admitted
    for name, fact, value in (
        ("known", "won", False), ("known", "equal_verdicts", 4), ("known", "equal_pictures", 4),
        ("idle", "won", True), ("random", "upper", 0.2),
    ):  # fmt: skip
        assert not admission(tmp_path, **{**PROOFS, name: {**PROOFS[name], fact: value}}).admitted


@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_of_other_rules_or_of_another_version_proves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed judge, or a version that was never tried, would be admitted by what was of others;
    so would a task whose proofs are of two versions.  Only what differs is played again."""
    task = GAME_TASKS["supertux-1"][1]
    others: tuple[dict[str, str], ...] = ({"rules": "0"}, {"version": "0.1"}, {"rules": ""})
    for other in others:
        found = admission(tmp_path, **{**PROOFS, name: {**PROOFS[name], **other}})
        assert found.kept.keys() == PROOFS.keys() - {name} == proofs(GAME, task, tmp_path).keys()
        assert not found.admitted
    both = replace(GAME, tried=(*GAME.tried, "0.7"))
    monkeypatch.setitem(GAME_TASKS, "supertux-1", (both, task))
    found = admission(tmp_path, **{**PROOFS, name: {**PROOFS[name], "version": "0.7"}})
    assert found.kept.keys() == PROOFS.keys()
    assert not found.admitted
    monkeypatch.setattr(runner_admission, "check_version", lambda _game: GAME.tried[-1])
    monkeypatch.setattr(Admission, f"_{name}", lambda _self, version: {"played": version})
    found.play(lambda _line: None)
    assert found.kept == {**PROOFS, name: {**OF, "played": GAME.tried[-1]}}


@pytest.mark.game
@pytest.mark.skipif(not installed("supertux"), reason="supertux is not installed")
def test_what_is_kept_is_not_played_again(tmp_path: Path) -> None:
    """The proofs of one task take minutes: who was interrupted goes on."""
    said: list[str] = []
    admission(tmp_path, **PROOFS).play(said.append)
    assert [line.split()[1] for line in said] == ["known:", "idle:", "random:"]


@pytest.mark.game
@pytest.mark.skipif(not installed("supertux"), reason="supertux is not installed")
def test_proofs_are_really_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is; and what chance pressed is kept, to be played again."""
    monkeypatch.setattr(runner_admission, "RUNS", 1)
    found = admission(tmp_path, known=PROOFS["known"])
    found.folder.joinpath(FOLDER).mkdir()
    found.play(lambda _line: None)
    assert found.kept["known"] == PROOFS["known"]
    assert not found.kept["idle"]["won"]
    chance = found.kept["random"]
    assert (chance["runs"], chance["wins"], chance["upper"]) == (1, 0, pytest.approx(0.95))
    lost = PadTrace.read(tmp_path / FOLDER / "supertux-1-lost.json")
    assert not lost.won
    assert not any(state.buttons & MENUS for state in lost.states)
    again = replay(lost)
    assert (again.won, again.steps, again.progress) == (False, len(lost.states), lost.progress)
    kept = json.loads((tmp_path / "admission" / "supertux-1.json").read_text())
    assert kept == {"task": "supertux-1", **found.kept}
