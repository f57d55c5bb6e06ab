"""Skins that are too small or too faint for points."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.dataset.locating.edges import NARROW, STEP, Edges, Outlines, widths
from nitropilot.dataset.locating.gradients import gradients
from nitropilot.dataset.locating.locate import Locator
from nitropilot.dataset.locating.matching import NARROWEST, WIDEST
from nitropilot.dataset.locating.sampling import Shots, shot
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.templates.template import Template
from tests.dataset.locating.making import HEIGHT, WIDTH, Clip, Shown, clip, off

FRAMES = 25
FAINT = Pose(0.14, 150.3, 90.7)


def shots(video: Clip) -> Shots:
    """All frames of a clip as they are searched."""
    frames = [shot(video.frame(number)) for number in range(len(video.times))]
    return Shots(frames, video.width, video.height)


def test_a_faint_outline_is_found_by_its_edges(
    library: dict[str, Template], ready: Locator
) -> None:
    """Hours of play under a faint overlay would be taken for play without one."""
    shown = Shown(library["outline"], FAINT, opacity=0.14)
    (found,) = ready.search(clip(shown, count=FRAMES), FRAMES).found
    assert found.inliers == 0  # by points there was nothing
    assert found.template is shown.template
    assert off(found.pose, FAINT, shown.template) < 0.1
    assert (found.first, found.last) == (0, FRAMES)


def test_a_line_across_the_picture_is_no_edge_of_a_skin(
    library: dict[str, Template], ready: Locator
) -> None:
    """Horizons and black bars stand still too, and are straight like a panel's side."""
    shown = Shown(library["blue"], FAINT, opacity=0.3)
    seen = shots(clip(shown, count=9))
    for each in seen.shots:
        each.y[:24], each.y[-24:] = 16, 16
        each.y[100:103] = 235
    best = Edges(seen, Outlines(ready.skins)).candidates()[0]
    assert best.skin.template is shown.template
    assert off(best.pose, FAINT, shown.template) < 3


@pytest.mark.parametrize("picture", [320, 640])
def test_all_widths_are_tried(picture: int) -> None:
    """A width that is left out is a streamer whose videos are all lost."""
    tried = list(widths(picture))
    assert all(NARROW - 1 <= width <= 2 * NARROW for _, width in tried)
    whole = np.array([width * 2.0**level for level, width in tried])
    assert whole[0] <= max(NARROWEST * picture, NARROW) + 0.5
    assert whole[-1] >= WIDEST * picture / STEP**1.2
    assert (whole[1:] / whole[:-1]).max() < STEP**1.4


def test_a_frame_of_strong_edges_counts_like_any_other() -> None:
    """One flash would else be brighter than all that stays."""
    faint, strong = (np.zeros((HEIGHT, WIDTH), np.float32) for _ in range(2))
    faint[:, 160:], strong[:, 160:] = 20.0, 200.0
    one, other = (np.abs(gradients(each)).max() for each in (faint, strong))
    assert other <= 1
    assert other < 1.5 * one
