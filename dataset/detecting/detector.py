"""``Detector``: where in some frames a controller is, by two looks.

The first is at the whole picture.  The second is at the place that the first one has named, in the
video's own pixels and at one size whatever the controller's: it has the sides exactly, and both
have to agree that there is one.  Where the first was far off there is a third.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from nitropilot.dataset.detecting.boxes import Said, Sides, box_of, sharpened
from nitropilot.dataset.detecting.view import WIDTH, around, cues, view, whole
from nitropilot.dataset.pose import Box, overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Pictures = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]

AGREE = 0.3
"""Least intersection over union of what two looks mean."""
CLOSER, SETTLED = 2, 0.8
"""Most closer looks; there is another one if the last one moved the box by more than this."""
FEWEST = 5
"""Frames whose median shows what stands still in them."""
PARTS = (1, 2, 4)
"""A controller that is there for a while stands out of the frames of that while: they are looked at
all together, then halves of them, then quarters."""


class Eye(Protocol):
    """Says what is in a view: ``network.Network``."""

    def say(self, cues: NDArray[np.uint8]) -> Said:
        """What is in one view, ``CHANNELS x H x W``."""
        ...


class Look(NamedTuple):
    """What was seen in some frames.

    Attributes:
        box: The likeliest place, in pixels of the pictures; may reach out of them a little.
        score: How surely, 0 to 1.
        first: The first of the frames that show it.
        last: The first one after them.
    """

    box: Box
    score: float
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Detector:
    """Finds controllers of any look.

    Attributes:
        eye: The network.
        threshold: The score from which on one is claimed.
        card: What its file says of it.
    """

    eye: Eye
    threshold: float
    card: dict[str, Any] = field(default_factory=dict)

    def search(self, pictures: Pictures) -> Look:
        """Look at frames that are spread over a video; what it shows may come and go.

        Args:
            pictures: ``N`` of ``h x w x 3`` uint8, RGB, in order.
        """
        best = Look(Box(0, 0, 1, 1), -1.0, 0, len(pictures))
        for parts in PARTS:
            for first, last in stretches(len(pictures), parts):
                box, score = look(self.eye, pictures[first:last], self.threshold)
                best = max(best, Look(box, score, first, last), key=lambda each: each.score)
            if best.score >= self.threshold:
                break
        return best


def stretches(count: int, parts: int) -> list[tuple[int, int]]:
    """A part of so many frames at a time, each half a part further on; none that is too short."""
    edges = np.linspace(0, count, 2 * parts + 1).round().astype(int).tolist()
    found = list(zip(edges, edges[2:], strict=False))
    return [each for each in found if parts == 1 or each[1] - each[0] >= FEWEST]


def look(eye: Eye, pictures: Pictures, least: float) -> tuple[Box, float]:
    """The likeliest place in frames that all show it, and its score.

    Args:
        eye: The network.
        pictures: As in ``Detector.search``.
        least: Score of a first look from which on there is a closer one.
    """
    height, width = pictures[0].shape[:2]
    window = whole(width, height)
    seen, score = box_of(eye.say(cues(view(pictures, window))))
    box = _in_picture(seen, window).whole()
    if score < least or not _within(box, width, height):
        return box, score
    for _ in range(CLOSER):
        window = around(box)
        said = eye.say(cues(view(pictures, window)))
        seen, again = box_of(said)
        closer = _in_picture(sharpened(seen, said.inside), window).whole()
        agreed = overlap(box, closer)
        if agreed < AGREE or not _within(closer, width, height):
            return box, 0.0
        box, score = closer, min(score, again)
        if agreed >= SETTLED:
            break
    return box, score


def _in_picture(sides: Sides, window: Box) -> Sides:
    """From pixels of a view to those of the picture."""
    scale = window.width / WIDTH
    return sides.moved(window.left / scale, window.top / scale, scale)


def _within(box: Box, width: int, height: int) -> bool:
    """Whether anything of a box is in a picture."""
    inside = box.inside(width, height)
    return inside.width > 0 and inside.height > 0
