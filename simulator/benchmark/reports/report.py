"""``report``: what a result says, for each task, game, category and tag, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.benchmark.reports.groups import Group, group, seen
from nitropilot.simulator.benchmark.reports.tables import group_table
from nitropilot.simulator.benchmark.results.checking import check
from nitropilot.simulator.benchmark.results.reader import read_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from nitropilot.simulator.benchmark.results.checking import Check
    from nitropilot.simulator.benchmark.results.reader import Result
    from nitropilot.simulator.benchmark.results.run import Policy, Run, Task

KINDS = ("overall", "seen and unseen games", "category", "tag", "game", "task")
"""Kinds of groups, in the order in which they are shown."""
TRAINED = ("checkpoint", "server", "callable")
"""Kinds of policies that may have been trained on something."""


@dataclass(frozen=True)
class PolicyReport:
    """One policy's part.

    Attributes:
        policy: Whose.
        groups: By kind (``KINDS``); empty where there is nothing to tell apart.
        disagreements: Episodes in which two judges did not read the same.
        deadline_misses: Answers that came too late, in all episodes that count.
        notes: What a reader has to know, one line each.
    """

    policy: Policy
    groups: dict[str, list[Group]]
    disagreements: int
    deadline_misses: int
    notes: list[str]


@dataclass(frozen=True)
class Report:
    """What a result says.

    Attributes:
        result: It.
        check: What speaks against it, every file of it looked at.
        policies: A part for each.
    """

    result: Result
    check: Check
    policies: list[PolicyReport]

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        run = self.result.run
        return {
            "result": str(self.result.folder),
            "track": run.track,
            "nitropilot": run.nitropilot,
            "machine": run.machine.name,
            "head": self.result.head,
            "missing": len(self.result.missing()),
            "problems": list(self.check.problems),
            "notes": list(self.check.notes),
            "policies": [
                {
                    "policy": part.policy.name,
                    "digest": part.policy.digest,
                    "groups": {
                        kind: [each.as_json() for each in groups]
                        for kind, groups in part.groups.items()
                    },
                    "disagreements": part.disagreements,
                    "deadline_misses": part.deadline_misses,
                    "notes": part.notes,
                }
                for part in self.policies
            ],
        }

    def text(self) -> str:
        """All of it as a page of Markdown."""
        run = self.result.run
        lines = [
            f"# {self.result.folder.name}",
            "",
            f"Track {run.track}, {run.episodes} episodes a task, NitroPilot {run.nitropilot}, "
            f"{run.machine.name}.",
            f"Head `{self.result.head}`.",
        ]
        if missing := len(self.result.missing()):
            lines += ["", f"**{missing} episodes are missing: the run has not ended.**"]
        for problem in self.check.problems:
            lines += ["", f"**Something was done to this result: {problem}.**"]
        lines += ["", *(f"- {note}" for note in self.check.notes)] if self.check.notes else []
        for part in self.policies:
            lines += ["", f"## {part.policy.name}", ""]
            lines += [f"- {note}" for note in part.notes]
            for kind, groups in part.groups.items():
                if groups:
                    lines += ["", *group_table(kind, groups)]
        return "\n".join(lines) + "\n"


def report(folder: Path, seed: int = 0) -> Report:
    """Put together what a result says.

    Args:
        folder: The result's.
        seed: Of the bootstraps.

    Raises:
        ResultError: It cannot be read.
        StatisticsUnavailable: There is no SciPy.
    """
    result = read_result(folder)
    parts = [_part(result, policy, seed) for policy in result.run.policies]
    return Report(result, check(folder), parts)


def _part(result: Result, policy: Policy, seed: int) -> PolicyReport:
    run = result.run

    def figures(kind: str, name_of: Callable[[Task], Iterable[str]]) -> list[Group]:
        names = dict.fromkeys(name for task in run.tasks for name in name_of(task) if name)
        return [
            group(name, run, policy.name, [t for t in run.tasks if name in name_of(t)],
                  result.records, seed)
            for name in (sorted(names) if kind == "tag" else names)
        ]  # fmt: skip

    ways: dict[str, Callable[[Task], Iterable[str]]] = {
        "overall": lambda _task: ("all",),
        "seen and unseen games": lambda task: _seen_name(policy, task.game),
        "category": lambda task: (task.category,),
        "tag": lambda task: task.tags,
        "game": lambda task: (task.game,),
        "task": lambda task: (f"{task.suite}/{task.game}/{task.task}",),
    }
    groups = {kind: figures(kind, ways[kind]) for kind in KINDS}
    mine = [record for record in result.records if record.policy == policy.name]
    disagreements = sum(bool(record.disagreements) for record in mine)
    misses = sum(record.delays.deadline_misses for record in mine if not record.void)
    notes = list(_notes(run, policy, groups["overall"][0], disagreements, misses))
    return PolicyReport(policy, groups, disagreements, misses, notes)


def _seen_name(policy: Policy, game: str) -> tuple[str, ...]:
    known = seen(policy, game)
    return () if known is None else ("seen" if known else "unseen",)


def _notes(
    run: Run, policy: Policy, overall: Group, disagreements: int, misses: int
) -> Iterable[str]:
    if overall.ends:
        yield f"ended: {', '.join(f'{end} {count}' for end, count in overall.ends.items())}"
    if policy.training_games is None and policy.kind in TRAINED:
        yield "its card names no training games: seen and unseen games cannot be told apart"
    if overall.void:
        yield f"{overall.void} attempts were void (the game's failure) and were played again"
    if overall.episodes < overall.asked:
        yield f"{overall.asked - overall.episodes} of {overall.asked} episodes are missing"
    if disagreements:
        yield f"two judges did not read the same in {disagreements} attempts"
    if run.track == "realtime":
        yield f"{misses} answers came too late to be played in full"
