"""Letters and symbols of buttons, as shapes: ours, of strokes."""

from __future__ import annotations

import math
from functools import reduce
from operator import or_

from nitropilot.dataset.skinmaking.shapes import Shape, arc, line, polygon

WIDTH = 0.15
"""Of a stroke; a letter is 1 high."""


def _half(y: float, radius: float, x: float = 0.0) -> list[tuple[float, float]]:
    """The right half of a circle, as corners."""
    angles = [math.radians(a) for a in range(-90, 91, 15)]
    return [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]


STROKES: dict[str, list[list[tuple[float, float]]]] = {
    "A": [[(-0.36, 0.5), (0, -0.5), (0.36, 0.5)], [(-0.22, 0.18), (0.22, 0.18)]],
    "B": [
        [(0.06, -0.5), (-0.28, -0.5), (-0.28, 0.5), (0.08, 0.5)],
        [(-0.28, -0.02), (0.06, -0.02)],
        _half(-0.26, 0.24, 0.05),
        _half(0.24, 0.26, 0.07),
    ],
    "L": [[(-0.24, -0.5), (-0.24, 0.5), (0.28, 0.5)]],
    "R": [
        [(0.02, -0.5), (-0.28, -0.5), (-0.28, 0.5)],
        [(-0.28, 0.03), (0.02, 0.03), (0.3, 0.5)],
        _half(-0.235, 0.265, 0.02),
    ],
    "S": [
        [(0.27, -0.36), (0.12, -0.49), (-0.12, -0.49), (-0.27, -0.36), (-0.27, -0.16),
         (-0.12, -0.03), (0.12, 0.04), (0.27, 0.18), (0.27, 0.36), (0.12, 0.49), (-0.12, 0.49),
         (-0.28, 0.36)],
    ],
    "T": [[(-0.34, -0.5), (0.34, -0.5)], [(0, -0.5), (0, 0.5)]],
    "X": [[(-0.32, -0.5), (0.32, 0.5)], [(0.32, -0.5), (-0.32, 0.5)]],
    "Y": [[(-0.34, -0.5), (0, 0), (0.34, -0.5)], [(0, 0), (0, 0.5)]],
    "Z": [[(-0.3, -0.5), (0.3, -0.5), (-0.3, 0.5), (0.3, 0.5)]],
    "1": [[(-0.16, -0.32), (0.04, -0.5), (0.04, 0.5)]],
    "2": [[(-0.26, -0.3), (-0.14, -0.47), (0.12, -0.49), (0.27, -0.34), (0.25, -0.12),
           (-0.28, 0.5), (0.29, 0.5)]],
    "3": [[(-0.25, -0.4), (-0.06, -0.5), (0.04, -0.5)], [(-0.06, -0.02), (0.05, -0.02)],
          _half(-0.26, 0.24, 0.04), _half(0.24, 0.26, 0.04), [(0.04, 0.5), (-0.27, 0.4)]],
    "+": [[(-0.42, 0), (0.42, 0)], [(0, -0.42), (0, 0.42)]],
    "-": [[(-0.42, 0), (0.42, 0)]],
}  # fmt: skip


def text(letters: str, x: float, y: float, height: float, weight: float = 1.0) -> Shape:
    """Letters in a row.

    Args:
        letters: Of ``STROKES``.
        x: Their middle.
        y: The same.
        height: Of a letter, in pixels.
        weight: Of its strokes, against the usual.
    """
    width = WIDTH * weight
    pitch = 0.86
    first = -(len(letters) - 1) * pitch / 2
    shapes = [
        line(stroke, width).moved(first + index * pitch, 0)
        for index, letter in enumerate(letters)
        for stroke in STROKES[letter]
    ]
    return reduce(or_, shapes).grown(height * 0.9, (0, 0)).moved(x, y)


def symbol(name: str, x: float, y: float, size: float, width: float = 3.0) -> Shape:
    """A sign that is no letter: cross, ring, square, triangle, menu, view, share, home, dot, star.

    Args:
        name: Which.
        x: Its middle.
        y: The same.
        size: From its middle to its edge, in pixels.
        width: Of its strokes, in pixels.
    """
    s = size
    if name == "cross":
        shape = line([(-s, -s), (s, s)], width) | line([(s, -s), (-s, s)], width)
    elif name == "ring":
        shape = arc(0, 0, s * 1.1, 0, 360, width)
    elif name == "square":
        shape = line([(-s, -s), (s, -s), (s, s), (-s, s), (-s, -s)], width)
    elif name == "triangle":
        low, wide = s * 0.75, s * 1.12
        shape = line([(0, -s * 1.15), (wide, low), (-wide, low), (0, -s * 1.15)], width)
    elif name == "menu":
        shape = reduce(or_, [line([(-s, y0), (s, y0)], width) for y0 in (-s * 0.8, 0, s * 0.8)])
    elif name == "view":
        back = line([(s, -s), (s, s * 0.3), (-s * 0.4, s * 0.3), (-s * 0.4, -s), (s, -s)], width)
        shape = back | line([(-s * 0.8, -s * 0.2), (-s, -s * 0.2), (-s, s), (s * 0.4, s)], width)
    elif name == "share":
        shape = reduce(or_, [line([(x0, -s), (x0, s)], width) for x0 in (-s * 0.8, 0, s * 0.8)])
    elif name == "home":
        roof = line([(-s, 0), (0, -s), (s, 0)], width)
        shape = roof | line([(-s * 0.65, 0), (-s * 0.65, s * 0.9), (s * 0.65, s * 0.9),
                             (s * 0.65, 0)], width)  # fmt: skip
    elif name == "star":
        points = [(math.sin(k * math.pi / 5), -math.cos(k * math.pi / 5)) for k in range(10)]
        radii = [s if k % 2 == 0 else s * 0.45 for k in range(10)]
        shape = polygon([(px * r, py * r) for (px, py), r in zip(points, radii, strict=True)])
    elif name == "dot":
        shape = arc(0, 0, s * 0.4, 0, 360, s * 0.9)
    else:
        raise ValueError(f"no symbol {name}")
    return shape.moved(x, y)


def arrow(direction: str, x: float, y: float, size: float) -> Shape:
    """A filled triangle that points left, right, up or down."""
    degrees = {"up": 0, "right": 90, "down": 180, "left": 270}[direction]
    tip = polygon([(0, -size), (size * 0.95, size * 0.7), (-size * 0.95, size * 0.7)])
    return tip.turned(degrees).moved(x, y)
