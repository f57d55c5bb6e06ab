"""``PairedGroup``: two policies on some tasks, pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.benchmark.reports.tables import (
    between,
    chance,
    number,
    percent,
    table,
)
from nitropilot.simulator.benchmark.statistics.bootstrap import Estimate, progress
from nitropilot.simulator.benchmark.statistics.intervals import Interval, success_interval
from nitropilot.simulator.benchmark.statistics.paired import (
    PairedProgress,
    PairedSuccess,
    paired_progress,
    paired_success,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nitropilot.simulator.benchmark.results.episode import Record

    Pairs = Sequence[tuple[Record, Record]]

HEADS = (
    "pairs of", "N", "first won", "second won", "only first", "only second", "p",
    "first progress", "second progress", "difference", "95 %", "p (sign)", "p (permutation)",
)  # fmt: skip


@dataclass(frozen=True)
class PairedGroup:
    """Both on some tasks.

    Attributes:
        name: Of what.
        success: Who won, and the exact test of it; ``success.n`` is N.
        rates: Success rates, first and second.
        intervals: Of these, Clopper-Pearson, 95 %.
        progress: Who came further, and exact tests of it.
        means: Means of progress over tasks, first and second.
        difference: First less second, with the 95 % interval of a stratified bootstrap of pairs.
    """

    name: str
    success: PairedSuccess
    rates: tuple[float, float]
    intervals: tuple[Interval, Interval]
    progress: PairedProgress
    means: tuple[float, float]
    difference: Estimate

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "name": self.name,
            "n": self.success.n,
            "success": {
                **self.success._asdict(),
                "rates": list(self.rates),
                "intervals": [list(each) for each in self.intervals],
            },
            "progress": {
                **self.progress._asdict(),
                "means": list(self.means),
                "difference": self.difference.value,
                "low": self.difference.low,
                "high": self.difference.high,
            },
        }


def paired_group(name: str, pairs: Pairs, seed: int = 0) -> PairedGroup:
    """Compare two policies on some pairs, at least one.

    Args:
        name: Of what they are.
        pairs: Records of the same task and seed, each with the first one's and the second one's.
        seed: Of the bootstrap.
    """
    wins = [[pair[side].success for pair in pairs] for side in (0, 1)]
    reached = [[pair[side].progress for pair in pairs] for side in (0, 1)]
    strata: list[dict[str, list[float]]] = [{}, {}, {}]
    for one, other in pairs:
        values = one.progress, other.progress, one.progress - other.progress
        for stratum, value in zip(strata, values, strict=True):
            stratum.setdefault(f"{one.suite}/{one.game}/{one.task}", []).append(value)
    means = [_mean(list(each.values())) for each in strata[:2]]
    return PairedGroup(
        name=name,
        success=paired_success(*wins),
        rates=(sum(wins[0]) / len(pairs), sum(wins[1]) / len(pairs)),
        intervals=(
            success_interval(sum(wins[0]), len(pairs)),
            success_interval(sum(wins[1]), len(pairs)),
        ),
        progress=paired_progress(*reached),
        means=(means[0], means[1]),
        difference=progress(list(strata[2].values()), seed).mean,
    )


def _mean(strata: list[list[float]]) -> float:
    return sum(sum(each) / len(each) for each in strata) / len(strata)


def paired_table(groups: Iterable[PairedGroup]) -> list[str]:
    """All of them as a table, line by line."""
    return table(HEADS, [_cells(each) for each in groups])


def _cells(each: PairedGroup) -> list[str]:
    success, reached = each.success, each.progress
    return [
        each.name, str(success.n), percent(each.rates[0]), percent(each.rates[1]),
        str(success.only_first), str(success.only_second), chance(success.p),
        number(each.means[0]), number(each.means[1]), number(each.difference.value),
        between(each.difference), chance(reached.sign_p), chance(reached.permutation_p),
    ]  # fmt: skip
