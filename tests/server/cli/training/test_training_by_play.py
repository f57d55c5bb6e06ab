"""The best checkpoint is chosen by play: the same levels for each, and none of anybody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nitropilot.policy import load_policy
from nitropilot.server.cli.training import playing
from nitropilot.server.cli.training.playing import PlayJudge
from nitropilot.simulator.demonstrations.errors import NoDemonstration
from nitropilot.simulator.demonstrations.levels import FIRST_LEVEL
from nitropilot.training.trainer.config import ChoiceConfig
from nitropilot.training.trainer.scoring import Scores
from tests.training.making import small_policy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from nitropilot.simulator.benchmark.beside import Level
    from nitropilot.simulator.benchmark.policies.player import Player
    from nitropilot.simulator.benchmark.runner.suites import SuiteTask

SCORES = Scores(loss=1.0, f1={}, r2={}, samples=1)


def test_a_policy_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In process, by its own engine; progress decides where nobody wins."""
    asked: list[tuple[str, list[int], int | None]] = []
    play = playing.play_levels

    def noted(
        player: Player, task: SuiteTask, seeds: Iterable[int], chunk: int | None
    ) -> list[Level]:
        asked.append((task.task, list(seeds), chunk))
        return play(player, task, seeds, chunk)

    monkeypatch.setattr(playing, "play_levels", noted)
    policy = load_policy(small_policy(tmp_path / "small.safetensors"))
    judge = PlayJudge(ChoiceConfig(play=("arena-1",), play_levels=1))
    first, second = judge(policy, SCORES), judge(policy, SCORES)
    assert first == second
    assert first.row["play_success"] == 0
    assert first.good == playing.TIE * first.row["play_progress"] < playing.TIE
    assert "won 0 of 1 levels" in first.text
    assert asked[0] == asked[1], "the same levels each time"
    task, seeds, chunk = asked[0]
    assert (task, chunk) == ("arena-1", 2)
    assert all(1000 < seed < FIRST_LEVEL for seed in seeds)


def test_a_game_that_cannot_be_played() -> None:
    """Said before anything is trained."""
    with pytest.raises(NoDemonstration, match="no script plays 'chess'"):
        PlayJudge(ChoiceConfig(play=("chess",)))
