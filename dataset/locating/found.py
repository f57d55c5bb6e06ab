"""What a search through a video gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from nitropilot.dataset.pose import Pose
    from nitropilot.dataset.templates.template import Template


class Found(NamedTuple):
    """A controller that is on screen for some time.

    Attributes:
        template: Which.
        pose: Where, in pixels of the video.
        score: How surely, 0 to 1: see ``verify``.
        inliers: Points of the skin that agree on where it is.
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
