"""What is where in a picture, told by the state of the game and not by its pixels.

Whoever learns to see from nothing learns it several times faster when it is told what there is to
see (``pocket``).  A policy that plays gets the picture alone.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.simulator.arcade.core.numbers import CANVAS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


class Kind(IntEnum):
    """What a thing is to the player."""

    SELF = 0
    GOOD = 1
    """To be reached, taken or met: a flag, a gem, a note."""
    DANGER = 2
    SOLID = 3
    """Walls, ground, and what bounds a road."""
    WAY = 4
    """Where to go next, as far as a game's script has one in mind."""


class Place(NamedTuple):
    """A box in a picture, in pixels from its left upper corner; it may reach beyond the edges."""

    kind: Kind
    left: float
    top: float
    right: float
    bottom: float


def around(kind: Kind, x: float, y: float, wide: float, high: float | None = None) -> Place:
    """A box by its middle; ``wide`` and ``high`` are halves."""
    high = wide if high is None else high
    return Place(kind, x - wide, y - high, x + wide, y + high)


def chart(places: Iterable[Place], side: int) -> NDArray[np.bool_]:
    """``len(Kind) x side x side``: which cells of a grid over the picture hold what.

    A box holds the cells whose middles lie in it, and the cell in which its own middle lies.
    """
    cell = CANVAS / side
    found = np.zeros((len(Kind), side, side), np.bool_)
    for kind, left, top, right, bottom in places:
        x, y = int((left + right) / 2 // cell), int((top + bottom) / 2 // cell)
        if 0 <= x < side and 0 <= y < side:
            found[kind, y, x] = True
        columns = slice(max(math.ceil(left / cell - 0.5), 0), max(int(right / cell + 0.5), 0))
        rows = slice(max(math.ceil(top / cell - 0.5), 0), max(int(bottom / cell + 0.5), 0))
        found[kind, rows, columns] = True
    return found
