"""Which controllers are where in a video.

Some frames are spread over it.  By the points of their median, or of each, skins of a library are
brought to places where they may be (``candidates``); where none has enough, by the edges that stand
still (``edges``).  By its pixels each is held against what is seen there (``claims``); then the
frames are found from which and until which it is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.locating.candidates import Points
from nitropilot.dataset.locating.claims import Claims
from nitropilot.dataset.locating.edges import Edges, Outlines
from nitropilot.dataset.locating.features import kinds
from nitropilot.dataset.locating.presence import HALF, MAYBE
from nitropilot.dataset.locating.sampling import sample, shot
from nitropilot.dataset.locating.skins import skins
from nitropilot.dataset.video.spans import spans

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from nitropilot.dataset.locating.claims import Claim
    from nitropilot.dataset.locating.features import Kind
    from nitropilot.dataset.locating.sampling import Shots
    from nitropilot.dataset.locating.skins import Skin
    from nitropilot.dataset.pose import Pose
    from nitropilot.dataset.templates.template import Template
    from nitropilot.dataset.video.frames import Video

BUDGET = 25
"""Frames that are searched: with fewer the game shows through the median, with more nothing is
found that these do not have."""


class Found(NamedTuple):
    """A controller that is on screen for some time.

    Attributes:
        template: Which.
        pose: Where, in pixels of the video.
        score: How surely, 0 to 1: see ``verify``.
        inliers: Points of the skin that agree on where it is; 0 where it was found by its edges.
        first: The first frame in which it is there.
        last: The first one after it in which it is no more, or as many as the video has.
    """

    template: Template
    pose: Pose
    score: float
    inliers: int
    first: int
    last: int


class Search(NamedTuple):
    """What was looked for in a video.

    Attributes:
        found: All that was found, by ``first``.
        best_score: The highest score that any skin got, taken or not; 0 where none came so far.
        best_name: The skin that got it; empty where none did.
        xfeat: Whether XFeat took part: ``used``, or ``unavailable (why)``.
    """

    found: list[Found]
    best_score: float
    best_name: str
    xfeat: str


@dataclass
class Locator:
    """Looks for the skins of one library in any number of videos.

    Args:
        skins: The library with its points.
        kinds: How points are found.
        xfeat: What is to be said of XFeat.
    """

    skins: list[Skin]
    kinds: list[Kind]
    xfeat: str
    _outlines: Outlines = field(init=False)

    def __post_init__(self) -> None:
        self._outlines = Outlines(self.skins)

    def search(self, video: Video, budget: int = BUDGET) -> Search:
        """Look through a video.

        Args:
            video: Which.
            budget: How many of its frames are searched for points.
        """
        sizes = sample(video, budget)
        numbers = sorted(each.number for shots in sizes for each in shots.shots)
        found: list[Found] = []
        best_score, best_name = 0.0, ""
        for shots in sizes:
            points = Points(shots, self.kinds, self.skins)
            claims = Claims(shots, points, Edges(shots, self._outlines), video.colours)
            for claim in claims.search():
                found += _found(video, shots, claim, numbers)
            if claims.best_score > best_score:
                best_score, best_name = claims.best_score, claims.best_name
        found.sort(key=lambda each: (each.first, each.pose.x))
        return Search(found, best_score, best_name, self.xfeat)


def locator(templates: Iterable[Template], xfeat_weights: Path | None = None) -> Locator:
    """Make ready to look for skins.

    Args:
        templates: The skins.
        xfeat_weights: A file of XFeat's weights; see ``features.kinds``.

    Raises:
        BadWeights: The file cannot be used.
    """
    ways, said = kinds(xfeat_weights)
    return Locator(skins(templates, ways), ways, said)


def _found(video: Video, shots: Shots, claim: Claim, numbers: list[int]) -> list[Found]:
    """A claim for each time that it is there, to the frame."""
    pose = shots.in_video(claim.at.pose)
    here = {each.number for each, is_in in zip(shots.shots, claim.there, strict=True) if is_in}
    usual = float(np.median(claim.shares[claim.there]))

    def is_there(number: int) -> bool:
        """A frame that cannot be decoded, or has another size, has no skin."""
        frame = next(video.frames(first=number), None)
        if frame is None or (frame.width, frame.height) != (shots.width, shots.height):
            return False
        share = claim.presence.share(shot(frame).part(claim.presence.box))
        return share >= max(MAYBE, HALF * usual)

    return [
        Found(claim.skin.template, pose, claim.verdict.score, claim.inliers, *span)
        for span in spans(here, numbers, len(video.times), is_there)
    ]
