"""Policies play levels of the arcade in process, for ``nitropilot evaluate``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from nitropilot.agent.play.settings import USUAL_HZ
from nitropilot.engines.pytorch.engine import TorchEngine
from nitropilot.server.cli.training.playing import SUITE
from nitropilot.simulator.benchmark.beside import play_levels
from nitropilot.simulator.benchmark.policies.card import Card
from nitropilot.simulator.benchmark.policies.engine import EnginePlayer
from nitropilot.simulator.benchmark.policies.naming import Entry as Entered
from nitropilot.simulator.benchmark.runner.suites import choose_tasks
from nitropilot.simulator.benchmark.statistics.bootstrap import progress
from nitropilot.simulator.benchmark.statistics.intervals import success_interval
from nitropilot.training.errors import BadSettings
from nitropilot.training.reports.comparison import Trial
from nitropilot.training.trainer.start import timeline_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.simulator.benchmark.beside import Level
    from nitropilot.simulator.benchmark.runner.suites import SuiteTask
    from nitropilot.training.evaluation.policies import Entry
    from nitropilot.training.reports.comparison import Evaluated

ALL = "all"
CHECKPOINT = "checkpoint"


def chosen_tasks(online: Sequence[str], suite: str | None) -> list[SuiteTask]:
    """The tasks that are to be played; none where nothing is asked for.

    Raises:
        BadSettings: Both are given, or the suite is not played in process.
        UnknownSuite, UnknownTask: There is none of that name.
    """
    if online and suite is not None:
        raise BadSettings(f"--online {online[0]} and --suite {suite} are both given", "give one")
    if suite is not None:
        found = choose_tasks(suite)
        if suite != SUITE:
            raise BadSettings(
                f"the suite {suite} is not played in process",
                f"evaluate plays the {SUITE}; for others: nitropilot benchmark run --suite {suite}",
            )
        return found
    games = {task.game for task in choose_tasks(SUITE)}
    tasks = [
        task
        for name in online
        for task in choose_tasks(SUITE, **{"games" if name in games else "tasks": [name]})
    ]
    return list({task.task: task for task in tasks}.values())


def require_playable(entries: Sequence[Entry]) -> None:
    """See that a game can be played at every policy's rate, before hours are spent on the rest.

    Raises:
        EntryError: It cannot.
        StatisticsUnavailable: There is no SciPy.
    """
    success_interval(0, 1)  # it needs SciPy
    for entry in entries:
        hz = entry.shape.config.nitropilot.action_hz or USUAL_HZ
        Card(entry.name, CHECKPOINT, shift=timeline_of(entry.shape).shift, hz=hz)


def play_trials(
    found: Evaluated,
    entry: Entry,
    tasks: Sequence[SuiteTask],
    levels: int,
    chunk: int | None,
    tell: Callable[[str, float], None],
) -> Evaluated:
    """Let a policy play.

    Args:
        found: What is known of it.
        entry: It.
        tasks: What it plays.
        levels: How many of each, from the first of the benchmark's on.
        chunk: Actions played of a chunk; None: as the policy says, or all.
        tell: Is told what is being played.

    Raises:
        PolicyFailed, GameFailed: The policy, or the game, failed.
    """
    engine = TorchEngine(entry.load(torch.device("cpu")), "to evaluate in play")
    player = EnginePlayer(Entered(found.name, CHECKPOINT), engine)
    played = []
    try:
        for number, task in enumerate(tasks):
            tell(f"{found.name} plays {task.task}", number / len(tasks))
            played.append(play_levels(player, task, range(levels), chunk))
    finally:
        player.close()
    trials = tuple(trial(task.task, [its]) for task, its in zip(tasks, played, strict=True))
    return replace(found, all_levels=trial(ALL, played), trials=trials)


def trial(name: str, played: Sequence[Sequence[Level]]) -> Trial:
    """The figures of levels, by task.

    Success has the exact interval of Clopper and Pearson, progress that of a bootstrap within
    tasks: those of the benchmark's reports.
    """
    levels = [level for its in played for level in its]
    won = sum(level.won for level in levels)
    low, high = success_interval(won, len(levels))
    mean = progress([[level.progress for level in its] for its in played]).mean
    value, least, most = (float(each or 0.0) for each in (mean.value, mean.low, mean.high))
    return Trial(name, len(levels), won, (won / len(levels), low, high), (value, least, most))
