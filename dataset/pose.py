"""``Pose``: where a template's canvas lies in a video's picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Box(NamedTuple):
    """Whole pixels of a picture; ``right`` and ``bottom`` are the first ones outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    def inside(self, width: int, height: int) -> Box:
        """What of it lies in a picture of that size."""
        return Box(
            min(max(self.left, 0), width), min(max(self.top, 0), height),
            min(max(self.right, 0), width), min(max(self.bottom, 0), height),
        )  # fmt: skip

    def wider(self, margin: int) -> Box:
        """It and ``margin`` pixels around it."""
        return Box(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)


@dataclass(frozen=True)
class Pose:
    """From a canvas to a picture: turned, made larger or smaller, moved.

    Both count from the corner of the first pixel, so pixel ``i`` covers ``i`` to ``i + 1``.

    Attributes:
        scale: Pixels of the picture to one of the canvas, along its width.
        x: Where the canvas's upper left corner is.
        y: The same.
        angle: By how much it is turned clockwise, as it is seen, in radians.
        stretch: How much more the height is made larger than the width.
    """

    scale: float
    x: float
    y: float
    angle: float = 0.0
    stretch: float = 1.0

    def matrix(self) -> NDArray[np.float64]:
        """``2 x 3``: takes (x, y, 1) of the canvas to (x, y) of the picture."""
        cos, sin = self.scale * math.cos(self.angle), self.scale * math.sin(self.angle)
        return np.array(
            [[cos, -sin * self.stretch, self.x], [sin, cos * self.stretch, self.y]], np.float64
        )

    def box(self, width: float, height: float) -> Box:
        """The whole pixels that a canvas of that size touches; may reach out of the picture."""
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
        at = corners @ self.matrix().T
        low, high = np.floor(at.min(axis=0) + 1e-6), np.ceil(at.max(axis=0) - 1e-6)
        return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    wide = min(one.right, other.right) - max(one.left, other.left)
    high = min(one.bottom, other.bottom) - max(one.top, other.top)
    common = max(wide, 0) * max(high, 0)
    whole = one.width * one.height + other.width * other.height - common
    return common / whole if whole else 0.0
