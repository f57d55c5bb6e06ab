"""``compare``: two policies, or one on two tracks, on the tasks and seeds that both have played."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from nitropilot.simulator.benchmark.reports.groups import seen
from nitropilot.simulator.benchmark.reports.pairing import PairedGroup, paired_group, paired_table
from nitropilot.simulator.benchmark.results.errors import NotComparable
from nitropilot.simulator.benchmark.results.reader import asked, read_result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.simulator.benchmark.reports.pairing import Pairs
    from nitropilot.simulator.benchmark.results.episode import Key, Record
    from nitropilot.simulator.benchmark.results.reader import Result
    from nitropilot.simulator.benchmark.results.run import Policy

NAMED = 5
"""So many episodes are named in an error; the others are counted."""


class Side(NamedTuple):
    """One of the two.

    Attributes:
        result: Its result.
        policy: Who plays.
    """

    result: Result
    policy: Policy

    @property
    def name(self) -> str:
        """Policy, track and folder in one line."""
        return f"{self.policy.name} ({self.result.run.track}, {self.result.folder})"


@dataclass(frozen=True)
class Comparison:
    """What came of it.

    Attributes:
        first, second: Who is compared.
        groups: The first is of all pairs; then seen and unseen games, where both cards tell these
            apart, and each task.
        only_first, only_second: Episodes that only one was asked for, and that are left out.
    """

    first: Side
    second: Side
    groups: list[PairedGroup]
    only_first: int
    only_second: int

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        first, second = (
            {
                "result": str(side.result.folder),
                "policy": side.policy.name,
                "track": side.result.run.track,
            }
            for side in (self.first, self.second)
        )
        return {
            "first": first,
            "second": second,
            "n": self.groups[0].success.n,
            "only_first": self.only_first,
            "only_second": self.only_second,
            "groups": [each.as_json() for each in self.groups],
        }

    def text(self) -> str:
        """All of it as Markdown."""
        lines = [f"First: {self.first.name}", f"Second: {self.second.name}", ""]
        lines += paired_table(self.groups)
        if self.only_first or self.only_second:
            lines += [
                "",
                f"Left out: {self.only_first} episodes that only the first was asked for, and "
                f"{self.only_second} of the second.",
            ]
        return "\n".join(lines) + "\n"


def compare(
    one: Path, other: Path, policy_one: str = "", policy_other: str = "", seed: int = 0
) -> Comparison:
    """Compare two policies, or one on two tracks, episode by episode.

    Args:
        one, other: Folders of results; one and the same for two policies of one run.
        policy_one, policy_other: Which policy of each; "" where there is only one.
        seed: Of the bootstrap.

    Raises:
        NotComparable: Games or judges are of different versions, episodes are missing, or there is
            nothing to compare: it names what is wrong.
        ResultError: One cannot be read, has an episode twice, or mixes versions.
        StatisticsUnavailable: There is no SciPy.
    """
    first = _side(read_result(one), policy_one)
    second = _side(read_result(other), policy_other)
    if first.policy.name == second.policy.name and one.resolve() == other.resolve():
        raise NotComparable(f"both are {first.name}", "name two policies, or two results")
    keys = [[key for key in asked(side.result.run) if key.policy == side.policy.name]
            for side in (first, second)]  # fmt: skip
    places = [{_place(key): key for key in each} for each in keys]
    common = [place for place in places[0] if place in places[1]]
    if not common:
        raise NotComparable(
            f"{first.name} and {second.name} have no task and seed in common",
            "run both with the same tasks and seeds",
        )
    _same_versions(first, second)
    pairs = []
    decided = [side.result.decided() for side in (first, second)]
    missing: list[str] = []
    for place in common:
        records = [decided[side].get(places[side][place]) for side in (0, 1)]
        missing += [
            f"{places[side][place]} in {(one, other)[side]}"
            for side in (0, 1)
            if records[side] is None
        ]
        if records[0] is not None and records[1] is not None:
            pairs.append((records[0], records[1]))
    if missing:
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise NotComparable(
            f"{len(missing)} episodes are missing: {'; '.join(missing[:NAMED])}{more}",
            "resume the runs until they have ended",
        )
    return Comparison(
        first,
        second,
        [paired_group(name, chosen, seed) for name, chosen in _groups(first, second, pairs)],
        len(keys[0]) - len(common),
        len(keys[1]) - len(common),
    )


def _side(result: Result, name: str) -> Side:
    names = [policy.name for policy in result.run.policies]
    if not name and len(names) > 1:
        raise NotComparable(
            f"{result.folder} has {len(names)} policies: {', '.join(names)}", "name one of them"
        )
    policy = result.run.policy(name or names[0])
    if policy is None:
        raise NotComparable(
            f"{result.folder} has no policy {name!r}", f"it has {', '.join(names)}"
        )  # fmt: skip
    return Side(result, policy)


def _place(key: Key) -> tuple[str, str, str, int]:
    return key.suite, key.game, key.task, key.seed


def _same_versions(first: Side, second: Side) -> None:
    """Raises ``NotComparable`` where a task of both is of different versions."""
    wrong = []
    for task in first.result.run.tasks:
        other = second.result.run.task(task.suite, task.game, task.task)
        if other is None:
            continue
        for what, one, two in (
            ("game", task.game_version, other.game_version),
            ("judge", task.judge_version, other.judge_version),
            ("time limit", task.limit_seconds, other.limit_seconds),
        ):
            if one != two:
                name = f"{task.suite}/{task.game}/{task.task}"
                wrong.append(f"{what} of {name}: {one} and {two}")
    if wrong:
        raise NotComparable(
            f"{first.result.folder} and {second.result.folder} are of different versions: "
            f"{'; '.join(wrong)}",
            "run one of them again",
        )


def _groups(first: Side, second: Side, pairs: Pairs) -> Iterator[tuple[str, Pairs]]:
    yield "all", pairs
    for name, known in (("seen by both", True), ("unseen by both", False)):
        chosen = [
            pair
            for pair in pairs
            if seen(first.policy, pair[0].game) is seen(second.policy, pair[0].game) is known
        ]
        if chosen:
            yield name, chosen
    by_task: dict[str, list[tuple[Record, Record]]] = {}
    for pair in pairs:
        by_task.setdefault(f"{pair[0].suite}/{pair[0].game}/{pair[0].task}", []).append(pair)
    yield from by_task.items()
