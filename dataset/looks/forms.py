"""Circles and boxes with round corners, put together from what has been computed once."""

from __future__ import annotations

import numpy as np

from nitropilot.dataset.skinmaking.shapes import Shape, polygon

WAYS = ("up", "right", "down", "left")
"""Of a d-pad, clockwise."""
CORNERS = 40
"""Of a whole circle."""
_ANGLES = np.arange(CORNERS) * (2 * np.pi / CORNERS)
_ROUND = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_QUARTER = np.linspace(np.pi, 1.5 * np.pi, CORNERS // 4 + 1)
_BEND = np.stack([np.cos(_QUARTER), np.sin(_QUARTER)], axis=1)
_TURNS = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
_BENDS = np.stack([_BEND @ np.array(turn, float).reshape(2, 2).T for turn in _TURNS])
"""The four corners of a box, clockwise from the upper left one."""


def circle(x: float, y: float, radius: float) -> Shape:
    """Around a point."""
    return Shape((_ROUND * radius + (x, y),))


def rounded(x: float, y: float, width: float, height: float, radius: float) -> Shape:
    """A box with round corners, by its upper left one."""
    bend = max(min(radius, width / 2, height / 2), 0.01)
    left, top, right, bottom = x + bend, y + bend, x + width - bend, y + height - bend
    middles = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    return Shape(((_BENDS * bend + middles[:, None]).reshape(-1, 2),))


def cross_shape(x: float, y: float, reach: float, wide: float) -> Shape:
    """The outline of a d-pad of one piece."""
    r, w = reach, wide
    return polygon([
        (x - w, y - r), (x + w, y - r), (x + w, y - w), (x + r, y - w), (x + r, y + w),
        (x + w, y + w), (x + w, y + r), (x - w, y + r), (x - w, y + w), (x - r, y + w),
        (x - r, y - w), (x - w, y - w),
    ])  # fmt: skip


def arm_shapes(x: float, y: float, reach: float, wide: float, inner: float) -> dict[str, Shape]:
    """Its four arms, each from its end to near the middle."""
    up = polygon([(x - wide, y - reach), (x + wide, y - reach), (x + wide, y - inner),
                  (x, y - inner * 0.35), (x - wide, y - inner)])  # fmt: skip
    return {way: up.turned(90 * index, (x, y)) for index, way in enumerate(WAYS)}


def upper(shape: Shape) -> Shape:
    """The upper half of a shape, flattened below."""
    _, middle = shape.middle
    return Shape(tuple(
        np.stack([part[:, 0], np.minimum(part[:, 1], middle)], axis=1) for part in shape.parts
    ))  # fmt: skip
