"""``View``: what a learned reader sees of the frames of a video."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.pose import Box
from nitropilot.dataset.styles.sample import cut, placing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.drawing.planes import Colours
    from nitropilot.dataset.video.frames import Frame

    Floats = NDArray[np.float32]

AROUND = 4
"""Pixels that are decoded beside what is seen."""
FAINT = 4.0
"""Levels by which a neighbour differs at an edge that is looked for again."""


@dataclass(frozen=True)
class View:
    """A part of a video, cut out as samples are.

    Attributes:
        box: Of the controller, in pixels of the video.
        part: What of the frames is needed: even sides, inside of them.
        colours: How the video writes them.
        size: Height and width of what is seen.
    """

    box: Box
    part: Box
    colours: Colours
    size: tuple[int, int]

    @classmethod
    def of(cls, box: Box, frame: tuple[int, int], colours: Colours, size: tuple[int, int]) -> View:
        """The view of a controller in frames of a width and a height."""
        inverse = np.linalg.inv(placing(box, size))
        left, top = inverse[:2, 2] - AROUND
        right, bottom = (inverse @ [size[1], size[0], 1])[:2] + AROUND
        part = Box(*(2 * math.floor(side / 2) for side in (left, top, right + 2, bottom + 2)))
        inside = part.inside(frame[0] - frame[0] % 2, frame[1] - frame[1] % 2)
        return cls(box, inside, colours, size)

    def fits(self, frame: Frame) -> bool:
        """Whether a frame, cut to ``part``, has all of it."""
        return frame.y.shape == (self.part.height, self.part.width)

    def picture(self, frame: Frame) -> NDArray[np.uint8]:
        """``h x w x 3`` RGB: what is seen of a frame that is cut to ``part``."""
        moved = Box(self.box.left - self.part.left, self.box.top - self.part.top,
                    self.box.right - self.part.left, self.box.bottom - self.part.top)  # fmt: skip
        return cut(rgb(frame, self.colours), moved, self.size)


def rgb(frame: Frame, colours: Colours) -> NDArray[np.uint8]:
    """``h x w x 3``: a frame, or a part of one from an even pixel on, in red, green and blue."""
    height, width = frame.y.shape
    whole = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)
             for plane in (frame.u, frame.v)]  # fmt: skip
    rows, offset = colours.matrix_and_offset()
    back = np.linalg.inv(rows) * 255
    both = np.concatenate([back, -(back @ offset)[:, None]], axis=1)
    return np.asarray(cv2.transform(cv2.merge([frame.y, *whole]), both), np.uint8)


def edges(picture: NDArray[np.uint8]) -> Floats:
    """``2 x h x w``: by how much the next pixel to the right and below is brighter, ``h x w x 3``
    RGB."""
    light = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across = np.diff(light, axis=1, append=light[:, -1:])
    return np.stack([across, np.diff(light, axis=0, append=light[-1:])])


def lasting(reference: NDArray[np.uint8]) -> Floats:
    """``2 x h x w``: the edges of what stays; 0 where there is none."""
    found = edges(reference)
    return np.asarray(found * (np.abs(found) > FAINT), np.float32)


def share(picture: NDArray[np.uint8], stays: Floats) -> float:
    """How much of edges that stay a picture has: near 1 where it is there, near 0 where not."""
    size = float(np.square(stays).sum())
    return float((edges(picture) * stays).sum()) / size if size else 1.0
