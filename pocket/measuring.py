"""How a policy plays the arcade: levels that nobody was taught, and players that do not look.

Levels are played in process and side by side; ``benchmark run`` plays the same ones, in process or
through the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from nitropilot.pocket.samples.driving import Level, drive
from nitropilot.simulator.arcade.game import LEVELS
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.arcade.trials import PLAYERS, play
from nitropilot.simulator.benchmark.statistics.intervals import success_interval

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nitropilot.policy.network.policy import Policy

BLIND = ("idle", "random", "blind")
"""Players that do not look at the picture."""


@dataclass(frozen=True)
class Played:
    """Levels of one task.

    Attributes:
        task: Its name.
        levels: How many.
        won: How many of them were.
        progress: Mean, 0 to 1.
    """

    task: str
    levels: int
    won: int
    progress: float

    @property
    def game(self) -> str:
        """Of the task."""
        return self.task.rpartition("-")[0]

    @property
    def success(self) -> float:
        """Share of the levels that were won."""
        return self.won / self.levels

    def interval(self) -> tuple[float, float]:
        """Of the success, 95 %."""
        low, high = success_interval(self.won, self.levels)
        return float(low), float(high)


def tasks_of(games: Iterable[str]) -> list[str]:
    """All levels of difficulty of some games."""
    return [f"{game}-{level + 1}" for game in games for level in range(LEVELS)]


def measure(
    policy: Policy, task: str, seeds: Iterable[int], played: int, euler: int, noise: int = 0
) -> Played:
    """Let a policy play a task.

    Args:
        policy: What plays.
        task: "runner-1", ...
        seeds: Of the levels.
        played: Actions played of a chunk.
        euler: Euler steps of a chunk.
        noise: Seed of the noise.
    """
    levels = (Level(task, seed) for seed in seeds)
    over = list(drive(policy, levels, played, euler, torch.Generator().manual_seed(noise)))
    won = sum(level.won for level in over)
    progress = sum(level.game.progress for level in over) / len(over)
    return Played(task, len(over), won, progress)


def baseline(who: str, task: str, seeds: Iterable[int]) -> Played:
    """Let one of ``trials.PLAYERS`` play a task."""
    runs = [play(TASKS[task], seed, PLAYERS[who](TASKS[task], seed)) for seed in seeds]
    progress = sum(run.progress for run in runs) / len(runs)
    return Played(task, len(runs), sum(run.won for run in runs), progress)


def of_game(results: Iterable[Played], game: str) -> Played:
    """All tasks of a game together."""
    its = [each for each in results if each.game == game]
    levels = sum(each.levels for each in its)
    progress = sum(each.progress * each.levels for each in its) / levels
    return Played(f"{game}-all", levels, sum(each.won for each in its), progress)
