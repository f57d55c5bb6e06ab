"""States that last, from frames that say it one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nitropilot.dataset.reading.decoding import RELEASED, STAY, TEMPER, bridged, peak, posterior


def test_it_is_the_sum_over_all_ways() -> None:
    rng = np.random.default_rng(0)
    said = [
        rng.normal(0, 6, (5, 2)).astype(np.float32),
        rng.normal(0, 6, (5, 3)).astype(np.float32),
    ]

    found = posterior(said, 30.0)

    for each, probable in zip(said, found, strict=True):
        states = each.shape[1]
        weight = np.zeros((5, states))
        seen = np.exp(each / TEMPER + RELEASED * (np.arange(states) == 0))
        for way in itertools.product(range(states), repeat=5):
            chance = np.prod([seen[frame, at] for frame, at in enumerate(way)])
            for one, next_ in itertools.pairwise(way):
                chance *= STAY if one == next_ else (1 - STAY) / (states - 1)
            for frame, at in enumerate(way):
                weight[frame, at] += chance
        assert probable == pytest.approx(weight / weight.sum(axis=1, keepdims=True), abs=1e-5)


def test_one_weak_frame_is_no_press_and_a_strong_one_is() -> None:
    weak, strong = np.zeros((30, 2), np.float32), np.zeros((30, 2), np.float32)
    weak[:, 0] = strong[:, 0] = 20
    weak[10], strong[10] = (0, 10), (0, 60)

    (from_weak, from_strong) = posterior([weak, strong], 30.0)
    assert not (from_weak[:, 1] > 0.5).any()
    assert np.flatnonzero(from_strong[:, 1] > 0.5).tolist() == [10]


def test_nothing_seen_is_nothing_decided() -> None:
    assert posterior([], 30.0) == []
    assert posterior([np.zeros((0, 2), np.float32)], 30.0)[0].shape == (0, 2)


def test_a_parabola_has_its_top_between() -> None:
    at = np.linspace(-0.45, 0.45, 7)
    before, middle, after = (-((x - at) ** 2) for x in (-1, 0, 1))

    assert peak(before, middle, after) == pytest.approx(at, abs=1e-6)
    flat = np.zeros(1, np.float32)
    assert peak(flat, flat, flat) == pytest.approx([0])


def test_a_stick_that_is_hardly_seen_is_between_where_it_was_and_is_then() -> None:
    times = np.arange(40) / 30
    at = np.stack([times, -times], axis=1).astype(np.float32)
    seen, sure = at.copy(), np.ones(40, np.float32)
    seen[5:8], sure[5:8] = 1.0, 0.2  # three frames: bridged
    seen[15:30], sure[15:30] = 0.5, 0.2  # half a second: nobody knows
    seen[39], sure[39] = 1.0, 0.2  # nothing comes after

    found = bridged(seen, sure, times)
    assert found[:15] == pytest.approx(at[:15], abs=1e-6)
    assert (found[15:30] == 0.5).all()
    assert (found[39] == 1.0).all()
