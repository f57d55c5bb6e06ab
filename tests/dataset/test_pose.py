"""Where a canvas lies in a picture."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nitropilot.dataset.pose import Box, Pose, overlap


def test_a_point_of_the_canvas_is_found_in_the_picture() -> None:
    pose = Pose(0.5, 10, 20, math.radians(90), 2.0)

    # Turned clockwise by a quarter, right is down, and down is left and twice as far.
    assert pose.matrix() @ (4, 0, 1) == pytest.approx((10, 22))
    assert pose.matrix() @ (0, 4, 1) == pytest.approx((6, 20))


def test_the_box_holds_the_whole_canvas_and_no_more() -> None:
    assert Pose(0.5, 10, 20).box(100, 60) == Box(10, 20, 60, 50)
    assert Pose(0.5, 10.2, 20).box(100, 60) == Box(10, 20, 61, 50)
    turned = Pose(1.0, 50, 50, math.radians(45)).box(10, 10)
    assert turned == Box(42, 50, 58, 65)


def test_boxes() -> None:
    box = Box(-4, 3, 10, 9)
    assert (box.width, box.height) == (14, 6)
    assert box.inside(8, 8) == Box(0, 3, 8, 8)
    assert box.wider(2) == Box(-6, 1, 12, 11)
    assert overlap(Box(0, 0, 2, 2), Box(1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap(Box(0, 0, 2, 2), Box(2, 0, 3, 2)) == 0
    assert np.isclose(overlap(box, box), 1)
