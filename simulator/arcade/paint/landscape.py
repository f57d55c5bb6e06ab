"""Palettes by time of day and season, and landscapes in layers that repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pygame

from nitropilot.simulator.arcade.core.numbers import CANVAS
from nitropilot.simulator.arcade.core.world import chance
from nitropilot.simulator.arcade.paint.sky import SKY
from nitropilot.simulator.arcade.paint.texture import (
    Colour,
    add,
    dithered,
    fade,
    fractal,
    glow,
    mix,
    ridge,
    shade,
    surface_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIP = 512
"""After so many pixels a layer repeats."""


@dataclass(frozen=True)
class Palette:
    """Colours of one time of day.

    Attributes:
        sky: From above to the horizon.
        sun: Of the sun or moon.
        far: Far mountains: in the shade, in the light, on top.
        hills: Nearer hills, from dark to light.
        trees: Trees on them, from dark to light.
        grass: From dark to light.
        earth: From dark to light.
        night: Whether there are stars.
    """

    sky: tuple[Colour, ...]
    sun: Colour
    far: tuple[Colour, Colour, Colour]
    hills: tuple[Colour, ...]
    trees: tuple[Colour, ...]
    grass: tuple[Colour, ...]
    earth: tuple[Colour, ...]
    night: bool = False


PALETTES = (
    Palette(
        (SKY, (116, 172, 232), (160, 206, 240), (214, 236, 244)), (255, 246, 196),
        ((104, 132, 178), (146, 174, 208), (240, 248, 252)),
        ((74, 128, 110), (96, 156, 122), (128, 184, 130)),
        ((36, 84, 74), (52, 112, 84), (86, 150, 96)),
        ((46, 110, 52), (84, 168, 66), (150, 214, 84)),
        ((70, 44, 42), (106, 70, 52), (146, 102, 66)),
    ),
    Palette(
        ((70, 54, 122), (156, 76, 132), (240, 126, 106), (255, 204, 130)), (255, 236, 170),
        ((94, 64, 118), (150, 88, 124), (250, 180, 140)),
        ((82, 52, 96), (112, 66, 98), (160, 86, 96)),
        ((52, 34, 72), (76, 44, 82), (124, 66, 86)),
        ((84, 58, 70), (176, 96, 62), (244, 170, 84)),
        ((50, 32, 54), (82, 50, 66), (122, 76, 76)),
    ),
    Palette(
        ((12, 18, 50), (24, 38, 86), (44, 70, 128), (84, 126, 172)), (230, 238, 255),
        ((34, 46, 92), (56, 76, 128), (150, 178, 220)),
        ((22, 44, 78), (30, 62, 92), (44, 86, 106)),
        ((12, 28, 56), (18, 42, 66), (34, 72, 88)),
        ((16, 66, 74), (32, 112, 100), (84, 182, 134)),
        ((24, 26, 54), (40, 42, 76), (64, 66, 104)),
        night=True,
    ),
    Palette(
        ((120, 168, 190), (166, 200, 200), (222, 222, 196), (250, 236, 204)), (255, 250, 220),
        ((128, 132, 144), (170, 168, 164), (244, 238, 226)),
        ((138, 98, 62), (176, 120, 60), (210, 150, 70)),
        ((120, 48, 38), (180, 76, 40), (232, 128, 52)),
        ((122, 80, 32), (190, 138, 46), (238, 196, 80)),
        ((64, 46, 44), (98, 72, 62), (140, 108, 86)),
    ),
    Palette(
        ((142, 176, 214), (176, 202, 230), (208, 224, 240), (238, 244, 250)), (255, 255, 240),
        ((128, 150, 186), (172, 194, 220), (250, 252, 255)),
        ((148, 174, 200), (184, 206, 224), (222, 234, 244)),
        ((50, 84, 106), (84, 124, 144), (220, 236, 246)),
        ((140, 170, 204), (206, 226, 242), (252, 254, 255)),
        ((58, 66, 96), (86, 98, 132), (122, 138, 172)),
    ),
)  # fmt: skip
"""Day, dusk, night, autumn, winter."""


def backdrop(palette: Palette, seed: int) -> pygame.Surface:
    """The sky, which does not move."""
    height = 200
    top = 64 if palette.sky[0] == SKY else 8
    pixels = np.empty((CANVAS, CANVAS, 3), np.uint8)
    pixels[:] = palette.sky[-1]
    pixels[:top] = palette.sky[0]
    pixels[top:height] = fade(CANVAS, height - top, palette.sky)
    made = surface_of(pixels)
    rng = chance("landscape", 0, seed, "sky")
    if palette.night:
        for _ in range(70):
            light = rng.randrange(110, 256)
            made.set_at((rng.randrange(256), rng.randrange(120)), (light, light, 255))
    x, y = rng.randrange(120, 230), rng.randrange(34, 70)
    add(made, glow(46, shade(palette.sun, 38)), x, y + 30 * (palette.sky[0] == SKY))
    y += 30 * (palette.sky[0] == SKY)
    pygame.draw.circle(made, palette.sun, (x, y), 13)
    if palette.night:
        pygame.draw.circle(made, shade(palette.sun, 86), (x - 4, y + 3), 3)
        pygame.draw.circle(made, shade(palette.sun, 88), (x + 5, y - 4), 2)
    return made


def clouds(palette: Palette, seed: int) -> pygame.Surface:
    """A layer of clouds."""
    values = fractal(seed + 5, STRIP, 72, 48, 4)
    rows = np.arange(72, dtype=np.int64)[:, None]
    thick = values - abs(rows - 40) * 3 + 10
    light = mix(palette.sky[-1], (255, 255, 255), 110 if not palette.night else 0)
    colours = (mix(palette.sky[-2], light, 100), mix(palette.sky[-1], light, 128), light)
    shine = np.clip((thick - 104) * 6 - (rows - 34) * 2, 0, 255)
    return surface_of(dithered(shine, colours), thick > 112)


def mountains(palette: Palette, seed: int) -> pygame.Surface:
    """Far mountains, lit from the left, with snow."""
    high = 110
    heights = 26 + ridge(seed + 11, STRIP, 64, 4) * 78 // 255
    slope = np.roll(heights, 3) - np.roll(heights, -3)
    y = np.arange(high, dtype=np.int64)[:, None]
    there = y >= high - heights[None, :]
    grain = noise_of(seed + 12, high)
    across = np.arange(STRIP, dtype=np.int64)[None, :] + (y - high + heights[None, :]) * 2 // 3
    lit = np.clip(128 - slope[across % STRIP] * 26 + (grain - 128), 0, 255)
    snow = (y - (high - heights[None, :])) < (heights[None, :] - 62 + (grain - 128) // 10)
    pixels = dithered(lit, palette.far[:2])
    pixels[snow & there] = dithered(lit, (mix(palette.far[1], palette.far[2], 140),
                                          palette.far[2]))[snow & there]  # fmt: skip
    haze = np.broadcast_to((y * 255 // high), there.shape)
    mist = dithered(haze * 3 // 4, ((0, 0, 0), (1, 1, 1)))[..., 0] > 0
    pixels[mist] = mix(palette.far[0], palette.sky[-1], 120)
    return surface_of(pixels, there)


def noise_of(seed: int, high: int) -> NDArray[np.int64]:
    """Fine grain for a layer."""
    return fractal(seed, STRIP, high, 16, 3)


def hills(palette: Palette, seed: int) -> pygame.Surface:
    """Hills, and trees on them."""
    high = 96
    heights = 24 + ridge(seed + 21, STRIP, 96, 3) * 40 // 255
    y = np.arange(high, dtype=np.int64)[:, None]
    there = y >= high - heights[None, :]
    depth = y - (high - heights[None, :])
    values = np.clip(230 - depth * 7 + (noise_of(seed + 22, high) - 128) // 3, 0, 255)
    made = surface_of(dithered(values, palette.hills), there)
    rng = chance("landscape", 0, seed, "trees")
    x = 0
    while x < STRIP - 12:
        x += rng.choice((6, 9, 13, 22, 34))
        foot = high - int(heights[x % STRIP]) + rng.randrange(3, 14)
        tree(made, palette, x, foot, rng.randrange(14, 27), rng.randrange(2))
    return made


def tree(
    surface: pygame.Surface, palette: Palette, x: int, foot: int, high: int, kind: int
) -> None:
    """A fir (0) or a round one (1), which repeats with its layer."""
    dark, middle, light = palette.trees
    for left in (x, x - STRIP):
        if kind:
            radius = high // 3
            surface.fill(dark, (left - 1, foot - high // 2, 2, high // 2))
            pygame.draw.circle(surface, dark, (left, foot - high + radius), radius)
            pygame.draw.circle(surface, middle, (left - 1, foot - high + radius - 1), radius - 1)
            pygame.draw.circle(surface, light, (left - 2, foot - high + radius - 2), radius // 2)
            continue
        for tier in range(3):
            top, wide = foot - high + tier * high // 4, 3 + 2 * tier
            points = [(left, top), (left - wide, top + high // 2), (left + wide, top + high // 2)]
            pygame.draw.polygon(surface, dark, points)
            points = [(left, top), (left - wide + 1, top + high // 2), (left, top + high // 2)]
            pygame.draw.polygon(surface, middle, points)
            surface.fill(light, (left - 1, top + 2, 1, 3))


def ground_texture(palette: Palette, seed: int) -> pygame.Surface:
    """Earth below, stones in it, and grass on top: ``STRIP`` wide; its top is at row 8."""
    high = 128
    y = np.arange(high, dtype=np.int64)[:, None]
    grain = noise_of(seed + 31, high)
    values = np.clip(236 - y * 3 + (grain - 128), 0, 255)
    pixels = dithered(values, palette.earth)
    pebbles = fractal(seed + 32, STRIP, high, 8, 2)
    pixels[pebbles > 186] = shade(palette.earth[2], 112)
    pixels[np.roll(pebbles > 186, 1, 0) & ~(pebbles > 186)] = shade(palette.earth[0], 88)
    blades = ridge(seed + 33, STRIP, 4, 2)
    fringe = 8 + 7 + (blades - 128) // 26
    tips = 8 - np.maximum(0, (np.roll(blades, 7) - 128) // 24)
    lawn = (y >= tips[None, :]) & (y < fringe[None, :])
    shine = np.clip(255 - (y - 5) * 26 + (grain - 128) // 3, 0, 255)
    pixels[lawn] = dithered(np.broadcast_to(shine, lawn.shape), palette.grass)[lawn]
    rim = (y == fringe[None, :]) | (y == fringe[None, :] + 1)
    pixels[rim] = shade(palette.earth[0], 80)
    return surface_of(pixels, y >= tips[None, :])
