"""A policy plays levels side by side; what it drives into is labelled as far as it can be won."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from nitropilot.controller.state import GamepadState
from nitropilot.pocket.learning.network import fresh
from nitropilot.pocket.recipe import Recipe
from nitropilot.pocket.samples import rounds
from nitropilot.pocket.samples.driving import Level, drive
from nitropilot.pocket.samples.rounds import label_round

POLICY = fresh(0).eval()


def _play(wide: int) -> list[tuple[str, int, bool, float, int]]:
    levels = (Level("pulse-1", seed) for seed in range(3))
    over = drive(POLICY, levels, 8, 1, torch.Generator().manual_seed(0), wide)
    return sorted((each.task, each.seed, each.won, each.game.progress, each.game.world.tick)
                  for each in over)  # fmt: skip


def test_every_level_comes_back_once_and_is_over() -> None:
    """However many are played at a time."""
    assert [each[:2] for each in _play(1)] == [("pulse-1", seed) for seed in range(3)]
    assert [each[:2] for each in _play(2)] == [("pulse-1", seed) for seed in range(3)]
    assert _play(3) == _play(3)


def test_a_round_is_the_same_for_the_same_key() -> None:
    """Pictures, and what the script would have done, of so many decisions."""
    recipe = replace(Recipe(), euler=1)
    one, same = (label_round(POLICY, "pulse", 30, (0, 1), recipe) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert one[0].shape == (30, POLICY.image_size, POLICY.image_size, 3)
    assert one[1].shape == (30, POLICY.horizon, 25)


def test_what_cannot_be_won_any_more_is_not_taught() -> None:
    """A level is played until it is lost; decisions after the last one that the script could
    still win from are left out, and none before it.
    """
    level = Level("road-1", 500_001, keep=True)
    while not level.over:
        level.look(64)
        for _ in range(8):
            if not level.over:
                level.game.step(GamepadState(right_trigger=1.0))
    assert level.game.outcome.value == "lost"
    kept = rounds._winnable(level)
    wins = [rounds._wins(level.game.rules, world, level.limit) for world in level.worlds]
    assert 0 < kept < len(wins)
    assert wins[kept - 1]
    assert not wins[kept]


def test_standing_still_is_taught_now_and_then_only() -> None:
    """A policy that is stuck sees one picture again and again."""
    level = Level("maze-1", 500_000, keep=True)
    for _ in range(9):
        level.look(64)
    assert rounds._chosen(level) == [0, 4, 8]
