"""``summary``: the object that ``nitropilot benchmark run --json`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nitropilot.simulator.benchmark.results.reader import read_result
from nitropilot.simulator.benchmark.statistics.intervals import success_interval
from nitropilot.texts import shown

if TYPE_CHECKING:
    from pathlib import Path


def summary(folder: Path) -> dict[str, Any]:
    """What a result says in short; only episodes that count are in it.

    Args:
        folder: The result's.

    Returns:
        ``result`` (the folder's path), ``summary`` with ``success_rate`` (of all episodes; None
        without any) and ``episodes``, and ``tasks``: for each task and policy ``suite``, ``game``,
        ``task``, ``policy``, ``track``, ``episodes`` (N), ``successes``, ``low`` and ``high`` (of
        the success rate, Clopper-Pearson, 95 %) and ``progress`` (the mean; None without any).

    Raises:
        ResultError: It cannot be read.
        StatisticsUnavailable: There is no SciPy.
    """
    result = read_result(folder)
    decided = result.decided().values()
    rows: list[dict[str, Any]] = []
    for policy in result.run.policies:
        for task in result.run.tasks:
            names = {"suite": task.suite, "game": task.game, "task": task.task}
            mine = [
                record
                for record in decided
                if record.policy == policy.name
                and (record.suite, record.game, record.task) == tuple(names.values())
            ]
            successes = sum(record.success for record in mine)
            low, high = success_interval(successes, len(mine))
            row = {**names, "policy": policy.name, "track": result.run.track,
                   "episodes": len(mine), "successes": successes, "low": low, "high": high,
                   "progress": sum(record.progress for record in mine) / len(mine)
                   if mine else None}  # fmt: skip
            rows.append(row)
    episodes = len(decided)
    successes = sum(record.success for record in decided)
    return {
        "result": shown(folder.absolute()),
        "summary": {
            "success_rate": successes / episodes if episodes else None,
            "episodes": episodes,
        },
        "tasks": rows,
    }
