"""Which part of a video, from which frame to which; the network is one that knows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from nitropilot.dataset.detecting.boxes import Said, Sides, said_of
from nitropilot.dataset.detecting.detect import detect
from nitropilot.dataset.detecting.detector import Detector
from nitropilot.dataset.detecting.pictures import picture_of
from nitropilot.dataset.detecting.view import HEIGHT, WIDTH
from nitropilot.dataset.drawing.planes import Colours, planes_of
from nitropilot.dataset.locating.sampling import Shot
from nitropilot.dataset.pose import Box, Pose, overlap
from nitropilot.dataset.templates.template import Template
from tests.dataset.locating.making import BLUE, Shown, clip, skin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.detecting.detect import Region

SHOTS = 15
LEFT, RIGHT = Pose(0.25, 5.3, 70.7), Pose(0.25, 165.4, 92.2)


class Knows:
    """Says where something blue stands still: an upright rectangle, as the skin's body is.

    Attributes:
        doubts: Views from that many on get a score of .2.
        errs: Pixels by which the first one's box is too far to the right.
        looks: Views that it saw.
    """

    def __init__(self, doubts: int = 10**6, errs: float = 0.0) -> None:
        self.doubts, self.errs, self.looks = doubts, errs, 0

    def say(self, cues: NDArray[np.uint8]) -> Said:
        """What is in one view."""
        red, _, blue, moves = cues[:4].astype(int)
        still = ((blue - red > 90) & (moves < 70)).astype(np.uint8)
        count, _, found, _ = cv2.connectedComponentsWithStats(still)
        self.looks += 1
        if count < 2:
            return said_of(None, HEIGHT, WIDTH)
        left, top, width, height, area = max(found[1:].tolist(), key=lambda each: each[4])
        if area < 500:
            return said_of(None, HEIGHT, WIDTH)
        left += self.errs if self.looks == 1 else 0
        said = said_of(Sides(left, top, left + width, top + height), HEIGHT, WIDTH)
        return said._replace(near=0.2 * said.near) if self.looks > self.doubts else said


@pytest.fixture(scope="module")
def blue() -> Template:
    """A blue pad, whose body goes from 15 to 465 and from 30 to 290 of its canvas."""
    return skin("blue", BLUE)


def body(pose: Pose) -> Box:
    """Where the blue is, to the nearest pixel."""
    scale = pose.scale
    return Sides(pose.x + 15 * scale, pose.y + 30 * scale,
                 pose.x + 466 * scale, pose.y + 291 * scale).whole()  # fmt: skip


def agrees(region: Region, pose: Pose, first: int, last: int) -> bool:
    """Whether a region is the right one: frames to one, and nearly the same box."""
    apart = max(abs(region.first - first), abs(region.last - last))
    return apart <= 1 and overlap(region.box, body(pose)) > 0.9 and region.score > 0.8


def test_one_that_is_always_there(blue: Template) -> None:
    """The box is the video's own, and nobody has to look at parts."""
    knows = Knows()
    found = detect(clip(Shown(blue, LEFT)), Detector(knows, 0.5), SHOTS)
    assert len(found.found) == 1
    assert agrees(found.found[0], LEFT, 0, 30)
    assert found.best_score == found.found[0].score
    assert knows.looks == 2


def test_none_says_none_and_how_sure_that_is() -> None:
    """What is made of a game's own pictures would be noise that nobody notices."""
    found = detect(clip(seed=5), Detector(Knows(), 0.5), SHOTS)
    assert found.found == []
    assert 0 <= found.best_score < 0.5


def test_one_that_comes_and_goes(blue: Template) -> None:
    """It is in a third of the frames, so their median has nothing of it."""
    found = detect(clip(Shown(blue, LEFT, 11, 21)), Detector(Knows(), 0.5), SHOTS)
    assert [agrees(each, LEFT, 11, 21) for each in found.found] == [True]


def test_one_that_is_there_twice(blue: Template) -> None:
    """Between, frames would be read as if nothing were pressed."""
    shown = Shown(blue, LEFT, 0, 11), Shown(blue, LEFT, 17)
    found = detect(clip(*shown), Detector(Knows(), 0.5), SHOTS).found
    assert [(each.first, each.last) for each in found] == [(0, 11), (17, 30)]


def test_one_that_moves_is_found_at_both_places(blue: Template) -> None:
    """Half of such a video would be read where it is no more."""
    shown = Shown(blue, LEFT, 0, 17), Shown(blue, RIGHT, 17)
    found = detect(clip(*shown), Detector(Knows(), 0.5), SHOTS).found
    assert len(found) == 2
    assert agrees(found[0], LEFT, 0, 17)
    assert agrees(found[1], RIGHT, 17, 30)


def test_after_a_change_of_size_it_is_where_that_has_it(blue: Template) -> None:
    """Boxes are in pixels of the frames that they are for."""
    video = replace(clip(Shown(blue, LEFT)), grows=(14, 480, 300))
    found = detect(video, Detector(Knows(), 0.5), SHOTS).found
    assert [agrees(each, LEFT, *frames) for each, frames in
            zip(found, ((0, 14), (14, 30)), strict=True)] == [True, True]  # fmt: skip


def test_both_looks_have_to_agree(blue: Template) -> None:
    """The closer one is there to see through what looked like one from afar."""
    found = detect(clip(Shown(blue, LEFT)), Detector(Knows(doubts=1), 0.5), SHOTS)
    assert found.found == []
    assert found.best_score == pytest.approx(0.2, abs=0.01)


def test_a_first_look_that_errs_is_set_right(blue: Template) -> None:
    """By a closer one at where it should have been, and another one where that has it."""
    knows = Knows(errs=35)
    found = detect(clip(Shown(blue, LEFT)), Detector(knows, 0.5), SHOTS).found
    assert [agrees(each, LEFT, 0, 30) for each in found] == [True]
    assert knows.looks == 3


def test_a_first_look_at_another_place_claims_nothing(blue: Template) -> None:
    """Both mean something, but not the same."""
    found = detect(clip(Shown(blue, LEFT)), Detector(Knows(errs=90), 0.5), 8)
    assert found == ([], 0.0)


def test_a_video_that_breaks_off_at_once_shows_nothing() -> None:
    """No frame, no box and no failure."""
    found = detect(replace(clip(), ends=0), Detector(Knows(), 0.5), SHOTS)
    assert found == ([], 0.0)


@pytest.mark.parametrize(
    "colours", [Colours(), Colours("bt709"), Colours("bt601", full=True)], ids=str
)
def test_colours_are_as_the_video_means_them(colours: Colours) -> None:
    """High definition, seen as television of old, is another green."""
    flat = np.full((16, 16, 3), (60, 190, 90), np.uint8)
    y, u, v = (np.round(plane).astype(np.uint8) for plane in planes_of(flat, colours))
    seen = picture_of(Shot(0, y, u, v), colours)
    assert np.abs(seen.astype(int) - flat).max() <= 3
