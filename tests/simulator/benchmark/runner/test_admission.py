"""Whether a task may count: what is demanded of the proofs that a game's folder keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.simulator.arcade.core.pad import pad
from nitropilot.simulator.arcade.core.world import Outcome
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.benchmark.runner import admission as runner_admission
from nitropilot.simulator.benchmark.runner.admission import (
    MOST_BY_CHANCE,
    Admission,
    candidate,
    play_arcade,
)
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
EXPERT = {**OF, "runs": 5, "wins": 4}


@pytest.mark.parametrize("task", [*TASKS, *GAME_TASKS])
def test_every_task_is_admitted(task: str) -> None:
    """A task that was never proved says nothing of who plays it."""
    admission = Admission(task)
    assert admission.admitted, admission.kept


@pytest.mark.parametrize("task", TASKS)
def test_the_arcades_kept_runs_end_as_they_did(task: str) -> None:
    """A rule that has changed since a task was admitted would leave its proofs as they are."""
    folder = candidate(task).folder / FOLDER
    for name, won in ((f"{task}.json", True), (f"{task}-lost.json", False)):
        trace = PadTrace.read(folder / name)
        world = TASKS[task].rules.new(trace.seed, TASKS[task].level)
        for state in trace.states:
            world.step(pad(state))
        assert (trace.won, world.outcome is Outcome.WON) == (won, won)
        assert (trace.version, world.progress) == (TASKS[task].rules.version, trace.progress)


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


def differing(monkeypatch: pytest.MonkeyPatch, *, lockstep: bool, replay: bool) -> None:
    """SuperTux's first task as one of a game that goes in another way."""
    task = replace(GAME_TASKS["supertux-1"][1], replay=replay)
    game = replace(GAME, hold=replace(GAME.hold, lockstep=lockstep))
    monkeypatch.setitem(GAME_TASKS, "supertux-1", (game, task))


def test_a_game_that_does_not_go_by_its_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its verdicts must be equal all the same; how many pictures are is only said."""
    differing(monkeypatch, lockstep=False, replay=True)
    known = PROOFS["known"]
    assert admission(tmp_path, **{**PROOFS, "known": {**known, "equal_pictures": 1}}).admitted
    for fact in ("equal_verdicts", "processes"):
        assert not admission(tmp_path, **{**PROOFS, "known": {**known, fact: 4}}).admitted


def test_a_task_whose_chance_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its script must win four of five, really played; a trace proves nothing there."""
    differing(monkeypatch, lockstep=True, replay=False)
    assert not admission(tmp_path, **PROOFS).admitted
    assert admission(tmp_path, **PROOFS, expert=EXPERT).admitted
    assert not admission(tmp_path, **PROOFS, expert={**EXPERT, "wins": 3}).admitted
    monkeypatch.setattr(runner_admission, "check_version", lambda _game: GAME.tried[-1])
    monkeypatch.setattr(runner_admission, "play", lambda task, *more: play_arcade(
        "maze-1", more[0], "expert"))  # fmt: skip
    found = admission(tmp_path, idle=PROOFS["idle"], random=PROOFS["random"])
    found.play(lambda _line: None)
    assert found.kept["expert"] == {**OF, "runs": 5, "wins": 5}


def test_chance_that_won_once_is_tried_longer(tmp_path: Path) -> None:
    """14 runs with a win say too little: 30 decide, and two wins of them are the most."""
    found = Admission("maze-1", tmp_path)
    runs: list[int] = []
    for wins, admitted in ((0, True), (1, True), (2, True), (3, False)):
        runs.clear()

        def run(_who: str, seed: int, version: str, wins: int = wins) -> PadTrace:
            runs.append(seed)
            return PadTrace("maze-1", seed, version, seed < wins, 0.5, ())

        found._run = run  # type: ignore[method-assign]  # thirty runs by chance that win as told
        chance = found._random("2")
        assert runs == list(range(30 if wins else 14))
        assert (chance["runs"], chance["wins"]) == (len(runs), wins)
        assert (chance["upper"] < MOST_BY_CHANCE) == admitted


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
