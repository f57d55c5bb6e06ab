"""The pictures of the maze: walls with a top and a face, a floor, one gem that shines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pygame

from nitropilot.simulator.arcade.core.numbers import CANVAS, ONE
from nitropilot.simulator.arcade.core.world import Outcome, chance
from nitropilot.simulator.arcade.games.maze.world import BOARD, LEFT, TOP
from nitropilot.simulator.arcade.paint import display, sparks
from nitropilot.simulator.arcade.paint.pilot import top_view
from nitropilot.simulator.arcade.paint.texture import (
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
    subtract,
    surface_of,
)

if TYPE_CHECKING:
    import random

    from numpy.typing import NDArray

    from nitropilot.simulator.arcade.games.maze.world import MazeWorld

WALL = 5
"""Half of a wall's thickness."""
FACE = 7
"""Height of its face."""
OUTLINE = (22, 18, 32)


@dataclass(frozen=True)
class Theme:
    """Colours of one kind of maze, from dark to light, and what lies about."""

    floor: tuple[Colour, ...]
    top: tuple[Colour, ...]
    face: tuple[Colour, ...]
    decor: tuple[Colour, Colour]
    lamp: Colour
    leafy: bool


THEMES = (
    Theme(((150, 128, 98), (186, 164, 124), (214, 196, 152)),
          ((38, 98, 52), (58, 136, 62), (104, 182, 78)), ((24, 60, 48), (34, 82, 54)),
          ((236, 108, 126), (250, 232, 236)), (40, 34, 12), True),
    Theme(((46, 48, 70), (62, 66, 92), (80, 86, 112)),
          ((104, 106, 134), (134, 138, 164), (172, 176, 198)), ((52, 50, 78), (76, 74, 106)),
          ((96, 176, 140), (52, 120, 104)), (78, 46, 12), False),
    Theme(((166, 122, 70), (204, 160, 96), (232, 196, 128)),
          ((146, 84, 50), (190, 118, 66), (234, 168, 96)), ((94, 50, 40), (128, 70, 48)),
          ((70, 140, 150), (40, 90, 110)), (60, 40, 10), False),
    Theme(((120, 150, 186), (156, 186, 214), (196, 220, 238)),
          ((206, 226, 242), (232, 244, 252), (255, 255, 255)), ((84, 122, 176), (118, 160, 206)),
          ((90, 120, 190), (220, 240, 255)), (14, 34, 52), False),
    Theme(((44, 30, 62), (62, 42, 84), (84, 58, 108)),
          ((120, 60, 110), (160, 84, 134), (212, 124, 164)), ((58, 28, 66), (86, 42, 86)),
          ((110, 230, 200), (60, 150, 170)), (50, 16, 60), True),
)  # fmt: skip
"""Garden, dungeon, desert, ice, mushrooms."""


class MazePainter:
    """Paints one level; what does not move is painted once.

    Args:
        world: Its start; any later state of it can be painted.
    """

    def __init__(self, world: MazeWorld) -> None:
        rng = chance("maze", world.level, world.seed, "looks")
        self.theme = rng.choice(THEMES)
        self.board = _board(world, self.theme, rng)
        self.lamps = _lamps(world, rng)
        self.glow = glow(30, self.theme.lamp)

    def paint(self, canvas: pygame.Surface, world: MazeWorld) -> None:
        """The whole picture."""
        canvas.blit(self.board, (0, 0))
        for number, (x, y) in enumerate(self.lamps):
            flicker = (world.tick // 5 + 3 * number) % 7
            add(canvas, self.glow, x, y)
            _flame(canvas, x, y, flicker)
        goal = world.middle(world.goal)
        place = LEFT + goal[0] // ONE, TOP + goal[1] // ONE
        if world.outcome is not Outcome.WON:
            (_gate if world.gate_open else _gem)(canvas, place, world)
        self._pilot(canvas, world)
        for event in world.events:
            age = world.tick - event.tick
            colours = ((255, 255, 255), (255, 226, 120), (255, 140, 190))
            sparks.ring(canvas, age, (event.x, event.y), (255, 244, 180))
            sparks.burst(canvas, event, age, (event.x, event.y), colours, count=18, speed=420)
        display.bar(canvas, world.rungs(), (120, 226, 240))

    def _pilot(self, canvas: pygame.Surface, world: MazeWorld) -> None:
        x, y = LEFT + world.x // ONE, TOP + world.y // ONE
        foot = 1 + world.tick // 7 % 2 if world.walking else 0
        add(canvas, _halo(), x, y)
        subtract(canvas, _shade(), x, y + 8)
        centred(canvas, top_view(world.way, foot), x, y - 4 - (foot == 1))


@cache
def _halo() -> pygame.Surface:
    return glow(34, (34, 28, 16))


@cache
def _shade() -> pygame.Surface:
    return shadow(20, 8, 50)


def _board(world: MazeWorld, theme: Theme, rng: random.Random) -> pygame.Surface:
    seed = rng.randrange(1 << 20)
    pixels = dithered(_floor(world, seed), theme.floor)
    board = surface_of(pixels)
    size = world.size // ONE
    for _ in range(16):
        x, y = LEFT + rng.randrange(BOARD), TOP + rng.randrange(BOARD)
        _decor(board, theme, x, y, rng.randrange(3))
    all_walls = list(walls(world))
    for left, top, wide, high in all_walls:  # first what they cast on the floor
        dark = blank(wide, high + FACE + 5, (30, 30, 24))
        board.blit(dark, (left + 2, top), special_flags=pygame.BLEND_RGB_SUB)
    grain = fractal(seed + 3, CANVAS, CANVAS, 16, 3)
    tops = surface_of(dithered(_lit(grain, theme, seed), theme.top))
    faces = surface_of(dithered(grain, theme.face))
    for left, top, wide, high in all_walls:
        board.fill(OUTLINE, (left - 1, top - 1, wide + 2, high + FACE + 2))
    for left, top, wide, high in all_walls:
        board.blit(faces, (left, top + high), (left, top + high, wide, FACE))
    for left, top, wide, high in all_walls:
        board.blit(tops, (left, top), (left, top, wide, high))
    for left, top, wide, high in all_walls:
        if wide > high:
            board.fill(shade(theme.top[-1], 108), (left + 1, top, wide - 2, 1))
            for x in range(left + 4 + top % 5, left + wide - 4, 11):
                board.fill(shade(theme.face[0], 80), (x, top + high + 1, 1, FACE - 2))
    board.fill(OUTLINE, (0, 0, CANVAS, TOP - WALL - 1))
    assert size > 2 * WALL
    return board


def _floor(world: MazeWorld, seed: int) -> NDArray[np.int64]:
    """Slabs, each of another brightness, with seams."""
    grain = fractal(seed, CANVAS, CANVAS, 32, 4)
    slab = max(world.size // ONE // 2, 12)
    axis = np.arange(CANVAS, dtype=np.int64)
    column, row = (axis - LEFT) // slab, (axis - TOP) // slab
    mixed = (column[None, :] * 7919 + row[:, None] * 104729 + seed) * 2654435761 >> 9
    values = grain // 2 + 70 + mixed % 56
    seams = ((axis - LEFT) % slab == 0)[None, :] | ((axis - TOP) % slab == 0)[:, None]
    values[seams] -= 70
    bright = ((axis - LEFT) % slab == 1)[None, :] | ((axis - TOP) % slab == 1)[:, None]
    values[bright & ~seams] += 26
    return values


def _lit(grain: NDArray[np.int64], theme: Theme, seed: int) -> NDArray[np.int64]:
    if not theme.leafy:
        return grain // 2 + 90
    leaves = fractal(seed + 9, CANVAS, CANVAS, 4, 1)
    return leaves * 3 // 4 + grain // 4


def walls(world: MazeWorld) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of each wall's top, from the back to the front."""
    side, made = world.maze.side, []
    edge = [LEFT + index * BOARD // side for index in range(side + 1)]
    down = [TOP + index * BOARD // side for index in range(side + 1)]
    for y in range(side + 1):
        for x in range(side):
            if not (0 < y < side and world.maze.open((x, y - 1), (x, y))):
                wide = edge[x + 1] - edge[x] + 2 * WALL
                made.append((edge[x] - WALL, down[y] - WALL, wide, 2 * WALL))
        for x in range(side + 1):
            if y < side and not (0 < x < side and world.maze.open((x - 1, y), (x, y))):
                high = down[y + 1] - down[y] + 2 * WALL
                made.append((edge[x] - WALL, down[y] - WALL, 2 * WALL, high))
    return made


def _lamps(world: MazeWorld, rng: random.Random) -> list[tuple[int, int]]:
    """On faces of walls."""
    side = world.maze.side
    step = BOARD // side
    places = [
        (LEFT + x * step + step // 2, TOP + y * BOARD // side + WALL + 2)
        for y in range(side)
        for x in range(side)
        if not (y and world.maze.open((x, y - 1), (x, y)))
    ]
    return sorted(rng.sample(places, min(5, len(places))))


def _flame(canvas: pygame.Surface, x: int, y: int, flicker: int) -> None:
    canvas.fill(OUTLINE, (x - 2, y + 1, 4, 4))
    canvas.fill((255, 150, 50), (x - 2, y - 2 - flicker % 2, 4, 4))
    canvas.fill((255, 236, 150), (x - 1, y - 1 - flicker % 3, 2, 3))


def _decor(board: pygame.Surface, theme: Theme, x: int, y: int, kind: int) -> None:
    one, other = theme.decor
    if kind == 0:
        for step in range(3):
            pygame.draw.circle(board, shade(one, 80 + 12 * step), (x + 5 * step, y + step % 2), 2)
            board.set_at((x + 5 * step, y - 1), other) if x + 5 * step < CANVAS else None
    elif kind == 1:
        dark = shade(theme.floor[0], 84)
        pygame.draw.lines(
            board, dark, False, [(x, y), (x + 4, y + 3), (x + 6, y + 8), (x + 11, y + 9)]
        )
    else:
        centred(board, ball(2, (theme.floor[0], theme.floor[2])), x, y)


@cache
def _gem_sprite(frame: int, colour: Colour) -> pygame.Surface:
    shape = blank(19, 21)
    narrow = (0, 1, 2, 1)[frame]
    left, right, middle = 1 + narrow, 17 - narrow, 9
    pygame.draw.polygon(shape, colour, [(left, 7), (middle, 0), (right, 7), (middle, 20)])
    pygame.draw.polygon(shape, shade(colour, 62), [(middle, 7), (right, 7), (middle, 20)])
    pygame.draw.polygon(shape, shade(colour, 150), [(left, 7), (middle, 0), (middle, 7)])
    pygame.draw.line(shape, (255, 255, 255), (left + 3, 6), (middle - 2, 2))
    return outlined(shape, OUTLINE)


_GEMS: tuple[Colour, ...] = (
    (236, 64, 110), (66, 190, 240), (250, 190, 60), (120, 226, 110), (190, 110, 250),
    (250, 130, 60), (80, 230, 200), (240, 110, 210),
)  # fmt: skip


def _gem(canvas: pygame.Surface, place: tuple[int, int], world: MazeWorld) -> None:
    colour = _GEMS[world.taken % len(_GEMS)]
    bob = (0, -1, -2, -2, -1, 0)[world.tick // 8 % 6]
    add(canvas, _light(colour), *place)
    subtract(canvas, _shade(), place[0], place[1] + 10)
    centred(canvas, _gem_sprite(world.tick // 8 % 4, colour), place[0], place[1] + bob - 2)
    spark = world.tick // 4 % 12
    if spark < 4:
        x, y = place[0] - 5 + spark * 3, place[1] - 12 + spark % 2 * 6
        canvas.fill((255, 255, 255), (x, y - 2, 1, 5))
        canvas.fill((255, 255, 255), (x - 2, y, 5, 1))


@cache
def _light(colour: Colour) -> pygame.Surface:
    return glow(38, shade(colour, 48))


def _gate(canvas: pygame.Surface, place: tuple[int, int], world: MazeWorld) -> None:
    add(canvas, _light((255, 220, 120)), *place)
    x, y = place
    pygame.draw.rect(canvas, OUTLINE, (x - 12, y - 14, 25, 27), border_radius=10)
    pygame.draw.rect(canvas, (236, 200, 110), (x - 11, y - 13, 23, 25), border_radius=9)
    pygame.draw.rect(canvas, (66, 40, 110), (x - 8, y - 10, 17, 21), border_radius=7)
    for number in range(3):
        size = (world.tick // 4 + 5 * number) % 15
        colour = ((150, 110, 250), (110, 220, 250), (250, 240, 255))[number]
        pygame.draw.ellipse(canvas, colour, (x - 7 + size // 2, y - 9 + size // 2,
                                             15 - size, 19 - size), 1)  # fmt: skip
