"""From points to poses, and which of them can be overlays."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nitropilot.dataset.locating.features import Features, Sift
from nitropilot.dataset.locating.matching import distinct, fitted, matches, plausible, spread
from nitropilot.dataset.pose import Box, Pose

SEEN = Box(10, 20, 490, 320)


@pytest.mark.parametrize(
    ("pose", "right"),
    [
        (Pose(0.3, 20, 20), True),
        (Pose(0.3, 20, 20, math.radians(7)), True),
        (Pose(0.3, 20, 20, math.radians(9)), False),
        (Pose(0.3, 20, 20, math.radians(180)), False),
        (Pose(0.05, 20, 20), False),
        (Pose(1.3, 0, 0), False),
        (Pose(0.3, -40, 20), True),
        (Pose(0.3, -90, 20), False),
        (Pose(0.3, 20, 340), False),
    ],
    ids=["usual", "slanted", "turned", "upside_down", "tiny", "huge", "cut", "mostly_out", "below"],
)
def test_which_poses_can_be_overlays(pose: Pose, right: bool) -> None:
    """Points of a game agree on poses that no overlay has."""
    assert plausible(pose, SEEN, 640, 360) is right


def test_a_pose_is_found_among_wrong_pairs() -> None:
    """Most of the points that look alike are wrong: RANSAC has to find those that are not."""
    rng = np.random.default_rng(3)
    canvas = rng.uniform(0, 400, (80, 2)).astype(np.float32)
    pose = Pose(0.35, 51.5, 20.25, math.radians(2))
    picture = (np.c_[canvas, np.ones(80)] @ pose.matrix().T).astype(np.float32)
    picture[30:] = rng.uniform(0, 300, (50, 2))
    fit = fitted(canvas, picture)
    assert fit is not None
    found, agree = fit
    assert found.matrix() == pytest.approx(pose.matrix(), abs=0.01)
    assert agree[:30].all()
    assert agree[30:].sum() < 5


def test_too_few_pairs_give_no_pose() -> None:
    """Two points fit any pose."""
    assert fitted(np.zeros((2, 2), np.float32), np.zeros((2, 2), np.float32)) is None


def test_what_looks_like_two_things_is_neither() -> None:
    """Lowe's test: a corner that the picture has twice says nothing."""
    looks = np.eye(4, dtype=np.float32)
    skin = Features(np.zeros((2, 2), np.float32), looks[:2])
    twice = Features(np.zeros((3, 2), np.float32), looks[[0, 0, 1]])
    assert matches(Sift(), skin, twice).tolist() == [[1, 2]]
    assert matches(Sift(), skin, Features(twice.points[:0], twice.descriptors[:0])).size == 0


def test_a_point_of_the_picture_counts_once() -> None:
    """A skin's points at several sizes are one point of a picture: inliers would be counted up."""
    looks = np.array([[1, 0, 0], [0.96, 0.28, 0]], np.float32)
    picture = Features(np.zeros((2, 2), np.float32), np.eye(3, dtype=np.float32)[[0, 2]])
    assert matches(Sift(), Features(np.zeros((2, 2), np.float32), looks), picture).tolist() == [
        [0, 0]
    ]


def test_points_that_are_one_count_once() -> None:
    """Found at two sizes, or in ten frames, it is one point still."""
    points = np.array([[100, 100], [101, 99], [300, 100]], np.float32)
    assert distinct(points, Box(0, 0, 480, 320)) == 2
    assert spread(points, Box(0, 0, 400, 200)) == pytest.approx(0.005)
