"""Which parts of a video show a controller that no template knows.

    detector = load(path)                   # weights: once
    regions = detect(video, detector)       # any number of videos
    for region in regions.found: ...        # box, score, frames first to before last

``Regions.best_score`` is told where none is found, too.  Boxes are whole pixels of the video, and
lie in its picture.  One controller at a time: of two that are on screen together the surer one is
found; one that moves is found at each place where it stays for a fifth of the frames looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.detecting.detector import FEWEST
from nitropilot.dataset.detecting.lasting import followed
from nitropilot.dataset.detecting.pictures import picture_of
from nitropilot.dataset.locating.sampling import sample, shot
from nitropilot.dataset.pose import Box, Pose
from nitropilot.dataset.video.spans import spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nitropilot.dataset.detecting.detector import Detector
    from nitropilot.dataset.detecting.lasting import Lasting
    from nitropilot.dataset.locating.sampling import Shot, Shots
    from nitropilot.dataset.video.frames import Video

BUDGET = 25
"""Frames that are looked at; as many as made-up videos have that were learned from."""
MOST_PLACES = 5
"""Of one video: a controller that moves more often is found where it was found."""


class Region(NamedTuple):
    """A controller that is on screen for some time.

    Attributes:
        box: Where, in pixels of the video.
        score: How surely, 0 to 1.
        first: The first frame in which it is there.
        last: The first one after it in which it is no more, or as many as the video has.
    """

    box: Box
    score: float
    first: int
    last: int


class Regions(NamedTuple):
    """What was looked for in a video.

    Attributes:
        found: All that was found, by ``first``.
        best_score: The highest score of any place, claimed or not; 0 where no frame was seen.
    """

    found: list[Region]
    best_score: float


def detect(video: Video, detector: Detector, budget: int = BUDGET) -> Regions:
    """Look for controllers in a video.

    Args:
        video: Which.
        detector: The network; see ``weights.load``.
        budget: How many of its frames are looked at.
    """
    sizes = sample(video, budget)
    sampled = sorted(each.number for shots in sizes for each in shots.shots)
    found: list[Region] = []
    best = 0.0
    for shots in sizes:
        for place in _places(shots, video, detector):
            best = max(best, place.score)
            if place.edges is not None:
                found += _regions(video, shots, place, sampled)
    return Regions(sorted(found, key=lambda each: each.first), best)


@dataclass(frozen=True, eq=False)
class _Place:
    """Something in frames of one size.

    Attributes:
        box: In pixels of what was searched, all of it in the picture.
        score: How surely.
        edges: Tell in which frames it is; None where it is not claimed.
        here: Numbers of the frames in which it is.
    """

    box: Box
    score: float
    edges: Lasting | None = None
    here: frozenset[int] = frozenset()


def _places(shots: Shots, video: Video, detector: Detector) -> Iterator[_Place]:
    """All that is found in frames of one size: those that do not show it are looked at again."""
    pictures = [picture_of(each, video.colours) for each in shots.shots]
    left = list(range(len(pictures)))
    for _ in range(MOST_PLACES):
        look = detector.search([pictures[index] for index in left])
        box = look.box.inside(*shots.size)
        if look.score < detector.threshold or min(box.width, box.height) < 1:
            yield _Place(box, look.score)
            return
        planes = [_part(shots.shots[index], box) for index in left]
        edges, there = followed(planes, range(look.first, look.last))
        here = [index for index, is_in in zip(left, there, strict=True) if is_in]
        if not here:
            yield _Place(box, look.score)
            return
        yield _Place(box, look.score, edges,
                     frozenset(shots.shots[index].number for index in here))  # fmt: skip
        left = [index for index in left if index not in here]
        if len(left) < FEWEST:
            return


def _regions(video: Video, shots: Shots, place: _Place, sampled: list[int]) -> list[Region]:
    """A place for each time that something is there, to the frame."""

    def is_there(number: int) -> bool:
        """A frame that cannot be decoded, or has another size, shows nothing."""
        frame = next(video.frames(first=number), None)
        if frame is None or (frame.width, frame.height) != (shots.width, shots.height):
            return False
        return place.edges is not None and place.edges.there(_part(shot(frame), place.box))

    pose = shots.in_video(Pose(1.0, place.box.left, place.box.top))
    box = pose.box(place.box.width, place.box.height).inside(shots.width, shots.height)
    return [
        Region(box, place.score, *span)
        for span in spans(place.here, sampled, len(video.times), is_there)
    ]


def _part(one: Shot, box: Box) -> NDArray[np.uint8]:
    """A part of its brightness."""
    return one.y[box.top : box.bottom, box.left : box.right]
