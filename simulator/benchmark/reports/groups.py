"""``Group``: success and progress of some episodes; N is always part of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.benchmark.statistics.bootstrap import Progress, progress
from nitropilot.simulator.benchmark.statistics.intervals import Interval, success_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nitropilot.simulator.benchmark.results.episode import Record
    from nitropilot.simulator.benchmark.results.run import Policy, Run, Task


@dataclass(frozen=True)
class Group:
    """Figures of some episodes.

    Attributes:
        name: What they have in common.
        tasks: How many tasks they are of.
        asked: Episodes that were asked for.
        episodes: N: those that count.
        void: Attempts that failed through no fault of the policy's, and do not count.
        successes: Episodes that were won.
        exact, wilson: Intervals of the success rate, 95 %.
        progress: Mean over tasks and interquartile mean, with 95 % intervals.
        ends: How often each ending was, void ones too.
    """

    name: str
    tasks: int
    asked: int
    episodes: int
    void: int
    successes: int
    exact: Interval
    wilson: Interval
    progress: Progress
    ends: Mapping[str, int]

    @property
    def success_rate(self) -> float | None:
        """Share of the episodes that were won; None without any."""
        return self.successes / self.episodes if self.episodes else None

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        mean, iqm = self.progress
        return {
            "name": self.name,
            "tasks": self.tasks,
            "asked": self.asked,
            "episodes": self.episodes,
            "void": self.void,
            "successes": self.successes,
            "success_rate": self.success_rate,
            "exact": list(self.exact),
            "wilson": list(self.wilson),
            "progress": {"mean": mean.value, "low": mean.low, "high": mean.high},
            "progress_iqm": {"value": iqm.value, "low": iqm.low, "high": iqm.high},
            "ends": dict(self.ends),
        }


def group(name: str, run: Run, policy: str, tasks: Iterable[Task], records: Iterable[Record],
          seed: int = 0) -> Group:  # fmt: skip
    """The figures of one policy on some tasks.

    Args:
        name: The group's.
        run: What was asked for.
        policy: Whose.
        tasks: Which.
        records: All of the result's; those of others are left out.
        seed: Of the bootstrap.
    """
    strata: dict[tuple[str, str, str], list[float]] = {
        (task.suite, task.game, task.task): [] for task in tasks
    }
    ends: Counter[str] = Counter()
    void = successes = 0
    for record in records:
        stratum = strata.get((record.suite, record.game, record.task))
        if stratum is None or record.policy != policy:
            continue
        ends[record.end] += 1
        void += record.void
        successes += record.success
        if not record.void:
            stratum.append(record.progress)
    episodes = sum(map(len, strata.values()))
    return Group(
        name=name,
        tasks=len(strata),
        asked=len(strata) * run.episodes,
        episodes=episodes,
        void=void,
        successes=successes,
        exact=success_interval(successes, episodes),
        wilson=success_interval(successes, episodes, "wilson"),
        progress=progress(list(strata.values()), seed),
        ends=dict(ends.most_common()),
    )


def seen(policy: Policy, game: str) -> bool | None:
    """Whether a policy was trained on a game; None where its card does not say."""
    if policy.training_games is None:
        return None
    return game.casefold() in {name.casefold() for name in policy.training_games}
