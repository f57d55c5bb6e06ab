"""The surface of the road, of its edges and of the land beside it, as one texture."""

from __future__ import annotations

import numpy as np
import pygame

from nitropilot.simulator.arcade.games.road.level import HALF_ROAD, LANE
from nitropilot.simulator.arcade.paint.landscape import Palette
from nitropilot.simulator.arcade.paint.texture import (
    CANVAS,
    Colour,
    dithered,
    fractal,
    mix,
    shade,
    surface_of,
)

TYPE = np.int32
LENGTH = 192
"""After so many pixels along the road it repeats."""
REACH = 1024
"""So far to each side it is painted; beyond, the last column goes on."""
HAZE_ROWS = 46


def surface(palette: Palette, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    """Colours as 0xRRGGBB, ``LENGTH x 2 REACH``: along the road, and across it."""
    along = np.arange(LENGTH, dtype=np.int64)[:, None]
    across = np.arange(-REACH, REACH, dtype=np.int64)[None, :]
    far = np.abs(across) + 0 * along
    grain = np.tile(fractal(seed, REACH // 2, LENGTH, 24, 3), (1, 4))
    fine = np.tile(fractal(seed + 1, REACH // 2, LENGTH, 4, 1), (1, 4))
    band = (along // (LENGTH // 4)) % 2 * 26
    pixels = dithered(np.clip(grain * 2 // 3 + fine // 5 + band + 10, 0, 255), palette.grass)
    road: tuple[Colour, ...] = ((62, 62, 76), (76, 76, 90), (92, 92, 104))
    if palette.night:
        road = ((34, 36, 58), (44, 46, 70), (56, 58, 84))
    tarmac = dithered(np.clip(70 + fine // 3 + grain // 5 + band // 2, 0, 255), road)
    on = far < HALF_ROAD
    pixels[on] = tarmac[on]
    verge = (far >= HALF_ROAD + 14) & (far < HALF_ROAD + 26)
    pixels[verge] = dithered(grain, palette.earth)[verge]
    kerb = (far >= HALF_ROAD) & (far < HALF_ROAD + 14)
    red = (along // 24 % 2 == 0) & kerb
    pixels[kerb] = (240, 236, 228)
    pixels[red] = (214, 58, 54)
    line = (far >= HALF_ROAD - 9) & (far < HALF_ROAD - 4)
    pixels[line] = (236, 232, 220)
    dash = (np.abs(far - LANE // 2) < 3) & (along % 64 < 34)
    pixels[dash] = (244, 240, 226)
    wear = (np.abs(far % LANE - 18) < 7) & on & (fine > 120)
    pixels[wear] = road[0]
    parts = pixels.astype(TYPE)
    return (parts[..., 0] << 16) | (parts[..., 1] << 8) | parts[..., 2]


def haze(palette: Palette) -> pygame.Surface:
    """Light to be added over the far end of the road."""
    rows = np.arange(HAZE_ROWS, dtype=np.int64)[:, None]
    power = (HAZE_ROWS - rows) ** 2 * 255 // HAZE_ROWS**2
    colour = np.array(shade(mix(palette.sky[-1], palette.sky[-2], 90), 46), np.int64)
    parts = np.repeat(power[..., None] * colour // 255, CANVAS, axis=1)
    return surface_of(parts.astype(np.uint8))
