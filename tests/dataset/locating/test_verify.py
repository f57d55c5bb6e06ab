"""Whether a skin is really there."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.dataset.locating.neutral import even, neutral
from nitropilot.dataset.locating.presence import Presence, there
from nitropilot.dataset.locating.refine import Refined
from nitropilot.dataset.locating.sampling import Shots, shot
from nitropilot.dataset.locating.verify import LEAST, Verdict, verify
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.templates.template import Template
from tests.dataset.locating.making import COLOURS, Shown, clip

POSE = Pose(0.32, 20.3, 60.7)


def verdict(template: Template, *shown: Shown, pose: Pose = POSE, count: int = 7) -> Verdict:
    """How well a skin fits the median of a clip."""
    video = clip(*shown, count=count)
    seen = Shots([shot(video.frame(i)) for i in range(count)], video.width, video.height)
    drawn = neutral(template, pose.scale)
    box = even(drawn.place(pose).wider(12), *seen.size)
    at = Refined(pose, shown[0].opacity if shown else 1.0, 0.0)
    return verify(seen.median(range(count), box), box, drawn, at, COLOURS)


@pytest.mark.parametrize(("name", "opacity"), [("dark", 1.0), ("blue", 0.7), ("outline", 0.6)])
def test_the_right_skin_fits(name: str, opacity: float, library: dict[str, Template]) -> None:
    """Overlays that are rejected are hours of play that are lost."""
    template = library[name]
    assert verdict(template, Shown(template, POSE, opacity=opacity)).score > 0.7


def test_of_two_alike_the_right_one_explains_more(library: dict[str, Template]) -> None:
    """Skins of one family share most of their lines, and differ in letters."""
    shown = Shown(library["dark"], POSE)
    right, wrong = (verdict(library[name], shown) for name in ("dark", "lookalike"))
    assert right.gain > wrong.gain
    assert right.score > wrong.score


@pytest.mark.parametrize("name", ["dark", "blue", "outline"])
def test_a_game_is_no_skin(name: str, library: dict[str, Template]) -> None:
    """What matches by chance must not be taken for an overlay."""
    assert verdict(library[name]).score < 0.5 * LEAST


def test_another_skin_is_not_this_one(library: dict[str, Template]) -> None:
    """One that is in no library must not be read as one that is."""
    assert verdict(library["dark"], Shown(library["blue"], POSE)).score < LEAST


def test_frames_without_it_are_told_from_those_with(library: dict[str, Template]) -> None:
    """The matched filter is all that says from when to when an overlay stands there."""
    template = library["outline"]
    video = clip(Shown(template, POSE, 3, 6, opacity=0.5), count=9)
    drawn = neutral(template, POSE.scale)
    frames = [shot(video.frame(i)) for i in range(9)]
    box = even(drawn.place(POSE).wider(12), video.width, video.height)
    presence = Presence(drawn, POSE, box, COLOURS)
    shares = np.array([presence.share(each.part(box)) for each in frames])
    assert there(shares).tolist() == [3 <= i < 6 for i in range(9)]
    assert shares[3:6] == pytest.approx(0.5, abs=0.12)
