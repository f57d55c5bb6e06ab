"""What shows through: guessed from what lies beside, or known from what is left."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.dataset.pose import Box
from nitropilot.dataset.reading.background import SEVERAL, Surroundings

USED = np.ones((20, 20), bool)
OVERLAY = Box(0, 0, 20, 20)


def surroundings(count: int, moves: float) -> Surroundings:
    """Pictures of something rough that stands, and of some light that comes and goes."""
    rng = np.random.default_rng(1)
    stands = rng.uniform(40, 220, (60, 60))
    light = moves * rng.standard_normal((count, 1, 1))
    pictures = np.clip(stands + light, 0, 255).astype(np.uint8)
    return Surroundings((pictures, pictures[:, ::2, ::2], pictures[:, ::2, ::2]), OVERLAY)


@pytest.mark.parametrize("through", [0.1, 0.6])
def test_what_stands_there_is_known_from_what_is_left(through: float) -> None:
    beside = surroundings(24, 10.0)
    truth = beside.planes[0][:, :20, :20].mean(axis=0).ravel()
    shown = np.full((50, 400), through, np.float32)
    left = shown * truth + np.random.default_rng(2).normal(0, 2, shown.shape)

    before = beside.background(0, USED)
    found = beside.standing(0, USED, left.astype(np.float32), shown)

    assert np.corrcoef(np.broadcast_to(found.mean, 400), truth)[0, 1] > 0.95
    power = [np.square(each.patterns).sum(axis=1).mean() + np.mean(each.rest)
             for each in (before, found)]  # fmt: skip
    assert power[1] < 0.4 * power[0]
    if through > 0.5:
        assert np.abs(found.mean - truth).max() < 4
        assert power[1] == pytest.approx(100, rel=0.6)


def test_what_is_hidden_is_not_known() -> None:
    """Of pixels that let nothing through, it is as it was."""
    beside = surroundings(24, 10.0)
    shown = np.zeros((50, 400), np.float32)
    before = beside.background(0, USED)
    found = beside.standing(0, USED, shown + 3, shown)

    np.testing.assert_allclose(found.mean, before.level)
    power = [np.square(each.patterns).sum(axis=1).mean() + np.mean(each.rest)
             for each in (before, found)]  # fmt: skip
    assert power[1] == pytest.approx(power[0], rel=0.3)


def test_of_few_pictures_nothing_is_known_to_stand() -> None:
    beside = surroundings(SEVERAL - 1, 0.0)
    shown = np.full((50, 400), 0.5, np.float32)
    before, found = beside.background(0, USED), beside.standing(0, USED, shown * 9, shown)

    assert found.mean == before.mean
    np.testing.assert_array_equal(found.patterns, before.patterns)
