"""Whether a task may count: what is demanded of the proofs that a game's folder keeps."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.controller.state import Button
from nitropilot.simulator.environments.actions import MENUS
from nitropilot.simulator.environments.admission import (
    HOLD,
    Admission,
    by_chance,
    upper_bound,
)
from nitropilot.simulator.games.known import GAME_TASKS

if TYPE_CHECKING:
    from pathlib import Path

PROOFS: dict[str, Any] = {
    "known": {"won": True, "steps": 9, "processes": 5, "equal_verdicts": 5, "equal_pictures": 5},
    "idle": {"won": False, "progress": 0.0, "steps": 9},
    "random": {"runs": 14, "wins": 0, "upper": 0.1926, "progress": 0.1},
}


@pytest.mark.parametrize("task", GAME_TASKS)
def test_every_task_is_admitted(task: str) -> None:
    """A task that was never proved says nothing of who plays it."""
    admission = Admission(task)
    assert admission.admitted, admission.kept
    assert admission.kept["version"] in GAME_TASKS[task][0].tried


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


def test_what_is_kept_is_not_played_again(tmp_path: Path) -> None:
    """The proofs of one task take minutes: who was interrupted goes on."""
    said: list[str] = []
    admission(tmp_path, **PROOFS).play(said.append)
    assert [line.split()[1] for line in said] == ["known:", "idle:", "random:"]


@pytest.mark.parametrize(
    ("wins", "runs", "bound"), [(0, 14, 0.193), (2, 30, 0.195), (14, 14, 1.0), (0, 30, 0.095)]
)
def test_the_bound_is_clopper_and_pearsons(wins: int, runs: int, bound: float) -> None:
    """Figures of their tables."""
    assert upper_bound(wins, runs) == pytest.approx(bound, abs=5e-4)


def test_chance_holds_what_it_presses() -> None:
    """A button that is let go in the next step does nothing in most games."""
    states = [*itertools.islice(by_chance(3), 100 * HOLD)]
    assert all(len({*states[k : k + HOLD]}) == 1 for k in range(0, len(states), HOLD))
    pressed = sum(bool(state.buttons & Button.A) for state in states) / len(states)
    assert 0.02 < pressed < 0.25
    assert not any(state.buttons & MENUS for state in states)
    assert states == [*itertools.islice(by_chance(3), 100 * HOLD)]
