"""How a policy plays levels that nobody was taught, level by level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from nitropilot.pocket.measuring import tasks_of
from nitropilot.pocket.samples.driving import Level, drive

if TYPE_CHECKING:
    from nitropilot.policy.network.policy import Policy

FIRST = 700_000
"""Seeds of the levels: none that is taught, none of the benchmark, none of the recipe's trials."""


@dataclass(frozen=True)
class Episode:
    """A level that was played.

    Attributes:
        task: Its name.
        level: Its seed.
        won: Whether it was.
        progress: 0 to 1.
    """

    task: str
    level: int
    won: bool
    progress: float


def episodes(
    policy: Policy, game: str, count: int, played: int, euler: int, noise: int
) -> list[Episode]:
    """Play ``count`` levels of a game, its tasks in turns.

    Args:
        policy: What plays.
        game: "road", ...
        count: N.
        played: Actions played of a chunk.
        euler: Euler steps of a chunk.
        noise: Seed of the noise.
    """
    tasks = tasks_of([game])
    levels = [Level(tasks[number % len(tasks)], FIRST + number) for number in range(count)]
    for _ in drive(policy, iter(levels), played, euler, torch.Generator().manual_seed(noise)):
        pass  # told in the order of the levels, not as they end
    return [Episode(each.task, each.seed, each.won, each.game.progress) for each in levels]
