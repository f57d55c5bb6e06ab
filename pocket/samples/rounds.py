"""Rounds in which the policy drives and the script labels (DAgger, Ross et al. 2011).

A clone that is taught from its master's play alone never sees its own mistakes.  Here it plays
levels of its own; wherever it decides, the script says what it would do from there.  What it can
no longer win from teaches nothing: from there on nothing is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from nitropilot.pocket.samples.actions import bytes_of, plan
from nitropilot.pocket.samples.driving import Level, drive
from nitropilot.simulator.arcade.core.pad import pad
from nitropilot.simulator.arcade.core.world import Outcome
from nitropilot.simulator.arcade.game import LEVELS
from nitropilot.simulator.demonstrations.recording import FIRST_LEVEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nitropilot.pocket.recipe import Recipe
    from nitropilot.policy.network.policy import Policy
    from nitropilot.simulator.arcade.core.world import World
    from nitropilot.simulator.arcade.rules import Rules

DRIVING = 12
"""Stream of random numbers; see ``training.objective.draws``."""
STILL = 4
"""Of pictures that are the same as the one before, one in so many is kept."""


def label_round(
    policy: Policy, game: str, count: int, key: tuple[int, ...], recipe: Recipe
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """So many samples of levels that the policy plays.

    Args:
        policy: What drives.
        game: "runner", ...
        count: N.
        key: Seed and whatever tells this round from others.
        recipe: How it is played.

    Returns:
        ``N x S x S x 3`` pictures and ``N x T x 25`` actions.
    """
    frames: list[NDArray[np.uint8]] = []
    actions: list[NDArray[np.uint8]] = []
    generator = torch.Generator().manual_seed(
        int(np.random.default_rng((*key, DRIVING)).integers(2**62))
    )
    wide = max(1, min(24, count // 100))
    for level in drive(policy, _levels(game, key), recipe.played, recipe.euler, generator, wide):
        rules = level.game.rules
        for place in _chosen(level):
            frames.append(level.frames[place])
            actions.append(bytes_of(plan(rules, level.worlds[place], policy.horizon)))
        if len(frames) >= count:
            break
    return np.stack(frames[:count]), np.stack(actions[:count])


def _levels(game: str, key: tuple[int, ...]) -> Iterator[Level]:
    number = 0
    while True:
        rng = np.random.default_rng((*key, DRIVING, number))
        seed = FIRST_LEVEL + int(rng.integers(2**30))
        yield Level(f"{game}-{1 + number % LEVELS}", seed, keep=True)
        number += 1


def _chosen(level: Level) -> list[int]:
    """The decisions that teach: those that can be won from, and few of a picture that stays."""
    frames = level.frames
    return [
        place
        for place in range(_winnable(level))
        if place % STILL == 0 or not np.array_equal(frames[place], frames[place - 1])
    ]


def _winnable(level: Level) -> int:
    """How many of its decisions were made where the script could still win; by halving."""
    if level.game.outcome is not Outcome.LOST:
        return len(level.worlds)
    low, high = 0, len(level.worlds)
    while low < high:
        middle = (low + high) // 2
        if _wins(level.game.rules, level.worlds[middle], level.limit):
            low = middle + 1
        else:
            high = middle
    return low


def _wins(rules: Rules, world: World, limit: int) -> bool:
    twin = world.clone()
    while twin.outcome is Outcome.PLAYING and twin.tick < 2 * limit:
        twin.step(pad(rules.expert(twin)))
    return twin.outcome is Outcome.WON
