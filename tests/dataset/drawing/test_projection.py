"""What is on a canvas, in a picture's pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nitropilot.dataset.drawing.projection import Projection
from nitropilot.dataset.pose import Box, Pose

CANVAS = Box(0, 0, 64, 48)


def smooth(seed: int = 0) -> np.ndarray:
    x, y = np.meshgrid(np.arange(64) + 0.5, np.arange(48) + 0.5)
    channels = [np.sin(x / 9 + c) * np.cos(y / 7 - c) for c in range(4)]
    return np.stack(channels, axis=2).astype(np.float32)


def test_a_pixel_is_the_mean_of_what_it_covers() -> None:
    canvas = np.random.default_rng(0).random((48, 64, 4), np.float32)
    half = Projection(Pose(0.5, 0, 0), Box(0, 0, 32, 24)).project(canvas, CANVAS)

    assert np.allclose(half, canvas.reshape(24, 2, 32, 2, 4).mean(axis=(1, 3)), atol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 3.0, -4.0])
@pytest.mark.parametrize("stretch", [1.0, 1.1])
def test_a_canvas_lies_where_its_pose_says(angle: float, stretch: float) -> None:
    pose = Pose(0.45, 5.37, 4.81, math.radians(angle), stretch)
    seen = Projection(pose, Box(0, 0, 40, 32)).project(smooth(), CANVAS)

    back = np.linalg.inv(np.vstack([pose.matrix(), [0, 0, 1]]))
    for x, y in ((15, 12), (20, 16), (25, 20)):
        at = back @ (x + 0.5, y + 0.5, 1)
        expected = np.sin(at[0] / 9) * np.cos(at[1] / 7)
        assert seen[y, x, 0] == pytest.approx(expected, abs=0.02)


def test_a_part_of_the_canvas_is_enough_for_a_part_of_the_picture() -> None:
    pose, box = Pose(0.45, 5.37, 4.81), Box(12, 10, 20, 18)
    projection = Projection(pose, box)
    seen = projection.seen()
    canvas = smooth()
    part = canvas[seen.top : seen.bottom, seen.left : seen.right]

    whole = Projection(pose, Box(0, 0, 40, 32)).project(canvas, CANVAS)
    assert np.allclose(projection.project(part, seen), whole[10:18, 12:20], atol=1e-5)


def test_beyond_the_canvas_there_is_nothing() -> None:
    seen = Projection(Pose(1, 10, 10), Box(0, 0, 12, 12)).project(
        np.ones((48, 64, 4), np.float32), CANVAS
    )

    assert not seen[:10].any()
    assert not seen[:, :10].any()
    assert (seen[10:, 10:] == 1).all()
