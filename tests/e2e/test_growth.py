"""The judge of the soak finds leaks, and nothing else, in what a soak of CI's length looks like."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.e2e.growth import MOST_MIB_PER_HOUR, Look, later, risen, slope_per_hour, verdict

MINUTES, ROUNDS = 6.0, 60
"""Of the soak's row in .ci/slow-proofs.toml, on a quiet machine."""
SEEDS = range(12)


def series(
    seed: int, leak: float = 0.0, noise: float = 0.6, steps: tuple[tuple[float, float], ...] = ()
) -> tuple[list[float], list[float]]:
    """Times and MiB of a soak: 90 MiB of warm-up, noise, a leak an hour, and an allocator's
    steps, each a part of the time and its height."""
    rng = np.random.default_rng(seed)
    times = (np.arange(ROUNDS) + rng.uniform(-0.2, 0.2, ROUNDS)) * MINUTES * 60 / ROUNDS
    memory = 390 + 90 * (1 - np.exp(-np.arange(ROUNDS) / 4)) + leak * times / 3600
    memory += rng.normal(0, noise, ROUNDS)
    for part, height in steps:
        memory += height * (times > part * MINUTES * 60)
    return list(times), list(memory)


def looks(memory: tuple[list[float], list[float]]) -> list[Look]:
    """A whole soak, with descriptors and threads at rest."""
    rng = np.random.default_rng(5)
    return [
        Look(when, mib, 20, 13 + int(number < 5), 10 + rng.uniform(-5, 5))
        for number, (when, mib) in enumerate(zip(*memory, strict=True))
    ]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("noise", [0.1, 0.6, 1.0])
@pytest.mark.parametrize("leak", [100.0, 300.0])
def test_a_leak_is_found(seed: int, noise: float, leak: float) -> None:
    """100 MiB an hour fill a machine's memory in one night of streaming."""
    assert "memory_mib_per_hour" in verdict(looks(series(seed, leak, noise)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("steps", [((0.66, 12.0),), ((0.5, -8.0),), ((0.8, 6.0),)])
def test_a_step_does_not_hide_a_leak(seed: int, steps: tuple[tuple[float, float], ...]) -> None:
    """Up or down, the allocator's steps are beside the leak, not in its place."""
    assert "memory_mib_per_hour" in verdict(looks(series(seed, 150.0, 0.6, steps)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("noise", [0.0, 0.1, 0.6, 1.0])
def test_noise_is_no_leak(seed: int, noise: float) -> None:
    """A judge who always sees one is switched off."""
    assert verdict(looks(series(seed, 0.0, noise))) == {}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "steps",
    [((0.4, 4.0),), ((0.66, 6.0),), ((0.66, 40.0),), ((0.75, 8.0),), ((0.9, 8.0),),
     ((0.2, 30.0), (0.6, 4.0)), ((0.7, -10.0),)],
)  # fmt: skip
def test_a_step_is_no_leak(seed: int, steps: tuple[tuple[float, float], ...]) -> None:
    """One more arena is taken once and kept."""
    assert verdict(looks(series(seed, 0.0, 0.3, steps))) == {}


def test_the_slope_is_by_time() -> None:
    """Rounds take longer on a slow machine; what leaks an hour does not."""
    times = [0.0, 10, 20, 40, 80, 100, 150, 180, 260, 300, 330, 400]
    memory = [500 + 90 * when / 3600 for when in times]
    assert slope_per_hour(times, memory) == pytest.approx(90)
    assert slope_per_hour([when * 2 for when in times], memory) == pytest.approx(45)
    assert MOST_MIB_PER_HOUR < 90, "or this leak passes"


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        ([20] * 30, 0),
        ([14] * 10 + [20] * 20, 0),
        ([20] * 10 + [20, 23, 20, 20, 21, 20, 20, 20, 25, 20] * 2, 0),
        ([20] * 19 + [21] * 11, 1),
        ([20] * 22 + [21] * 8, 1),
        ([20, 21, 22, 23, 24, 25, 26, 27, 28], 3),
        ([28, 27, 26, 25, 24, 23, 22, 21, 20], 0),
    ],
)
def test_any_descriptor_counts(counts: list[int], wanted: float) -> None:
    """One for each visitor is a daemon that takes no more of them in a week."""
    assert risen(counts) == wanted


@pytest.mark.parametrize(("what", "every"), [("descriptors", 20), ("threads", 10)])
def test_what_is_kept_open_is_in_the_verdict(what: str, every: int) -> None:
    """One more now and then, and nothing else."""
    level = looks(series(1))
    kept = [
        replace(look, **{what: getattr(look, what) + number // every})
        for number, look in enumerate(level)
    ]
    assert verdict(level) == {}
    assert list(verdict(kept)) == [what]


def test_a_pool_that_grew_once_is_no_leak() -> None:
    """Two requests met in the middle of the soak, and the second thread stays."""
    level = looks(series(1))
    grown = [replace(look, threads=13 + int(n > len(level) // 2)) for n, look in enumerate(level)]
    assert verdict(grown) == {}


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([5, 5, 5, 5, 5, 5], 0),
        ([1, 9, 5, 7, 5, 6], 0),
        ([9, 8, 7, 6, 5, 4], 0),
        ([1, 2, 3, 4, 5, 6], 2),
        ([1, 5, 9, 9, 9, 9, 12, 12, 12], 3),
        ([1, 5, 9, 9, 9, 9, 9.5, 9.5, 9.5], 0),
    ],
)
def test_later_is_told_from_noise(values: list[float], wanted: float) -> None:
    """Actions that come later and later are what a player notices of a leak."""
    assert later(values) == wanted


def test_too_few_looks_are_no_verdict() -> None:
    """An empty soak would be a green one."""
    with pytest.raises(ValueError, match="too few"):
        verdict(looks(series(1))[:30])
