"""``compare``: an old policy and a new one on the same levels, which neither was chosen by.

Only a game of the catalogue that can be played in process is measured: there "better" is what its
tasks call success, tested pair by pair.  Of another game nothing is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from nitropilot.engines.pytorch.engine import TorchEngine
from nitropilot.policy import open_policy
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.benchmark.beside import play_levels
from nitropilot.simulator.benchmark.policies.engine import EnginePlayer
from nitropilot.simulator.benchmark.policies.naming import Entry
from nitropilot.simulator.benchmark.runner.suites import task_named
from nitropilot.simulator.benchmark.statistics.intervals import success_interval
from nitropilot.simulator.benchmark.statistics.paired import PairedSuccess, paired_success

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nitropilot.simulator.benchmark.runner.suites import SuiteTask

SUITE = "arcade"
FIRST_LEVEL, LAST_LEVEL = 600_000, 1_000_000
"""Seeds: the benchmark's and those that choose checkpoints lie below, what is taught above."""
LEVEL = 0.05
"""A difference that is less likely than this, were there none, is taken to be one."""


@dataclass(frozen=True)
class Comparison:
    """What was found.

    Attributes:
        tasks: That were played.
        first_seed: Of the levels; the others follow.
        pairs: Wins, pair by pair: ``only_first`` is the old one's.
    """

    tasks: tuple[str, ...]
    first_seed: int
    pairs: PairedSuccess

    @property
    def old_won(self) -> int:
        """Levels that the old policy won."""
        return self.pairs.both + self.pairs.only_first

    @property
    def new_won(self) -> int:
        """Levels that the new policy won."""
        return self.pairs.both + self.pairs.only_second

    @property
    def verdict(self) -> Literal["better", "worse", "not shown"]:
        """``better``, ``worse`` or ``not shown``: said of the new policy."""
        if self.pairs.p >= LEVEL:
            return "not shown"
        return "better" if self.pairs.only_second > self.pairs.only_first else "worse"

    def facts(self) -> dict[str, object]:
        """The same as JSON has it."""
        return {
            "tasks": list(self.tasks), "first_seed": self.first_seed, "levels": self.pairs.n,
            "old": _share(self.old_won, self.pairs.n), "new": _share(self.new_won, self.pairs.n),
            "only_old": self.pairs.only_first, "only_new": self.pairs.only_second,
            "p": self.pairs.p,
        }  # fmt: skip

    @property
    def text(self) -> str:
        """One line for people."""
        words = {
            "better": "the new one is better",
            "worse": "the new one is worse",
            "not shown": "no difference is shown",
        }
        said = [
            f"{name} {_words(won, self.pairs.n)}"
            for name, won in (("old", self.old_won), ("new", self.new_won))
        ]
        return (
            f"of {self.pairs.n} levels won: {', '.join(said)}; {self.pairs.only_first} by the old "
            f"one alone, {self.pairs.only_second} by the new one alone, p = {self.pairs.p:.2g}: "
            f"{words[self.verdict]}"
        )


def _share(won: int, levels: int) -> dict[str, float | int]:
    low, high = success_interval(won, levels)
    return {"won": won, "share": won / levels, "low": low, "high": high}


def _words(won: int, levels: int) -> str:
    low, high = success_interval(won, levels)
    return f"{won} ({won / levels:.0%}, 95 % {low:.0%} to {high:.0%})"


def tasks_of(game: str) -> list[str]:
    """The tasks by which a game is measured in process; none for most games."""
    return [name for name, task in TASKS.items() if game in (name, task.rules.name)]


def compare(
    old: str,
    new: str,
    fingerprint: str,
    tasks: list[str],
    levels: int,
    tell: Callable[[str, float], None],
) -> Comparison:
    """Play the same levels with both.

    Args:
        old, new: Policies, as commands name them.
        fingerprint: Of the new one: which levels are played follows from it, so that no level
            was there to be chosen by, and the same comparison is the same again.
        tasks: Of the arcade, at least one.
        levels: Of each task.
        tell: Is told what is played, and how much is done, 0 to 1.

    Raises:
        PolicyFailed, GameFailed: One of them failed.
        StatisticsUnavailable: There is no SciPy.
    """
    first = FIRST_LEVEL + int(fingerprint[:12], 16) % (LAST_LEVEL - FIRST_LEVEL - levels)
    played = [(task_named(SUITE, task), seed) for task in tasks
              for seed in range(first, first + levels)]  # fmt: skip
    wins = []
    for number, (name, policy) in enumerate((("old", old), ("new", new))):
        won = []
        for is_won in _play(policy, played):
            won.append(is_won)
            done = (number * len(played) + len(won)) / (2 * len(played))
            tell(f"playing with the {name} policy: won {sum(won)} of {len(won)} levels", done)
        wins.append(won)
    return Comparison(tuple(tasks), first, paired_success(*wins))


def player_of(policy: str) -> tuple[EnginePlayer, int]:
    """What plays with a policy, and how many actions of a chunk: as it says, or half of it."""
    engine = TorchEngine(open_policy(policy), "to compare policies")
    chunk = engine.spec.actions or max(engine.spec.horizon // 2, 1)
    return EnginePlayer(Entry(policy, "checkpoint"), engine), chunk


def _play(policy: str, levels: list[tuple[SuiteTask, int]]) -> Iterator[bool]:
    player, chunk = player_of(policy)
    try:
        for task, seed in levels:
            yield play_levels(player, task, (seed,), chunk)[0].won
    finally:
        player.close()
