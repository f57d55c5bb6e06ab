"""Two policies on the same tasks and seeds: exact tests of their differences.

A pair is one episode of each, of one task and seed.  That neither is better means that what tells
the two episodes of a pair apart could as well be the other way round; all tests here count how many
of the 2^N ways of turning pairs round are as uneven as what was seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.simulator.benchmark.statistics.intervals import sign_test

if TYPE_CHECKING:
    from collections.abc import Sequence

GRAIN = 1000
"""Differences of progress are compared in thousandths; no ladder has finer rungs."""


class PairedSuccess(NamedTuple):
    """McNemar's exact test (1947) of wins.

    Attributes:
        n: Pairs.
        both, only_first, only_second, neither: Who won, in how many of them.
        p: How likely ``only_first`` and ``only_second`` are to be as uneven, if neither is better.
    """

    n: int
    both: int
    only_first: int
    only_second: int
    neither: int
    p: float


class PairedProgress(NamedTuple):
    """Two exact tests of progress.

    Attributes:
        n: Pairs.
        first_better, second_better, equal: In how many of them.
        sign_p: Of the sign test: who is ahead more often, however far.
        permutation_p: Of the permutation test (Fisher, 1935) of the mean difference: how far too.
    """

    n: int
    first_better: int
    second_better: int
    equal: int
    sign_p: float
    permutation_p: float


def paired_success(first: Sequence[bool], second: Sequence[bool]) -> PairedSuccess:
    """Compare wins.

    Args:
        first, second: Whether each won, pair by pair.

    Raises:
        ValueError: They are not as many.
        StatisticsUnavailable: There is no SciPy.
    """
    pairs = [(bool(one), bool(other)) for one, other in zip(first, second, strict=True)]
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    return PairedSuccess(
        n=len(pairs),
        both=pairs.count((True, True)),
        only_first=only_first,
        only_second=only_second,
        neither=pairs.count((False, False)),
        p=sign_test(only_first, only_second),
    )


def paired_progress(first: Sequence[float], second: Sequence[float]) -> PairedProgress:
    """Compare progress, 0 to 1.

    Args:
        first, second: Of each, pair by pair.

    Raises:
        ValueError: They are not as many.
        StatisticsUnavailable: There is no SciPy.
    """
    steps = [
        round((one - other) * GRAIN) for one, other in zip(first, second, strict=True)
    ]  # fmt: skip
    above, below = sum(step > 0 for step in steps), sum(step < 0 for step in steps)
    return PairedProgress(
        n=len(steps),
        first_better=above,
        second_better=below,
        equal=len(steps) - above - below,
        sign_p=sign_test(above, below),
        permutation_p=sign_flips(steps),
    )


def sign_flips(differences: Sequence[int]) -> float:
    """The share of all 2^N choices of signs whose sum is at least as far from 0.

    Nothing is drawn: of whole numbers, the chances of every sum are added up difference by
    difference (Pagano and Tritchler, 1983).
    """
    sizes = [abs(difference) for difference in differences if difference]
    whole, seen = sum(sizes), abs(sum(differences))
    chances = np.zeros(whole + 1)  # of the sum of those with a plus
    chances[0], reached = 1.0, 0
    for size in sizes:
        reached += size
        chances[: reached + 1] *= 0.5
        chances[size : reached + 1] += chances[: reached + 1 - size].copy()
    sums = np.abs(2 * np.arange(whole + 1) - whole)
    return min(float(chances[sums >= seen].sum()), 1.0)
