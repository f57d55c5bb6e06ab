"""What the runs say: of each budget the two ways, and how far apart they are, level by level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.transfer.runs import SCRATCH, TUNED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from benchmarks.transfer.runs import Result

DRAWS = 10_000
PAPER = 0.52
"""The largest relative gain that the paper reports of fine-tuning over training from scratch."""
BAR = (1.0, 3.0)
"""Budgets at which fine-tuning has to be better."""


@dataclass(frozen=True)
class Budget:
    """A budget of demonstrations.

    Attributes:
        minutes: Of them.
        tuned, scratch: Mean progress of either way.
        tuned_won, scratch_won: Share of levels won.
        apart: Mean progress of fine-tuned less scratch.
        low, high: Its 95 % interval, over seeds and levels.
        gain: ``apart`` relative to scratch's progress; None where that is 0.
    """

    minutes: float
    tuned: float
    scratch: float
    tuned_won: float
    scratch_won: float
    apart: float
    low: float
    high: float
    gain: float | None

    @property
    def better(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low > 0


def budgets(results: Sequence[Result]) -> list[Budget]:
    """A row for each budget."""
    found = []
    for minutes in sorted({each.minutes for each in results}):
        tuned, scratch = (_scores(results, minutes, way) for way in (TUNED, SCRATCH))
        apart = tuned[0] - scratch[0]
        low, high = interval(apart)
        mean = float(scratch[0].mean())
        found.append(
            Budget(
                minutes, float(tuned[0].mean()), mean, float(tuned[1].mean()),
                float(scratch[1].mean()), float(apart.mean()), low, high,
                float(apart.mean()) / mean if mean > 0 else None,
            )
        )  # fmt: skip
    return found


def _scores(
    results: Sequence[Result], minutes: float, way: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Progress and success, ``S x L``: seeds by levels."""
    its = sorted(
        (each for each in results if (each.minutes, each.way) == (minutes, way)),
        key=lambda each: each.seed,
    )
    return (
        np.array([[episode.progress for episode in each.episodes] for each in its]),
        np.array([[float(episode.won) for episode in each.episodes] for each in its]),
    )


def interval(apart: NDArray[np.float64]) -> tuple[float, float]:
    """95 % of the mean of ``S x L`` paired differences.

    Seeds and levels are drawn again independently of each other (the bootstrap of crossed factors,
    Owen 2007): all seeds play the same levels, so neither alone tells how uncertain the mean is.
    """
    rng = np.random.default_rng(0)
    seeds, levels = apart.shape
    of_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), DRAWS) / seeds
    of_levels = rng.multinomial(levels, np.full(levels, 1 / levels), DRAWS) / levels
    means = np.einsum("ds,sl,dl->d", of_seeds, apart, of_levels, optimize=True)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def table(rows: Sequence[Budget]) -> str:
    """The rows in Markdown: success / progress of either way."""
    lines = [
        "| minutes | fine-tuned | from scratch | progress apart (95 %) | gain (paper: up to "
        f"{PAPER:+.0%}) |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        gain = "from 0" if row.gain is None else f"{row.gain:+.0%}"
        lines.append(
            f"| {row.minutes:g} | {row.tuned_won:.2f} / {row.tuned:.2f} | "
            f"{row.scratch_won:.2f} / {row.scratch:.2f} | "
            f"{row.apart:+.2f} ({row.low:+.2f} to {row.high:+.2f}) | {gain} |"
        )
    return "\n".join(lines)


def met(rows: Sequence[Budget]) -> bool | None:
    """Whether the bar is met; None where its budgets were not tried."""
    held = [row.better for row in rows if row.minutes in BAR]
    return all(held) if len(held) == len(BAR) else None
