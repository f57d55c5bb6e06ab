"""Floors and foes of the arena."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pygame

from nitropilot.simulator.arcade.core.numbers import CANVAS
from nitropilot.simulator.arcade.games.arena.level import BOTTOM, LEFT, RIGHT, TOP
from nitropilot.simulator.arcade.paint.texture import (
    KEY,
    Colour,
    add,
    ball,
    blank,
    centred,
    dithered,
    fractal,
    glow,
    outlined,
    shade,
    shadow,
    surface_of,
)

if TYPE_CHECKING:
    import random

OUTLINE = (26, 18, 34)


@dataclass(frozen=True)
class Theme:
    """Colours of one arena, from dark to light; what lies about; its lamps and sparks."""

    floor: tuple[Colour, ...]
    wall: tuple[Colour, ...]
    decor: tuple[Colour, Colour]
    lamp: Colour
    sparks: tuple[Colour, Colour, Colour]


THEMES = (
    Theme(
        ((66, 112, 62), (84, 140, 70), (110, 168, 84)),
        ((52, 70, 66), (84, 106, 92), (128, 150, 120)),
        ((250, 220, 120), (236, 130, 150)),
        (60, 54, 16),
        ((255, 255, 220), (180, 240, 110), (60, 140, 80)),
    ),
    Theme(
        ((62, 54, 84), (80, 70, 104), (102, 90, 126)),
        ((58, 46, 74), (92, 76, 110), (140, 120, 154)),
        ((150, 140, 170), (110, 96, 136)),
        (84, 46, 14),
        ((255, 255, 255), (240, 180, 250), (130, 70, 170)),
    ),
    Theme(
        ((172, 124, 76), (200, 154, 98), (224, 184, 124)),
        ((116, 68, 50), (160, 100, 66), (206, 146, 96)),
        ((140, 98, 66), (90, 150, 90)),
        (66, 40, 10),
        ((255, 250, 220), (250, 190, 90), (180, 90, 50)),
    ),
    Theme(
        ((58, 38, 46), (80, 50, 54), (104, 64, 62)),
        ((44, 30, 44), (72, 48, 60), (112, 76, 80)),
        ((255, 150, 50), (250, 90, 40)),
        (100, 34, 8),
        ((255, 255, 200), (255, 160, 60), (180, 40, 40)),
    ),
    Theme(
        ((126, 160, 186), (152, 186, 206), (184, 212, 226)),
        ((80, 110, 150), (124, 156, 190), (192, 216, 234)),
        ((230, 244, 252), (110, 150, 196)),
        (20, 40, 60),
        ((255, 255, 255), (170, 230, 255), (90, 140, 220)),
    ),
)
"""Meadow, crypt, desert, lava, ice."""


def floor(theme: Theme, rng: random.Random) -> pygame.Surface:
    """What does not move."""
    seed = rng.randrange(1 << 20)
    values = (
        fractal(seed, CANVAS, CANVAS, 48, 4) * 2 // 3 + fractal(seed + 1, CANVAS, CANVAS, 6, 2) // 3
    )
    axis = np.arange(CANVAS, dtype=np.int64)
    x, y = axis[None, :] - (LEFT + RIGHT) // 2, axis[:, None] - (TOP + BOTTOM) // 2
    far = x * x + y * y
    values = values + 40 - far // 190
    for radius in (52, 84):  # rings of stone set into the floor
        ring = abs(far - radius * radius) < radius * 5
        values[ring] = values[ring] * 3 // 4 + 10
    board = surface_of(dithered(values, theme.floor))
    for _ in range(34):
        place = rng.randrange(LEFT, RIGHT), rng.randrange(TOP, BOTTOM)
        _decor(board, theme, place, rng.randrange(4))
    _border(board, theme, seed)
    return board


def _decor(board: pygame.Surface, theme: Theme, place: tuple[int, int], kind: int) -> None:
    x, y = place
    one, other = theme.decor
    if kind == 0:
        pygame.draw.circle(board, shade(theme.floor[0], 84), (x, y + 1), 2)
        pygame.draw.circle(board, one, (x, y), 1)
    elif kind == 1:
        for step in (-3, 0, 3):
            pygame.draw.line(
                board, shade(theme.floor[2], 112), (x + step, y), (x + step // 2, y - 4)
            )
    elif kind == 2:
        dark = shade(theme.floor[0], 82)
        pygame.draw.lines(board, dark, False, [(x, y), (x + 5, y + 2), (x + 7, y + 7)])
    else:
        centred(board, ball(2, (shade(other, 70), other)), x, y)


def _border(board: pygame.Surface, theme: Theme, seed: int) -> None:
    """A wall around, with posts and lamps."""
    grain = surface_of(dithered(fractal(seed + 5, CANVAS, CANVAS, 12, 3), theme.wall))
    inner = pygame.Rect(LEFT - 10, TOP - 12, RIGHT - LEFT + 20, BOTTOM - TOP + 22)
    rim = inner.inflate(2, 2)
    sides = (
        (0, 0, CANVAS, inner.top), (0, inner.bottom, CANVAS, CANVAS - inner.bottom),
        (0, 0, inner.left, CANVAS), (inner.right, 0, CANVAS - inner.right, CANVAS),
    )  # fmt: skip
    for box in sides:
        board.blit(grain, box[:2], box)
    pygame.draw.rect(board, OUTLINE, rim, 2)
    board.fill(shade(theme.wall[0], 74), (inner.left, inner.top, inner.width, 8))
    board.fill(OUTLINE, (inner.left, inner.top + 8, inner.width, 1))
    dark = blank(inner.width, 6, (26, 26, 22))
    board.blit(dark, (inner.left, inner.top + 9), special_flags=pygame.BLEND_RGB_SUB)
    for x in range(LEFT - 12, RIGHT + 20, 38):
        for y in (inner.top - 6, inner.bottom - 4):
            pygame.draw.rect(board, OUTLINE, (x - 1, y - 3, 14, 18), border_radius=3)
            pygame.draw.rect(board, theme.wall[2], (x, y - 2, 12, 16), border_radius=3)
            pygame.draw.rect(board, theme.wall[1], (x + 5, y, 7, 14), border_radius=3)
    for x in (LEFT + 14, RIGHT - 14):
        for y in (TOP - 8, BOTTOM + 12):
            add(board, glow(36, theme.lamp), x, y)
            pygame.draw.circle(board, OUTLINE, (x, y), 4)
            pygame.draw.circle(board, (255, 226, 140), (x, y), 2)
    board.fill(OUTLINE, (0, 0, CANVAS, 18))


@cache
def light(colour: Colour, radius: int) -> pygame.Surface:
    """Light of a colour."""
    return glow(radius, colour)


@cache
def shade_of(wide: int) -> pygame.Surface:
    """What somebody casts on the floor."""
    return shadow(wide, wide * 3 // 8, 46)


@cache
def orb(frame: int) -> pygame.Surface:
    """A caster's orb."""
    made = ball(7 + frame % 2, ((110, 20, 100), (210, 60, 190), (255, 170, 240)))
    return outlined(made, OUTLINE)


@cache
def foe(kind: str, frame: int, way: int, stunned: bool, health: int) -> pygame.Surface:
    """One that came; white for a moment when it is hit."""
    shape = {"slime": _slime, "bat": _bat, "caster": _caster}[kind](frame, way, health)
    if stunned and frame % 2:
        mask = pygame.mask.from_surface(shape)
        shape = mask.to_surface(setcolor=(255, 250, 250), unsetcolor=KEY)
        shape.set_colorkey(KEY)
        flat = blank(*shape.get_size())
        flat.blit(shape, (0, 0))
        shape = flat
    return outlined(shape, OUTLINE)


def _eyes(shape: pygame.Surface, x: int, y: int, way: int, apart: int = 4) -> None:
    for side in (-apart, apart):
        pygame.draw.circle(shape, (255, 255, 255), (x + side + 2 * way, y), 3)
        shape.fill(OUTLINE, (x + side + 3 * way - 1, y - 1, 2, 3))


_SLIMES = {
    3: ((150, 40, 60), (226, 74, 84), (255, 170, 160)),
    2: ((160, 80, 30), (236, 140, 60), (255, 214, 150)),
    1: ((160, 130, 40), (240, 214, 90), (255, 250, 190)),
}
_BATS = {
    2: ((70, 50, 130), (86, 62, 156), (104, 76, 176), (130, 100, 206)),
    1: ((120, 50, 110), (150, 64, 130), (184, 84, 150), (220, 120, 180)),
}
_ROBES = {
    3: ((48, 92, 120), (70, 136, 160), (120, 200, 206)),
    2: ((90, 70, 130), (126, 104, 170), (186, 166, 220)),
    1: ((120, 60, 80), (170, 92, 110), (230, 160, 170)),
}
"""Colours by what health is left."""


def _slime(frame: int, way: int, health: int) -> pygame.Surface:
    squash = (0, 1, 2, 1)[frame]
    wide, high = 25 + squash, 21 - squash
    shape = blank(wide, high)
    dark, middle, light_ = _SLIMES[health]
    pygame.draw.ellipse(shape, dark, (0, 2, wide, high - 2))
    pygame.draw.ellipse(shape, middle, (1, 1, wide - 3, high - 5))
    pygame.draw.ellipse(shape, light_, (5, 3, 8, 4))
    _eyes(shape, wide // 2, high // 2, way)
    pygame.draw.line(
        shape, OUTLINE, (wide // 2 - 3 + 2 * way, high - 6), (wide // 2 + 3 + 2 * way, high - 6)
    )
    return shape


def _bat(frame: int, way: int, health: int) -> pygame.Surface:
    shape = blank(31, 21)
    dark, fur, wing_light, belly = _BATS[health]
    lift = (-6, -2, 4, -2)[frame]
    for side in (-1, 1):
        tip = (15 + 15 * side, 8 + lift)
        wing = [(15, 7), (15 + 8 * side, 5 + lift), tip, (15 + 9 * side, 13 + lift // 2), (15, 14)]
        pygame.draw.polygon(shape, dark, wing)
        pygame.draw.polygon(shape, wing_light, [(15, 7), (15 + 8 * side, 5 + lift), tip])
    pygame.draw.circle(shape, fur, (15, 11), 8)
    pygame.draw.circle(shape, belly, (14, 9), 5)
    for side in (-4, 4):
        pygame.draw.polygon(shape, fur, [(15 + side - 2, 5), (15 + side, 0), (15 + side + 2, 5)])
    _eyes(shape, 15, 10, way, 3)
    shape.fill((255, 255, 255), (13, 15, 1, 2))
    shape.fill((255, 255, 255), (17, 15, 1, 2))
    return shape


def _caster(frame: int, way: int, health: int) -> pygame.Surface:
    shape = blank(27, 28)
    sway = (0, 1, 0, -1)[frame]
    robe = _ROBES[health]
    pygame.draw.polygon(shape, robe[0], [(13, 6), (3 + sway, 26), (23 + sway, 26)])
    pygame.draw.polygon(shape, robe[1], [(13, 6), (4 + sway, 26), (15 + sway, 26)])
    pygame.draw.line(shape, robe[2], (5 + sway, 25), (21 + sway, 25), 2)
    pygame.draw.circle(shape, (40, 28, 52), (13, 11), 6)
    pygame.draw.polygon(shape, robe[1], [(5, 9), (13 - 3 * way, 0), (21, 9)])
    pygame.draw.polygon(shape, robe[2], [(5, 9), (13 - 3 * way, 0), (11, 9)])
    for side in (-2, 3):
        shape.fill((255, 230, 110), (12 + side + way, 11, 2, 3))
    staff = 13 + 11 * way
    pygame.draw.line(shape, (140, 96, 60), (staff, 8), (staff, 26), 2)
    pygame.draw.circle(shape, (250, 120, 220), (staff, 6), 3)
    return shape
