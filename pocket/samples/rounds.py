"""Rounds in which the policy drives and the script labels (DAgger, Ross et al. 2011).

A clone that is taught from its master's play alone never sees its own mistakes.  Here it plays
levels of its own; wherever it decides, the script says what it would do from there.  What it can
no longer win from teaches nothing: from there on nothing is kept.  A level gives few samples,
spread over all of it, and ends when nothing comes of it any more: otherwise a policy that stands
still would be taught standing still, of a level or two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from nitropilot.pocket.samples.actions import bytes_of, plan
from nitropilot.pocket.samples.charts import chart_of
from nitropilot.pocket.samples.driving import Level, drive
from nitropilot.pocket.samples.pool import Samples
from nitropilot.simulator.arcade.core.pad import pad
from nitropilot.simulator.arcade.core.world import Outcome
from nitropilot.simulator.arcade.game import LEVELS
from nitropilot.simulator.demonstrations.levels import FIRST_LEVEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nitropilot.pocket.recipe import Recipe
    from nitropilot.policy.network.policy import Policy
    from nitropilot.simulator.arcade.core.world import World
    from nitropilot.simulator.arcade.rules import Rules

DRIVING = 12
"""Stream of random numbers; see ``training.objective.draws``."""
OF_A_LEVEL = 40
"""Most samples of a level."""
STUCK = 60
"""Decisions without any progress, after which a level is left."""


def label_round(
    policy: Policy, game: str, count: int, key: tuple[int, ...], recipe: Recipe
) -> Samples:
    """At most so many samples of levels that the policy plays, and at least one.

    Args:
        policy: What drives.
        game: "runner", ...
        count: N.
        key: Seed and whatever tells this round from others.
        recipe: How it is played.

    Returns:
        The samples.
    """
    generator = torch.Generator().manual_seed(
        int(np.random.default_rng((*key, DRIVING)).integers(2**62))
    )
    levels = [_level(game, key, number) for number in range(-(-count // OF_A_LEVEL))]
    for _ in drive(policy, iter(levels), recipe.played, recipe.euler, generator):
        pass  # they are taken by their numbers, not as they end: short ones are no better
    samples = [each for level in levels for each in _labelled(level, policy.horizon)][:count]
    return Samples(*(np.stack(kind) for kind in zip(*samples, strict=True)))


def _level(game: str, key: tuple[int, ...], number: int) -> Level:
    """One of a round's levels; the three difficulties take turns."""
    rng = np.random.default_rng((*key, DRIVING, number))
    seed = FIRST_LEVEL + int(rng.integers(2**30))
    return Level(f"{game}-{1 + number % LEVELS}", seed, keep=True, patience=STUCK)


def _labelled(level: Level, horizon: int) -> Iterator[tuple[NDArray[np.uint8], ...]]:
    """Pictures of a level, with what is where in them and what the script does from there."""
    places = np.linspace(0, max(_winnable(level) - 1, 0), OF_A_LEVEL)
    for place in np.unique(places.astype(int)):
        world, rules = level.worlds[place], level.game.rules
        planned = bytes_of(plan(rules, world, horizon))
        yield level.frames[place], chart_of(rules.name, world), planned


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
