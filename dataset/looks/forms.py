"""Circles and boxes with round corners, put together from what has been computed once."""

from __future__ import annotations

import numpy as np

from nitropilot.dataset.skinmaking.shapes import Shape

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
