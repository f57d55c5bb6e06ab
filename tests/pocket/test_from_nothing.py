"""A short run from nothing learns to play one game: ``make from-nothing``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from nitropilot.pocket.__main__ import parsed, recipe_of, train
from nitropilot.pocket.recipe import Recipe
from nitropilot.pocket.samples.driving import Level, drive
from nitropilot.policy.files.checkpoint import load_policy
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.arcade.trials import PLAYERS, play
from nitropilot.simulator.benchmark.statistics.paired import paired_progress

if TYPE_CHECKING:
    from pathlib import Path

GAME, HOURS = "road", "0.08"
LEVELS = [(f"{GAME}-{level}", seed) for level in (1, 2, 3) for seed in range(10)]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_it_beats_chance(tmp_path: Path) -> None:
    """On levels that were never taught it gets further than random play, level by level."""
    given = parsed(["--games", GAME, "--hours", HOURS, "--out", str(tmp_path / "run")])
    policy = load_policy(train(given, recipe_of(given))).eval()
    levels = [Level(task, seed) for task, seed in LEVELS]
    for _ in drive(policy, iter(levels), Recipe.played, Recipe.euler, torch.Generator()):
        pass
    seen = [level.game.progress for level in levels]
    chance = [
        play(TASKS[task], seed, PLAYERS["random"](TASKS[task], seed)).progress
        for task, seed in LEVELS
    ]
    said = paired_progress(seen, chance)
    print(f"won {sum(level.won for level in levels)} of {len(levels)}; {said}")
    assert said.first_better > said.second_better
    assert said.permutation_p < 0.05
