"""A policy plays levels side by side; what it drives into is labelled as far as it can be won."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from nitropilot.controller.state import GamepadState
from nitropilot.pocket.learning.network import fresh
from nitropilot.pocket.recipe import Recipe
from nitropilot.pocket.samples import rounds
from nitropilot.pocket.samples.actions import bytes_of, channels_of
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
    count = len(one[0])
    assert 0 < count <= 30
    assert one[0].shape == (count, POLICY.image_size, POLICY.image_size, 3)
    assert one.actions.shape == (count, POLICY.horizon, 25)


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


def test_a_level_gives_few_samples_and_all_levels_give_some() -> None:
    """A policy that stands still would otherwise be taught standing still, of one level."""
    still = Level("maze-1", 500_000, keep=True, patience=60)
    while not still.over:
        still.look(64)
        for _ in range(8):
            still.game.step(GamepadState())
    assert len(still.frames) == 61, "it is left when nothing comes of it"
    assert not still.game.over
    samples = list(rounds._labelled(still, 16))
    assert len(samples) == rounds.OF_A_LEVEL
    idle = type("Idle", (), {"image_size": 64, "horizon": 16, "sample": _rest})()
    frames = label_round(idle, "maze", 2 * rounds.OF_A_LEVEL + 10, (0, 2), Recipe()).frames
    levels = [rounds._level("maze", (0, 2), number) for number in range(3)]
    assert [level.task for level in levels] == ["maze-1", "maze-2", "maze-3"]
    for number, level in enumerate(levels):
        assert np.array_equal(frames[number * rounds.OF_A_LEVEL], level.look(64))


def _rest(_self: object, images: torch.Tensor, **_how: object) -> torch.Tensor:
    """The chunks of a pad that nobody touches."""
    rest = channels_of(bytes_of([GamepadState()] * 16))
    return torch.from_numpy(np.tile(rest, (len(images), 1, 1)))


def test_progress_keeps_a_level_going() -> None:
    """Whoever plays well is not cut off, however long it takes."""
    level = Level("pulse-3", 500_000, patience=60)
    while not level.over:
        level.look(64)
        for _ in range(8):
            if not level.over:
                level.game.step(level.game.expert())
    assert level.won
