"""States that last, from frames that say it one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from nitropilot.dataset.reading.decoding import (
    RELEASED,
    STAY,
    TEMPER,
    bridged,
    followed,
    peak,
    posterior,
    there,
)


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


def test_a_stick_is_followed_over_a_frame_that_shows_it_elsewhere() -> None:
    places = np.array([[x, y] for x in (-1, 0, 1) for y in (-1, 0, 1)], np.float32)
    likelihoods = np.zeros((20, 9), np.float32)
    likelihoods[:10, 3] = likelihoods[10:, 4] = 60
    likelihoods[5] = 0
    likelihoods[5, 5] = 18  # one frame says that it is far away, but not surely

    found = followed(likelihoods, places, 30.0)

    assert found.argmax(axis=1).tolist() == [3] * 10 + [4] * 10
    assert found.sum(axis=1) == pytest.approx(np.ones(20))
    likelihoods[5, 5] = 600  # and so it is surely
    assert followed(likelihoods, places, 30.0)[5].argmax() == 5


def test_a_controller_is_there_while_most_frames_say_so() -> None:
    """A frame that says nothing, and one that says no, are bridged."""
    found = np.full((100, 2), 1000.0)
    found[30] = [0, 0.1]
    found[50, 0] = 100
    found[60:, 0] = np.linspace(-50, 200, 40)

    shown = there(found.astype(np.float32), 30.0) > 0.5

    assert shown.tolist() == [True] * 60 + [False] * 40
