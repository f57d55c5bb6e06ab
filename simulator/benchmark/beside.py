"""``play_levels``: levels played in this process, where a figure is wanted and no result's folder.

As the runner plays them: the same answers, the same ticks.  What fails fails here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.simulator.benchmark.policies.info import own_seed
from nitropilot.simulator.benchmark.runner.mind import NearMind
from nitropilot.simulator.benchmark.runner.stage import Stage
from nitropilot.simulator.benchmark.runner.tracks import play

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nitropilot.simulator.benchmark.policies.player import Player
    from nitropilot.simulator.benchmark.runner.suites import SuiteTask

TRACK = "paused"


@dataclass(frozen=True)
class Level:
    """One that was played.

    Attributes:
        task, seed: Which.
        won: Whether it was.
        progress: How far it got, 0 to 1.
        steps: That were played.
    """

    task: str
    seed: int
    won: bool
    progress: float
    steps: int


def play_levels(
    player: Player, task: SuiteTask, seeds: Iterable[int], chunk: int | None = None
) -> list[Level]:
    """Play a task from some seeds, one after the other, paused.

    Args:
        player: What decides; stays open.
        task: What is played.
        seeds: Of the game.
        chunk: How many actions of an answer are played; None: as the policy says, or all.

    Raises:
        PolicyFailed: The policy failed.
        GameFailed: The game did.
    """
    env, chunk = task.open(TRACK), chunk or player.card.actions
    levels = []
    try:
        for seed in seeds:
            facts = {
                "suite": task.suite, "game": task.game, "task": task.task, "goal": task.goal,
                "track": TRACK, "seed": own_seed(f"{task.suite}/{task.game}/{task.task}", seed),
            }  # fmt: skip
            stage, mind = Stage(env, seed, facts), NearMind(player)
            mind.begin(stage.info)
            play(stage, mind, TRACK, chunk)
            won = stage.end == "won"
            levels.append(Level(task.task, seed, won, stage.progress, stage.steps))
    finally:
        env.close()
    return levels
