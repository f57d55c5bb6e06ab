"""Cars from behind, trees, posts and the arch of the finish, in all sizes."""

from __future__ import annotations

from functools import cache

import pygame

from nitropilot.simulator.arcade.games.road.level import HALF_ROAD
from nitropilot.simulator.arcade.paint.landscape import Palette
from nitropilot.simulator.arcade.paint.pilot import GOGGLES, HELMET, JACKET, SCARF
from nitropilot.simulator.arcade.paint.texture import (
    KEY,
    Colour,
    blank,
    glow,
    outlined,
    shade,
    shadow,
)

OUTLINE = (24, 20, 34)
VEHICLES = ("car", "van", "truck")
PAINTS: tuple[Colour, ...] = (
    (70, 140, 220), (240, 190, 70), (120, 190, 90), (170, 110, 210), (236, 236, 240),
    (90, 200, 200),
)  # fmt: skip


@cache
def scaled(kind: str, colour: int, palette: Palette, size: int) -> pygame.Surface:
    """A thing at ``size / 32`` of its own size."""
    whole = _thing(kind, colour, palette)
    wide, high = whole.get_size()
    small = max(1, wide * size // 32), max(1, high * size // 32)
    made = pygame.transform.scale(whole, small)
    made.set_colorkey(KEY, pygame.RLEACCEL)
    return made


def _thing(kind: str, colour: int, palette: Palette) -> pygame.Surface:
    if kind in VEHICLES:
        return outlined(_VEHICLES[kind](PAINTS[colour]), OUTLINE)
    if kind == "post":
        return outlined(_post(), OUTLINE)
    if kind == "arch":
        return outlined(_arch(), OUTLINE)
    return outlined(_tree(palette, int(kind[-1])), shade(palette.trees[0], 60))


@cache
def shade_of(wide: int) -> pygame.Surface:
    """What a car casts on the road."""
    return shadow(max(wide * 9 // 8, 2), max(wide // 5, 2), 52)


@cache
def FLAME() -> pygame.Surface:
    """Of the exhaust."""
    return glow(9, (120, 60, 10))


def _wheels(shape: pygame.Surface, left: int, right: int, bottom: int) -> None:
    for x in (left, right - 9):
        pygame.draw.rect(shape, (30, 28, 38), (x, bottom - 11, 9, 11), border_radius=3)


def _car(paint: Colour) -> pygame.Surface:
    shape = blank(52, 36)
    _wheels(shape, 3, 49, 36)
    pygame.draw.polygon(shape, shade(paint, 80), [(12, 4), (40, 4), (46, 17), (6, 17)])
    pygame.draw.polygon(shape, (50, 66, 92), [(14, 6), (38, 6), (42, 15), (10, 15)])
    pygame.draw.polygon(shape, (120, 160, 190), [(14, 6), (24, 6), (18, 15), (10, 15)])
    pygame.draw.rect(shape, paint, (2, 15, 48, 15), border_radius=4)
    shape.fill(shade(paint, 128), (5, 16, 42, 2))
    pygame.draw.rect(shape, shade(paint, 62), (3, 25, 46, 6), border_radius=2)
    for x in (5, 38):
        pygame.draw.rect(shape, (250, 70, 60), (x, 20, 9, 4), border_radius=1)
    pygame.draw.rect(shape, (236, 236, 220), (20, 25, 12, 4))
    return shape


def _van(paint: Colour) -> pygame.Surface:
    shape = blank(52, 48)
    _wheels(shape, 3, 49, 48)
    pygame.draw.rect(shape, paint, (3, 2, 46, 40), border_radius=5)
    shape.fill(shade(paint, 126), (7, 3, 38, 2))
    pygame.draw.rect(shape, (50, 66, 92), (8, 8, 36, 13), border_radius=2)
    pygame.draw.polygon(shape, (120, 160, 190), [(9, 8), (22, 8), (14, 20), (9, 20)])
    pygame.draw.line(shape, shade(paint, 66), (26, 22), (26, 40), 1)
    pygame.draw.rect(shape, shade(paint, 60), (3, 36, 46, 6), border_radius=2)
    for x in (5, 41):
        pygame.draw.rect(shape, (250, 70, 60), (x, 25, 6, 9), border_radius=1)
    return shape


def _truck(paint: Colour) -> pygame.Surface:
    shape = blank(58, 64)
    _wheels(shape, 4, 54, 64)
    pygame.draw.rect(shape, (206, 204, 200), (2, 2, 54, 50), border_radius=2)
    pygame.draw.rect(shape, (236, 234, 228), (4, 4, 50, 30))
    pygame.draw.polygon(shape, paint, [(4, 30), (30, 12), (54, 30), (54, 42), (4, 42)])
    pygame.draw.line(shape, (150, 150, 156), (29, 4), (29, 50), 1)
    pygame.draw.rect(shape, (70, 68, 78), (2, 50, 54, 6))
    for x in (4, 45):
        pygame.draw.rect(shape, (250, 70, 60), (x, 51, 9, 4))
    for x in range(16, 42, 8):
        shape.fill((250, 200, 70), (x, 52, 4, 3))
    return shape


_VEHICLES = {"car": _car, "van": _van, "truck": _truck}


@cache
def own(lean: int, braking: bool) -> pygame.Surface:
    """The pilot's open car from behind; lean -1, 0 or 1."""
    shape = blank(58, 44)
    _wheels(shape, 2, 56, 44)
    paint = JACKET[0]
    pygame.draw.polygon(shape, shade(paint, 76), [(12, 22), (46, 22), (54, 32), (4, 32)])
    x = 29 + 3 * lean
    pygame.draw.rect(shape, JACKET[1], (x - 8, 15, 16, 10), border_radius=4)
    pygame.draw.circle(shape, HELMET[1], (x, 10), 9)
    pygame.draw.circle(shape, HELMET[0], (x - 1, 9), 8)
    pygame.draw.line(shape, paint, (x - 1, 1), (x - 1, 12), 4)
    pygame.draw.line(shape, GOGGLES[2], (x - 8, 11), (x + 8, 11), 2)
    pygame.draw.line(shape, SCARF[0], (x - 7, 18), (x + 7, 18), 3)
    pygame.draw.line(shape, SCARF[1], (x + 6, 18), (x + 13 - 4 * lean, 14), 3)
    pygame.draw.rect(shape, paint, (2, 25, 54, 14), border_radius=5)
    shape.fill(JACKET[2], (6, 26, 46, 2))
    pygame.draw.rect(shape, shade(paint, 58), (4, 34, 50, 5), border_radius=2)
    pygame.draw.rect(shape, (246, 240, 226), (24, 25, 10, 14))
    for left in (6, 43):
        colour = (255, 236, 160) if braking else (255, 96, 70)
        pygame.draw.rect(shape, colour, (left, 29, 9, 4), border_radius=1)
    for left in (17, 36):
        pygame.draw.rect(shape, (60, 58, 70), (left, 38, 5, 4), border_radius=1)
    made = outlined(shape, OUTLINE)
    if lean:
        made = pygame.transform.rotate(made, -4 * lean)
        made.set_colorkey(KEY, pygame.RLEACCEL)
    return made


def _post() -> pygame.Surface:
    shape = blank(6, 34)
    shape.fill((240, 236, 228), (0, 0, 6, 34))
    shape.fill((214, 58, 54), (0, 5, 6, 8))
    return shape


def _arch() -> pygame.Surface:
    wide = 2 * HALF_ROAD + 40
    shape = blank(wide, 120)
    for x in (0, wide - 12):
        pygame.draw.rect(shape, (214, 58, 54), (x, 0, 12, 120))
        pygame.draw.rect(shape, (255, 140, 110), (x + 2, 0, 3, 120))
    for column in range(wide // 12 + 1):
        for row in range(3):
            colour = (248, 246, 240) if (column + row) % 2 else (36, 32, 48)
            shape.fill(colour, (column * 12, row * 12, 12, 12))
    return shape


def _tree(palette: Palette, kind: int) -> pygame.Surface:
    dark, middle, light = palette.trees
    if kind == 2:
        shape = blank(44, 26)
        for x, y, radius in ((12, 16, 10), (30, 15, 11), (21, 11, 11)):
            pygame.draw.circle(shape, dark, (x, y), radius)
            pygame.draw.circle(shape, middle, (x - 1, y - 2), radius - 2)
            pygame.draw.circle(shape, light, (x - 3, y - 4), radius // 3)
        return shape
    shape = blank(76, 120)
    pygame.draw.rect(shape, palette.earth[0], (34, 84, 8, 36))
    pygame.draw.rect(shape, palette.earth[1], (34, 84, 3, 36))
    if kind:
        for x, y, radius in ((24, 56, 20), (52, 54, 20), (38, 32, 26), (38, 62, 22)):
            pygame.draw.circle(shape, dark, (x, y), radius)
            pygame.draw.circle(shape, middle, (x - 2, y - 3), radius - 4)
        for x, y in ((18, 46), (32, 20), (46, 44), (30, 56), (44, 26)):
            pygame.draw.circle(shape, light, (x, y), 5)
        return shape
    for tier in range(4):
        top, wide = tier * 22, 16 + 7 * tier
        points = [(38, top), (38 - wide, top + 38), (38 + wide, top + 38)]
        pygame.draw.polygon(shape, dark, points)
        pygame.draw.polygon(shape, middle, [(38, top), (38 - wide + 3, top + 36), (40, top + 36)])
        pygame.draw.line(shape, light, (36, top + 6), (38 - wide + 8, top + 30), 2)
    return shape
