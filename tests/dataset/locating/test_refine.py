"""Poses to a few hundredths of a pixel, and opacities."""

from __future__ import annotations

import math

import pytest

from nitropilot.dataset.locating.neutral import even, neutral
from nitropilot.dataset.locating.refine import refine
from nitropilot.dataset.locating.sampling import Shots, shot
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.templates.template import Template
from tests.dataset.locating.making import COLOURS, Shown, clip, off


def shots(*shown: Shown, count: int = 9) -> Shots:
    """All frames of a clip as they are searched."""
    video = clip(*shown, count=count)
    return Shots([shot(video.frame(i)) for i in range(count)], video.width, video.height)


@pytest.mark.parametrize(
    ("name", "opacity", "pose"),
    [
        ("dark", 1.0, Pose(0.317, 20.37, 60.71)),
        ("outline", 0.6, Pose(0.353, 31.12, 50.93)),
        ("blue", 0.85, Pose(0.31, 60.4, 40.8, math.radians(-4.0))),
        ("dark", 1.0, Pose(0.32, 20.3, 60.7, 0.0, 1.02)),
    ],
    ids=["opaque", "outline", "turned", "stretched"],
)
def test_it_draws_a_pose_to_its_place(
    name: str, opacity: float, pose: Pose, library: dict[str, Template]
) -> None:
    """Half a pixel beside, a stick that moves four pixels is read wrong by an eighth."""
    template = library[name]
    seen = shots(Shown(template, pose, opacity=opacity))
    turn = math.radians(0.4)
    near = Pose(pose.scale * 1.004, pose.x - 0.4, pose.y + 0.3, pose.angle + turn)
    box = even(neutral(template, pose.scale).place(near).wider(12), *seen.size)
    found = refine(seen.median(range(9), box), box, template, near, COLOURS)
    assert off(near, pose, template) > 0.4
    assert off(found.pose, pose, template) < 0.05
    assert found.opacity == pytest.approx(opacity, abs=0.03)
    assert found.residual < 3


def test_a_held_stick_pulls_at_nothing(library: dict[str, Template]) -> None:
    """Who runs all the time holds the left stick up: the median shows it there."""
    template, pose = library["dark"], Pose(0.32, 20.3, 60.7)
    video = clip(Shown(template, pose), count=9)
    video.held = (0.0, -1.0, 0.0, 0.0)
    seen = Shots([shot(video.frame(i)) for i in range(9)], video.width, video.height)
    near = Pose(0.321, 20.0, 60.5)
    box = even(neutral(template, pose.scale).place(near).wider(12), *seen.size)
    found = refine(seen.median(range(9), box), box, template, near, COLOURS)
    assert off(found.pose, pose, template) < 0.05
