"""Progress over tasks: mean and interquartile mean, with intervals of a stratified bootstrap.

As Agarwal et al. (2021), "Deep Reinforcement Learning at the Edge of the Statistical Precipice",
and their package rliable: a stratum is a task; within each as many episodes are drawn with
replacement as it has, and percentiles of what the draws give are the interval.  Here every draw
comes from a seed, and tasks may have different numbers of episodes; SciPy's bootstrap takes no
stratum of a single one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.simulator.benchmark.statistics.intervals import CONFIDENCE, Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

RESAMPLES = 5_000
SEED = 0
AT_ONCE = 4_000_000
"""Most numbers that are drawn in one piece."""


class Estimate(NamedTuple):
    """A figure of some episodes.

    Attributes:
        value: Of the episodes themselves; None without any.
        low, high: Its interval; None without any.
        n: Episodes.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int


class Progress(NamedTuple):
    """Both figures of the progress of some episodes."""

    mean: Estimate
    iqm: Estimate


def task_mean(strata: Sequence[Scores]) -> Scores:
    """The mean of the tasks' means: each task counts alike, however many episodes it has.

    Args:
        strata: For each task ``... x N``.

    Returns:
        ``...``
    """
    return np.asarray(np.mean([stratum.mean(axis=-1) for stratum in strata], axis=0), np.float64)


def interquartile_mean(strata: Sequence[Scores]) -> Scores:
    """The mean of the middle half of all episodes, whichever task they are of.

    From each end a quarter of the episodes is left out, rounded down, as SciPy's ``trim_mean``
    and rliable do.

    Args:
        strata: For each task ``... x N``.

    Returns:
        ``...``
    """
    pooled = np.sort(np.concatenate(list(strata), axis=-1), axis=-1)
    cut = pooled.shape[-1] // 4
    return np.asarray(pooled[..., cut : pooled.shape[-1] - cut].mean(axis=-1), np.float64)


def progress(
    tasks: Sequence[Sequence[float]],
    seed: int = SEED,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Progress:
    """Mean and interquartile mean over tasks.

    Args:
        tasks: For each task the progress (or a difference of two) of its episodes; tasks without
            any are left out.
        seed: Of the bootstrap: the same gives the same interval, on every machine.
        resamples: Draws.
        confidence: Of the interval.
    """
    strata = [np.asarray(scores, np.float64) for scores in tasks if len(scores)]
    total = sum(map(len, strata))
    if not total:
        nothing = Estimate(None, None, None, 0)
        return Progress(nothing, nothing)
    rng = np.random.default_rng(seed)
    figures = (task_mean, interquartile_mean)
    drawn: list[list[Scores]] = [[], []]
    left = resamples
    while left > 0:
        count = min(left, max(AT_ONCE // total, 1))
        left -= count
        draws = [each[rng.integers(len(each), size=(count, len(each)))] for each in strata]
        for place, figure in enumerate(figures):
            drawn[place].append(figure(draws))
    return Progress(
        *(
            Estimate(float(figure(strata)), *_middle(np.concatenate(values), confidence), total)
            for figure, values in zip(figures, drawn, strict=True)
        )
    )


def _middle(values: Scores, confidence: float) -> Interval:
    """Between which values the middle ``confidence`` of them lies."""
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(values, (tail, 1.0 - tail))
    return Interval(float(low), float(high))
