"""The surface of the road, of its edges and of the land beside it, as one texture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pygame

from nitropilot.simulator.arcade.core.numbers import CANVAS
from nitropilot.simulator.arcade.games.road.level import HALF_ROAD, LANE
from nitropilot.simulator.arcade.paint.landscape import Palette
from nitropilot.simulator.arcade.paint.texture import (
    Colour,
    dithered,
    fractal,
    mix,
    shade,
    surface_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

TYPE = np.int32
LENGTH = 192
"""After so many pixels along the road it repeats."""
REACH = 1024
"""So far to each side it is painted; beyond, the last column goes on."""
TILE = 512
"""Width of what is drawn once and then laid side by side."""
HAZE_ROWS = 46


def surface(palette: Palette, seed: int) -> NDArray[np.int32]:
    """Colours as 0xRRGGBB, ``LENGTH x 2 REACH``: along the road, and across it."""
    along = np.arange(LENGTH, dtype=np.int64)[:, None]
    grain = fractal(seed, TILE, LENGTH, 24, 3)
    fine = fractal(seed + 1, TILE, LENGTH, 4, 1)
    band = (along // (LENGTH // 4)) % 2 * 26
    grass = dithered(np.clip(grain * 2 // 3 + fine // 5 + band + 10, 0, 255), palette.grass)
    pixels = np.tile(grass, (1, 2 * REACH // TILE, 1))
    pixels[:, REACH - TILE // 2 : REACH + TILE // 2] = _road(palette, grass, grain, fine, band)
    parts = pixels.astype(TYPE)
    return (parts[..., 0] << 16) | (parts[..., 1] << 8) | parts[..., 2]


def _road(
    palette: Palette,
    grass: NDArray[np.uint8],
    grain: NDArray[np.int64],
    fine: NDArray[np.int64],
    band: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """The tile in the middle: tarmac, lines, kerbs, and what is left of the grass."""
    along = np.arange(LENGTH, dtype=np.int64)[:, None]
    far = np.abs(np.arange(-TILE // 2, TILE // 2, dtype=np.int64)[None, :]) + 0 * along
    pixels = grass.copy()
    road: tuple[Colour, ...] = ((62, 62, 76), (76, 76, 90), (92, 92, 104))
    if palette.night:
        road = ((34, 36, 58), (44, 46, 70), (56, 58, 84))
    on = far < HALF_ROAD
    pixels[on] = dithered(np.clip(70 + fine // 3 + grain // 5 + band // 2, 0, 255), road)[on]
    verge = (far >= HALF_ROAD + 14) & (far < HALF_ROAD + 26)
    pixels[verge] = dithered(grain, palette.earth)[verge]
    kerb = (far >= HALF_ROAD) & (far < HALF_ROAD + 14)
    pixels[kerb] = (240, 236, 228)
    pixels[(along // 24 % 2 == 0) & kerb] = (214, 58, 54)
    pixels[(far >= HALF_ROAD - 9) & (far < HALF_ROAD - 4)] = (236, 232, 220)
    pixels[(np.abs(far - LANE // 2) < 3) & (along % 64 < 34)] = (244, 240, 226)
    pixels[(np.abs(far % LANE - 18) < 7) & on & (fine > 120)] = road[0]
    return pixels


def haze(palette: Palette) -> pygame.Surface:
    """Light to be added over the far end of the road."""
    rows = np.arange(HAZE_ROWS, dtype=np.int64)[:, None]
    power = (HAZE_ROWS - rows) ** 2 * 255 // HAZE_ROWS**2
    colour = np.array(shade(mix(palette.sky[-1], palette.sky[-2], 90), 46), np.int64)
    parts = np.repeat(power[..., None] * colour // 255, CANVAS, axis=1)
    return surface_of(parts.astype(np.uint8))
