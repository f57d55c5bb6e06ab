"""The pictures of the pulse: four lanes of light over a landscape that moves with the song."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pygame

from nitropilot.simulator.arcade.core.numbers import CANVAS, ONE
from nitropilot.simulator.arcade.core.world import chance
from nitropilot.simulator.arcade.games.pulse.level import BEAT
from nitropilot.simulator.arcade.games.pulse.world import ENERGY, LANE_X, LINE
from nitropilot.simulator.arcade.paint import display, landscape, sparks
from nitropilot.simulator.arcade.paint.pilot import side_view
from nitropilot.simulator.arcade.paint.texture import (
    Colour,
    add,
    blank,
    centred,
    glow,
    mix,
    outlined,
    shade,
)

if TYPE_CHECKING:
    from nitropilot.simulator.arcade.games.pulse.world import PulseWorld

OUTLINE = (20, 16, 34)
COLOURS: tuple[Colour, ...] = ((70, 150, 250), (90, 214, 90), (240, 80, 76), (250, 206, 70))
"""X, A, B, Y, as on the pad."""
LETTERS = (
    ("10001", "01010", "00100", "01010", "10001"),
    ("01110", "10001", "11111", "10001", "10001"),
    ("11110", "10001", "11110", "10001", "11110"),
    ("10001", "01010", "00100", "00100", "00100"),
)
LANE_WIDE = 44
TOP = 18


class PulsePainter:
    """Paints one level.

    Args:
        world: Its start; any later state of it can be painted.
    """

    def __init__(self, world: PulseWorld) -> None:
        rng = chance("pulse", world.level, world.seed, "looks")
        self.palette = rng.choice(landscape.PALETTES)
        self.seed = rng.randrange(1 << 20)
        self.sky = landscape.backdrop(self.palette, self.seed)
        self.layers = (
            (landscape.clouds(self.palette, self.seed), 56, 9),
            (landscape.mountains(self.palette, self.seed), 104, 5),
            (landscape.hills(self.palette, self.seed), 146, 2),
        )
        self.ground = landscape.ground_texture(self.palette, self.seed)
        self.stage = _stage()

    def paint(self, canvas: pygame.Surface, world: PulseWorld) -> None:
        """The whole picture."""
        canvas.blit(self.sky, (0, 0))
        for layer, top, slower in self.layers:
            left = -(world.tick // slower) % landscape.STRIP
            canvas.blit(layer, (left, top))
            canvas.blit(layer, (left - landscape.STRIP, top))
        left = -world.tick % landscape.STRIP
        canvas.blit(self.ground, (left, 222))
        canvas.blit(self.ground, (left - landscape.STRIP, 222))
        canvas.blit(self.stage, (LANE_X[0] - 26, 0), special_flags=pygame.BLEND_RGB_MULT)
        self._lanes(canvas, world)
        for note in reversed(world.open):
            y = LINE - world.above(note) // ONE
            if -20 < y < CANVAS:
                lane = world.song[note].lane
                add(canvas, _tail(lane), LANE_X[lane], y - 18)
                centred(canvas, _note(lane), LANE_X[lane], y)
        self._events(canvas, world)
        self._pilot(canvas, world)
        display.bar(canvas, world.rungs(), (240, 130, 230), x=60, wide=136)
        for number in range(ENERGY):
            canvas.blit(display.heart(number < world.energy), (236, 30 + 13 * number))

    def _lanes(self, canvas: pygame.Surface, world: PulseWorld) -> None:
        beat = BEAT[world.level]
        for step in range(12):  # a line for each beat
            y = LINE + (world.tick % beat) * 200 // beat - 200 * step // 4
            if TOP < y < CANVAS:
                canvas.fill((64, 58, 96), (LANE_X[0] - 24, y, LANE_X[3] - LANE_X[0] + 48, 1))
        for lane, x in enumerate(LANE_X):
            colour = COLOURS[lane]
            canvas.fill(shade(colour, 46), (x - 24, TOP, 1, CANVAS))
            canvas.fill(shade(colour, 46), (x + 23, TOP, 1, CANVAS))
            if world.held[lane]:
                add(canvas, _beam(lane), x, LINE - 60)
            canvas.blit(_pad(lane, bool(world.held[lane])), (x - 22, LINE - 13))

    def _pilot(self, canvas: pygame.Surface, world: PulseWorld) -> None:
        beat = BEAT[world.level]
        hop = (world.tick % beat) * 8 // beat
        up = (0, 3, 5, 4, 2, 0, 0, 0)[hop]
        pose = f"run{world.tick // 7 % 4}" if up == 0 else "rise"
        sprite = side_view(pose, 1, world.tick // 5 % 4)
        canvas.blit(sprite, (1, 232 - sprite.get_height() - up))

    def _events(self, canvas: pygame.Surface, world: PulseWorld) -> None:
        for event in world.events:
            age, place = world.tick - event.tick, (event.x, event.y)
            lane = LANE_X.index(event.x) if event.x in LANE_X else 0
            if event.kind == "hit":
                colour = COLOURS[lane]
                if age < 9:
                    add(canvas, _flash(lane), *place)
                sparks.ring(canvas, age, place, shade(colour, 140), life=12, most=24)
                colours = ((255, 255, 255), shade(colour, 130), shade(colour, 70))
                sparks.burst(canvas, event, age, place, colours, count=14, speed=560, fall=14)
            elif event.kind in ("miss", "stray", "lost"):
                if age < 14:
                    canvas.fill((236, 60, 78), (event.x - 22, LINE + 16, 44, 3 - age // 5))
                colours = ((236, 60, 78), (180, 50, 70), (110, 40, 60))
                sparks.burst(canvas, event, age, (place[0], place[1] + 12), colours, count=8,
                             speed=300, fall=30)  # fmt: skip
            elif event.kind == "won":
                colours = ((255, 255, 220), (255, 214, 90), (120, 220, 250))
                sparks.burst(canvas, event, age, (128, 120), colours, count=40, speed=900,
                             fall=10, life=40)  # fmt: skip


@cache
def _stage() -> pygame.Surface:
    """What the lanes take from the landscape's light."""
    wide = LANE_X[3] - LANE_X[0] + 52
    made = blank(wide, CANVAS, (0, 0, 0))
    for row in range(CANVAS):
        made.fill(mix((84, 72, 118), (44, 36, 72), row), (0, row, wide, 1))
    made.fill((150, 140, 190), (0, 0, 2, CANVAS))
    made.fill((150, 140, 190), (wide - 2, 0, 2, CANVAS))
    return made


def _letter(shape: pygame.Surface, lane: int, x: int, y: int, colour: Colour, size: int) -> None:
    for row, line in enumerate(LETTERS[lane]):
        for column, there in enumerate(line):
            if there == "1":
                shape.fill(colour, (x + size * column, y + size * row, size, size))


@cache
def _note(lane: int) -> pygame.Surface:
    colour = COLOURS[lane]
    shape = blank(36, 22)
    pygame.draw.rect(shape, shade(colour, 58), (0, 0, 36, 22), border_radius=9)
    pygame.draw.rect(shape, colour, (0, 0, 36, 19), border_radius=9)
    pygame.draw.rect(shape, shade(colour, 150), (5, 2, 26, 3), border_radius=2)
    _letter(shape, lane, 13, 5, OUTLINE, 2)
    return outlined(shape, OUTLINE)


@cache
def _pad(lane: int, down: bool) -> pygame.Surface:
    colour = COLOURS[lane]
    shape = blank(44, 26)
    pygame.draw.rect(shape, shade(colour, 90 if down else 30), (0, 0, 44, 26), border_radius=11)
    pygame.draw.rect(shape, shade(colour, 120 if down else 84), (0, 0, 44, 26), 2, border_radius=11)
    _letter(shape, lane, 17, 8, shade(colour, 160 if down else 70), 2)
    return shape


@cache
def _tail(lane: int) -> pygame.Surface:
    return _column(lane, 20, 36, 60)


@cache
def _beam(lane: int) -> pygame.Surface:
    return _column(lane, 42, 120, 40)


def _column(lane: int, wide: int, high: int, percent: int) -> pygame.Surface:
    made = blank(wide, high, (0, 0, 0))
    for row in range(high):
        made.fill(shade(COLOURS[lane], percent * row // high), (0, row, wide, 1))
    return made


@cache
def _flash(lane: int) -> pygame.Surface:
    return glow(34, shade(COLOURS[lane], 80))
