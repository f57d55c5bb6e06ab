"""Which skin is where, from which frame to which."""

from __future__ import annotations

import pytest

from nitropilot.dataset.locating.locate import Found, Locator
from nitropilot.dataset.locating.verify import LEAST
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.templates.template import Template
from tests.dataset.locating.making import HEIGHT, WIDTH, Shown, clip, off

SHOTS, COUNT = 9, 18
LEFT, RIGHT = Pose(0.3, 5.3, 70.7), Pose(0.3, 165.4, 92.2)


def agrees(found: Found, shown: Shown, count: int = COUNT) -> bool:
    """Whether what was found is what was shown: skin, place to a tenth of a pixel, frames."""
    frames = (shown.first, min(shown.last, count))
    at = off(found.pose, shown.pose, shown.template)
    return found.template is shown.template and at < 0.1 and (found.first, found.last) == frames


@pytest.mark.parametrize(("name", "opacity"), [("lookalike", 1.0), ("outline", 0.7)])
def test_the_right_skin_is_found(
    name: str, opacity: float, library: dict[str, Template], ready: Locator
) -> None:
    """A wrong skin of the same shape would be read with the wrong letters."""
    shown = Shown(library[name], Pose(0.32, 20.3, 60.7), opacity=opacity)
    search = ready.search(clip(shown, count=COUNT), SHOTS)
    assert len(search.found) == 1
    assert agrees(search.found[0], shown)
    assert search.best_name == name
    assert search.found[0].inliers >= 20
    assert search.found[0].score >= LEAST


def test_nothing_is_found_where_nothing_is(ready: Locator) -> None:
    """Actions read off a game's own pictures would be noise that nobody notices."""
    search = ready.search(clip(seed=5, count=COUNT), SHOTS)
    assert search.found == []
    assert 0 <= search.best_score < LEAST


def test_a_skin_that_moves_is_found_twice(library: dict[str, Template], ready: Locator) -> None:
    """Half of such a video would be read where the controller is no more."""
    shown = (Shown(library["dark"], LEFT, 0, 10), Shown(library["dark"], RIGHT, 10))
    found = ready.search(clip(*shown, count=COUNT), SHOTS).found
    assert [agrees(each, known) for each, known in zip(found, shown, strict=True)] == [True, True]


def test_a_skin_that_comes_and_goes(library: dict[str, Template], ready: Locator) -> None:
    """Frames without it would be read as if nothing were pressed."""
    shown = Shown(library["blue"], LEFT, 4, 13)
    (found,) = ready.search(clip(shown, count=COUNT), SHOTS).found
    assert agrees(found, shown)


def test_two_at_once(library: dict[str, Template], ready: Locator) -> None:
    """Of two players the second would be lost."""
    shown = (Shown(library["dark"], LEFT), Shown(library["blue"], RIGHT))
    found = ready.search(clip(*shown, count=COUNT), SHOTS).found
    assert [agrees(each, known) for each, known in zip(found, shown, strict=True)] == [True, True]


def test_a_change_of_size_ends_it(library: dict[str, Template], ready: Locator) -> None:
    """A pose in pixels of one size is wrong in another."""
    shown = Shown(library["dark"], LEFT)
    video = clip(shown, count=COUNT)
    video.grows = (11, WIDTH + 80, HEIGHT + 40)
    found = ready.search(video, SHOTS).found
    assert [(each.first, each.last) for each in found] == [(0, 11), (11, COUNT)]
    assert max(off(each.pose, LEFT, shown.template) for each in found) < 0.1


def test_few_frames_are_looked_at(library: dict[str, Template], ready: Locator) -> None:
    """An hour of video must not take an hour to search: edges are found by halving."""
    video = clip(Shown(library["dark"], LEFT, 0, 1234), count=2000)
    (found,) = ready.search(video, SHOTS).found
    assert (found.first, found.last) == (0, 1234)
    assert len(set(video.asked)) < SHOTS + 15
