"""What the detector sees of some frames."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.dataset.detecting.view import (
    CHANNELS,
    HEIGHT,
    WIDTH,
    ZOOM,
    around,
    cues,
    median,
    view,
    whole,
)
from nitropilot.dataset.pose import Box
from tests.dataset.detecting.crude import draw, game

PAD = Box(32, 24, 96, 64)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 25])
def test_the_median_is_the_upper_one(count: int) -> None:
    """A network of exchanges that lacks one is right nearly everywhere."""
    stack = np.random.default_rng(count).integers(0, 255, (count, 9, 40)).astype(np.uint8)
    assert np.array_equal(median(stack), np.sort(stack, axis=0)[count // 2])
    given = stack.copy()
    median(stack)
    assert np.array_equal(stack, given)


def test_what_stands_still_is_told_from_what_moves() -> None:
    """Cues that mixed them up would leave nothing to learn."""
    rng = np.random.default_rng(1)
    frames = np.stack([game(rng) for _ in range(9)])
    for frame in frames:
        draw(frame, PAD)
    seen = cues(frames)
    assert seen.shape == (CHANNELS, *frames.shape[1:3])
    assert seen.dtype == np.uint8
    inside = np.zeros(frames.shape[1:3], bool)
    inside[PAD.top + 2 : PAD.bottom - 2, PAD.left + 2 : PAD.right - 2] = True
    outside = ~inside
    outside[PAD.top - 2 : PAD.bottom + 2, PAD.left - 2 : PAD.right + 2] = False
    assert np.array_equal(seen[:3, inside], frames[0].transpose(2, 0, 1)[:, inside])
    assert seen[3][inside].max() == seen[4][inside].max() == 0
    assert np.median(seen[3][outside]) > 150
    assert np.median(seen[4][outside]) > 150
    rim = (slice(PAD.top + 12, PAD.bottom - 12), PAD.left)
    assert seen[6][rim].min() > np.quantile(seen[6][outside], 0.95)
    middle = (slice(PAD.top + 3, PAD.top + 8), slice(PAD.left + 3, PAD.right - 3))
    assert seen[5][middle].max() == seen[6][middle].max() == 0


def test_one_that_is_pressed_now_and_then_still_stands_still() -> None:
    """The typical distance forgets what the mean one tells."""
    frames = np.full((9, 32, 32, 3), 40, np.uint8)
    frames[3, 8:16, 8:16] = 240
    seen = cues(frames)
    assert seen[3].max() == 0
    assert seen[4, 12, 12] > 100
    assert seen[4, 24, 24] == 0


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (360, 640), (321, 201), (100, 40)])
def test_the_first_look_shows_all_of_a_picture(size: tuple[int, int]) -> None:
    """A controller stands in a corner, as a rule."""
    window = whole(*size)
    assert (window.left, window.top) == (0, 0)
    assert window.right >= size[0]
    assert window.bottom >= size[1]
    assert window.width / window.height == pytest.approx(WIDTH / HEIGHT, rel=0.01)


@pytest.mark.parametrize("box", [Box(10, 20, 90, 70), Box(300, 200, 340, 300), Box(-9, -9, 40, 20)])
def test_a_closer_look_has_a_box_in_its_middle(box: Box) -> None:
    """And at one size, so that sides are as exact for a small one."""
    window = around(box)
    assert (window.left + window.right) / 2 == pytest.approx((box.left + box.right) / 2, abs=1)
    assert (window.top + window.bottom) / 2 == pytest.approx((box.top + box.bottom) / 2, abs=1)
    taken = max(box.width / window.width, box.height / window.height)
    assert taken == pytest.approx(ZOOM, rel=0.03)


def test_a_window_is_where_it_says() -> None:
    """Half a pixel beside, and every box is."""
    picture = np.zeros((96, 160, 3), np.uint8)
    picture[40:56, 64:96] = 255
    (seen,) = view([picture], Box(16, 16, 176, 112))  # twice as large; beyond the picture
    assert seen.shape == (HEIGHT, WIDTH, 3)
    light = seen[..., 0] > 127
    rows, columns = np.flatnonzero(light.any(axis=1)), np.flatnonzero(light.any(axis=0))
    assert (rows[0], rows[-1] + 1) == (48, 80)
    assert (columns[0], columns[-1] + 1) == (96, 160)
    with pytest.raises(ValueError, match="outside of a picture of 160 x 96"):
        view([picture], Box(200, 0, 360, 96))
