"""``Shape``: polygons that together are one thing; curves are polygons of many corners.

Everything is filled polygons, lines too: what fills them is the same on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Points = NDArray[np.float64]
    Point = tuple[float, float]

CORNERS = 72
"""Of a whole circle."""


@dataclass(frozen=True, eq=False)
class Shape:
    """Some polygons, of which a point may be in any.

    Attributes:
        parts: ``n x 2`` each, x and y in pixels of the canvas.
    """

    parts: tuple[Points, ...]

    def __or__(self, other: Shape) -> Shape:
        return Shape(self.parts + other.parts)

    def moved(self, x: float, y: float) -> Shape:
        """Further right and down."""
        return Shape(tuple(part + np.array((x, y)) for part in self.parts))

    def grown(self, factor: float, about: Point | None = None) -> Shape:
        """Larger or smaller around a point; None: around its own middle."""
        middle = np.array(self.middle if about is None else about)
        return Shape(tuple(middle + (part - middle) * factor for part in self.parts))

    def turned(self, degrees: float, about: Point = (0.0, 0.0)) -> Shape:
        """Turned clockwise, as it is seen."""
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        matrix = np.array([[cos, sin], [-sin, cos]])
        return Shape(tuple(about + (part - about) @ matrix for part in self.parts))

    def mirrored(self, axis: float) -> Shape:
        """Left for right, about an upright line."""
        return Shape(tuple(part * (-1, 1) + (2 * axis, 0) for part in self.parts))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        low = np.min([part.min(axis=0) for part in self.parts], axis=0)
        high = np.max([part.max(axis=0) for part in self.parts], axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    @property
    def middle(self) -> Point:
        """Of its bounds."""
        left, top, right, bottom = self.bounds
        return (left + right) / 2, (top + bottom) / 2


def _arc(x: float, y: float, radius: float, first: float, last: float) -> list[Point]:
    """Corners on a circle, clockwise between two angles in degrees; 0 is right, 90 down."""
    count = max(2, round(CORNERS * abs(last - first) / 360) + 1)
    angles = np.radians(np.linspace(first, last, count))
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles.tolist()]


def polygon(points: Sequence[Point]) -> Shape:
    """Straight edges between corners."""
    return Shape((np.array(points, np.float64),))


def circle(x: float, y: float, radius: float) -> Shape:
    """Around a point."""
    return polygon(_arc(x, y, radius, 0, 360)[:-1])


def rounded(
    x: float, y: float, width: float, height: float, radius: float | Sequence[float]
) -> Shape:
    """A box with round corners.

    Args:
        x: Its left edge.
        y: Its top edge.
        width: In pixels.
        height: The same.
        radius: Of all corners, or of the upper left, upper right, lower right, lower left one.
    """
    radii = [radius] * 4 if isinstance(radius, int | float) else list(radius)
    right, bottom = x + width, y + height
    points: list[Point] = []
    for index, (corner_x, corner_y) in enumerate(
        [(x, y), (right, y), (right, bottom), (x, bottom)]
    ):
        r = max(min(radii[index], width / 2, height / 2), 0.01)
        middle_x = corner_x + (r if index in (0, 3) else -r)
        middle_y = corner_y + (r if index in (0, 1) else -r)
        points += _arc(middle_x, middle_y, r, 180 + 90 * index, 270 + 90 * index)
    return polygon(points)


def curve(points: Sequence[Point], steps: int = 16) -> Shape:
    """A smooth closed line through points (Catmull and Rom's, uniform)."""
    p = np.array(points, np.float64)
    before, after, later = np.roll(p, 1, axis=0), np.roll(p, -1, axis=0), np.roll(p, -2, axis=0)
    t = (np.arange(steps) / steps)[None, :, None]
    b, p, a, n = (each[:, None, :] for each in (before, p, after, later))
    at = 0.5 * (
        2 * p + (a - b) * t + (2 * b - 5 * p + 4 * a - n) * t**2 + (3 * p - b - 3 * a + n) * t**3
    )
    return Shape((at.reshape(-1, 2),))


def symmetric(half: Sequence[Point], axis: float, steps: int = 16) -> Shape:
    """A smooth outline from its left half, from the top down; ends on the axis belong to both."""
    other = [(2 * axis - x, y) for x, y in reversed(half) if abs(x - axis) > 1e-9]
    return curve([*half, *other], steps)


def line(points: Sequence[Point], width: float) -> Shape:
    """Strokes with round ends from point to point."""
    parts: list[Points] = []
    for (x0, y0), (x1, y1) in pairwise(points):
        along = math.degrees(math.atan2(y1 - y0, x1 - x0))
        ends = _arc(x1, y1, width / 2, along - 90, along + 90)
        ends += _arc(x0, y0, width / 2, along + 90, along + 270)
        parts.append(np.array(ends))
    return Shape(tuple(parts))


def arc(x: float, y: float, radius: float, first: float, last: float, width: float) -> Shape:
    """A stroke along a circle, between two angles in degrees."""
    return line(_arc(x, y, radius, first, last), width)
