"""Exact paired tests, against statsmodels, SciPy, and counting all ways by hand."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from nitropilot.simulator.benchmark.statistics.paired import (
    paired_progress,
    paired_success,
    sign_flips,
)

WINS = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60)
RUNGS = st.integers(0, 8).map(lambda rung: rung / 8)
REACHED = st.lists(st.tuples(RUNGS, RUNGS), max_size=40)


def columns(pairs: list[tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
    """First and second ones."""
    return [one for one, _ in pairs], [other for _, other in pairs]


@settings(deadline=None)
@given(WINS)
def test_wins_are_compared_as_statsmodels_does(pairs: list[tuple[bool, bool]]) -> None:
    """Only pairs that differ say anything."""
    found = paired_success(*columns(pairs))
    table = [[found.both, found.only_first], [found.only_second, found.neither]]
    assert found.n == len(pairs) == sum(map(sum, table))
    if found.only_first + found.only_second:
        assert found.p == pytest.approx(mcnemar(table, exact=True).pvalue)
    else:
        assert found.p == 1


def test_known_cases() -> None:
    """Five wins to none are no proof at 5 %, six are."""
    assert paired_success([True] * 5, [False] * 5).p == pytest.approx(2 / 2**5)
    assert paired_success([True] * 6, [False] * 6).p == pytest.approx(2 / 2**6)
    assert sign_flips([1, 2, 3]) == pytest.approx(2 / 8)
    assert sign_flips([3, -3]) == 1
    assert sign_flips([0, 0, 5]) == 1
    assert sign_flips([]) == 1


@settings(deadline=None)
@given(st.lists(st.integers(-1000, 1000), max_size=10))
def test_all_ways_are_counted(differences: list[int]) -> None:
    """By hand, one way after the other."""
    seen = abs(sum(differences))
    ways = [
        abs(sum(sign * size for sign, size in zip(signs, differences, strict=True))) >= seen
        for signs in product((-1, 1), repeat=len(differences))
    ]
    assert sign_flips(differences) == pytest.approx(sum(ways) / len(ways))


def test_it_says_what_scipy_says() -> None:
    """SciPy goes through all 2^12 ways as well."""
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, 9, (2, 12)) / 8
    theirs = stats.permutation_test(
        (first, second), lambda one, other, axis: (one - other).mean(axis=axis), vectorized=True,
        permutation_type="samples", n_resamples=np.inf,
    ).pvalue  # fmt: skip
    assert paired_progress(first, second).permutation_p == pytest.approx(theirs)


@settings(deadline=None)
@given(REACHED)
def test_the_sign_test_is_scipys(pairs: list[tuple[float, float]]) -> None:
    """Equal pairs are left out, as is usual."""
    found = paired_progress(*columns(pairs))
    ahead = sum(one > other for one, other in pairs)
    behind = sum(one < other for one, other in pairs)
    counts = found.first_better, found.second_better, found.equal
    assert counts == (ahead, behind, len(pairs) - ahead - behind)
    expected = stats.binomtest(ahead, ahead + behind).pvalue if ahead + behind else 1.0
    assert found.sign_p == pytest.approx(expected)


@settings(deadline=None)
@given(REACHED)
def test_who_is_called_first_does_not_matter(pairs: list[tuple[float, float]]) -> None:
    """And whatever is compared with itself is as good."""
    first, second = columns(pairs)
    one, other = paired_progress(first, second), paired_progress(second, first)
    assert (one.sign_p, one.first_better) == (other.sign_p, other.second_better)
    assert one.permutation_p == pytest.approx(other.permutation_p)
    assert 0 < one.permutation_p <= 1
    same = paired_progress(first, first)
    assert (same.sign_p, same.permutation_p) == (1, 1)


def test_many_pairs_are_still_exact() -> None:
    """Forty-five tasks of thirty episodes: SciPy would draw here, and say another p each time.

    Where all differences are alike, the permutation test is the sign test.
    """
    first = [0.25] * 700 + [0.0] * 650
    second = [0.0] * 700 + [0.25] * 650
    found = paired_progress(first, second)
    assert found.n == 1350
    assert found.permutation_p == pytest.approx(found.sign_p, rel=1e-6)
    assert 0.15 < found.sign_p < 0.2


def test_a_fair_coin_is_seldom_called_unfair() -> None:
    """Of 1,000 comparisons of two alike, about 5 % may have a p of .05 or less; never more."""
    rng = np.random.default_rng(7)
    called = sum(
        paired_progress(*rng.integers(0, 6, (2, 25)) / 5).permutation_p <= 0.05 for _ in range(1000)
    )
    assert 20 <= called <= 65


def test_pairs_have_two() -> None:
    """One list that is longer than the other is of other episodes."""
    with pytest.raises(ValueError, match=r"longer|shorter"):
        paired_success([True], [True, False])
    with pytest.raises(ValueError, match=r"longer|shorter"):
        paired_progress([1.0], [])
