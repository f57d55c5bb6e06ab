"""``Places``: what is where on a made-up controller."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from nitropilot.dataset.looks.forms import circle, rounded
from nitropilot.dataset.skinmaking.shapes import polygon

if TYPE_CHECKING:
    from nitropilot.dataset.skinmaking.shapes import Shape


class Spot(NamedTuple):
    """A round thing: its middle and radius."""

    x: float
    y: float
    size: float


class Field(NamedTuple):
    """A thing with four sides, by its middle."""

    x: float
    y: float
    wide: float
    high: float


@dataclass(frozen=True)
class Places:
    """In pixels of a canvas.

    Attributes:
        outline: Of the body; empty for none.
        face: The four, by name.
        dpad: Its middle and reach; None for none.
        ways: The four ways of a d-pad that are buttons in a row, by name; else none.
        shoulders: By side.
        triggers: By side.
        sticks: Middles and radii of wells, by side.
        small: back, start and guide.
        others: What no action has: touchpads, paddles, screens.
    """

    outline: tuple[Shape, ...]
    face: dict[str, Spot]
    dpad: Spot | None
    shoulders: dict[str, Field]
    triggers: dict[str, Field]
    sticks: dict[str, Spot]
    small: dict[str, Spot]
    others: tuple[Field, ...] = ()
    ways: dict[str, Spot] = field(default_factory=dict)


def round_shape(spot: Spot, square: bool) -> Shape:
    """A key."""
    if square:
        side = spot.size * 1.8
        return rounded(spot.x - side / 2, spot.y - side / 2, side, side, spot.size * 0.25)
    return circle(*spot)


def ring_points(x: float, y: float, radius: float, corners: int) -> Shape:
    """A polygon with equal sides, one of them above."""
    angles = [(index + 0.5) * 2 * math.pi / corners for index in range(corners)]
    return polygon([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles])


def field_shape(place: Field, corner: float) -> Shape:
    """Four sides, with round corners."""
    x, y, wide, high = place
    return rounded(x - wide / 2, y - high / 2, wide, high, min(corner, wide / 2.01, high / 2.01))
