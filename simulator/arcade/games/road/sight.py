"""How the road is seen: from behind the car, in perspective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nitropilot.simulator.arcade.core.numbers import CANVAS, ONE
from nitropilot.simulator.arcade.games.road.level import PIECE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.simulator.arcade.games.road.world import RoadWorld

HORIZON = 100
OWN_ROW = 228
"""The row of the own car's wheels: there a pixel of the road is one of the picture."""
EYE = 110
"""Distance from the eye to the own car, in pixels of the road."""
ROWS = np.arange(HORIZON + 3, CANVAS, dtype=np.int64)
SCALES = (ROWS - HORIZON) * ONE // (OWN_ROW - HORIZON)
"""For each row how large a pixel of the road is there, in 256th."""
AHEAD = EYE * ONE // SCALES - EYE
"""For each row how far ahead of the own car it is."""
INVERSE = (65536 // SCALES).astype(np.int32)
FARTHEST = 1400
BENDING = 17
"""A bend's sharpness in the picture: it is divided by two to the power of this."""


def middles(world: RoadWorld, place: int) -> NDArray[np.int64]:
    """Where the middle of the road is in each row, in pixels of the picture."""
    bends = np.array(world.track.bends, np.int64)
    along = np.maximum(AHEAD + place, 0)
    piece = np.minimum(along // PIECE, len(bends) - 2)
    now, then = bends[piece], bends[piece + 1]
    bend = now + (then - now) * (along - piece * PIECE) // PIECE
    steps = -np.diff(AHEAD, append=AHEAD[-1])
    steps[AHEAD < 0] = 0
    turn = np.cumsum((bend * steps)[::-1])[::-1]
    aside = np.cumsum((turn * steps)[::-1])[::-1] >> BENDING
    eye = world.x // 2
    return 128 + (((aside * ONE - eye) * SCALES) >> 16)


def spot(ahead: int, x: int, middles: NDArray[np.int64]) -> tuple[int, int, int] | None:
    """Scale (256th), x and y in the picture of a place on the road."""
    if not -60 < ahead < FARTHEST:
        return None
    scale = EYE * ONE // (ahead + EYE)
    row = HORIZON + (OWN_ROW - HORIZON) * scale // ONE
    index = min(max(row - HORIZON - 3, 0), len(middles) - 1)
    return scale, int(middles[index]) + x * scale // ONE, row
