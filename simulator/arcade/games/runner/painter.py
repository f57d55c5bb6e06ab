"""The pictures of the runner: a landscape in layers, the ground, the pilot."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pygame

from nitropilot.simulator.arcade.core.numbers import CANVAS, ONE
from nitropilot.simulator.arcade.core.world import Outcome, chance
from nitropilot.simulator.arcade.paint import display, sparks
from nitropilot.simulator.arcade.paint import landscape as looks
from nitropilot.simulator.arcade.paint.pilot import side_view
from nitropilot.simulator.arcade.paint.texture import (
    add,
    ball,
    blank,
    centred,
    glow,
    outlined,
    shade,
    shadow,
    subtract,
)

if TYPE_CHECKING:
    from nitropilot.simulator.arcade.games.runner.level import Ground, Spikes
    from nitropilot.simulator.arcade.games.runner.world import RunnerWorld, Slime

EYE = 78
"""Where the pilot is seen, in pixels from the left."""
OUTLINE = (30, 22, 40)


class RunnerPainter:
    """Paints one level.

    Args:
        world: Its start; any later state of it can be painted.
    """

    def __init__(self, world: RunnerWorld) -> None:
        rng = chance("runner", world.level, world.seed, "looks")
        number = 0 if world.strolling else rng.randrange(len(looks.PALETTES))
        self.palette = looks.PALETTES[number]
        seed = rng.randrange(1 << 20)
        self.sky = looks.backdrop(self.palette, seed)
        self.layers = (
            (looks.clouds(self.palette, seed), 66, 12),
            (looks.mountains(self.palette, seed), 100, 5),
            (looks.hills(self.palette, seed), 138, 2),
        )
        self.ground = looks.ground_texture(self.palette, seed)
        self.seed = seed

    def paint(self, canvas: pygame.Surface, world: RunnerWorld) -> None:
        """The whole picture."""
        eye = world.x // ONE - EYE
        clock = world.x // (3 * ONE) if world.strolling else world.tick
        canvas.blit(self.sky, (0, 0))
        for layer, top, slower in self.layers:
            left = -(eye // slower) % looks.STRIP
            canvas.blit(layer, (left, top))
            canvas.blit(layer, (left - looks.STRIP, top))
        self._abyss(canvas, clock)
        for ground in world.course.grounds:
            self._ground(canvas, ground, eye)
        for spikes in world.course.spikes:
            if -40 < spikes.left - eye < CANVAS:
                self._spikes(canvas, spikes, eye)
        if world.strolling or -40 < world.course.goal - eye < CANVAS + 40:
            self._flag(canvas, world, eye, clock)
        for slime in world.slimes:
            if slime.alive:
                self._slime(canvas, slime, eye, clock)
        self._events(canvas, world, eye)
        self._pilot(canvas, world, clock)
        if not world.strolling:
            display.bar(canvas, world.rungs(), (255, 206, 84))

    def _abyss(self, canvas: pygame.Surface, clock: int) -> None:
        """Mist below, in which whoever falls is lost."""
        colour = shade(self.palette.hills[0], 72)
        canvas.fill(colour, (0, 226, CANVAS, 30))
        for x in range(0, CANVAS, 8):
            wave = (x * 5 + clock) // 8 % 6
            canvas.fill(colour, (x, 223 + abs(wave - 3), 8, 6))

    def _ground(self, canvas: pygame.Surface, ground: Ground, eye: int) -> None:
        left, right = max(ground.left - eye, 0), min(ground.right - eye, CANVAS)
        if left >= right:
            return
        x = left
        while x < right:
            begin = (x + eye) % looks.STRIP
            wide = min(right - x, looks.STRIP - begin)
            canvas.blit(self.ground, (x, ground.top - 8), (begin, 0, wide, 128))
            x += wide
        edge = shade(self.palette.earth[0], 66)
        for side, inward in ((ground.left - eye, 0), (ground.right - eye, -3)):
            if 0 <= side <= CANVAS:
                canvas.fill(edge, (side + inward, ground.top + 6, 3, 128))
                canvas.fill(self.palette.grass[1], (side + inward, ground.top - 1, 3, 6))
        self._props(canvas, ground, eye)

    def _props(self, canvas: pygame.Surface, ground: Ground, eye: int) -> None:
        """Flowers, tufts and stones, which mean nothing."""
        first = (max(ground.left, eye - 12) // 16) + 1
        for place in range(first, min(ground.right - 6, eye + CANVAS + 12) // 16):
            kind = (place * 2654435761 + self.seed * 40503 >> 6) % 7
            if kind < 4:
                prop = _prop(kind, self.palette)
                canvas.blit(prop, (place * 16 - eye, ground.top - prop.get_height() + 2))

    def _spikes(self, canvas: pygame.Surface, spikes: Spikes, eye: int) -> None:
        canvas.blit(_thorns(spikes.right - spikes.left), (spikes.left - eye, spikes.top - 16))

    def _flag(self, canvas: pygame.Surface, world: RunnerWorld, eye: int, clock: int) -> None:
        if world.strolling:
            return
        goal = world.course.goal
        top = world.course.top(goal) or 0
        x = goal - eye
        add(canvas, glow(40, (70, 60, 20)), x, top - 30)
        canvas.fill(OUTLINE, (x - 2, top - 62, 5, 64))
        canvas.fill((236, 226, 206), (x - 1, top - 61, 3, 62))
        pygame.draw.circle(canvas, (255, 214, 90), (x, top - 63), 4)
        for column in range(34):
            wave = (0, 1, 2, 2, 1, 0, -1, -1)[(column - clock // 4) // 3 % 8] * column // 20
            for row in range(4):
                light = (column // 8 + row) % 2 == 0
                colour = (250, 246, 236) if light else (226, 62, 54)
                canvas.fill(colour, (x + 2 + column, top - 59 + 6 * row + wave, 1, 6))

    def _slime(self, canvas: pygame.Surface, slime: Slime, eye: int, clock: int) -> None:
        x = slime.x // ONE - eye
        if -20 < x < CANVAS + 20:
            sprite = _slime_sprite(slime.way, clock // 8 % 4)
            subtract(canvas, _SHADOW(26), x, slime.top)
            canvas.blit(sprite, (x - sprite.get_width() // 2, slime.top - sprite.get_height() + 2))

    def _pilot(self, canvas: pygame.Surface, world: RunnerWorld, clock: int) -> None:
        if world.outcome is Outcome.LOST:
            return
        feet = world.y // ONE
        top = world.course.top(world.x // ONE)
        if top is not None and feet <= top:
            subtract(canvas, _SHADOW(max(8, 22 - (top - feet) // 5)), EYE, top + 1)
        stride = world.x // (7 * ONE) % 4
        if not world.standing:
            pose = "rise" if world.fall < 0 else "fall"
        else:
            pose = f"run{stride}" if world.walking else "stand"
        flutter = -1 if world.standing and not world.walking else clock // 4 % 4
        sprite = side_view(pose, world.way, flutter)
        canvas.blit(sprite, (EYE - sprite.get_width() // 2, feet - sprite.get_height() + 2))

    def _events(self, canvas: pygame.Surface, world: RunnerWorld, eye: int) -> None:
        dust = (shade(self.palette.earth[2], 150), self.palette.earth[2])
        for event in world.events:
            age, place = world.tick - event.tick, (event.x - eye, event.y)
            if event.kind in ("jump", "land"):
                sparks.burst(canvas, event, age, place, dust, count=7, speed=230, life=18)
            elif event.kind == "stomp":
                colours = ((220, 255, 170), (120, 214, 90), (58, 130, 66))
                sparks.burst(canvas, event, age, place, colours, count=16, fall=20)
            elif event.kind == "lost":
                colours = ((255, 255, 255), (255, 128, 84), (166, 36, 52))
                sparks.burst(canvas, event, age, place, colours, count=22, speed=700, life=36)
            elif event.kind == "won":
                colours = ((255, 255, 220), (255, 214, 90), (255, 140, 60))
                sparks.burst(canvas, event, age, (place[0], place[1] - 50), colours, count=30,
                             speed=620, fall=8, life=40)  # fmt: skip


@cache
def _SHADOW(wide: int) -> pygame.Surface:
    return shadow(wide, 5, 44)


@cache
def _thorns(wide: int) -> pygame.Surface:
    shape = blank(wide, 18)
    count = max(wide // 8, 2)
    for number in range(count):
        left, right = number * wide // count, (number + 1) * wide // count
        middle, top = (left + right) // 2, 1 + 3 * (number % 2)
        pygame.draw.polygon(shape, (196, 204, 222), [(left, 17), (middle, top), (right, 17)])
        pygame.draw.polygon(shape, (112, 118, 150), [(middle, 17), (middle, top), (right, 17)])
        pygame.draw.line(shape, (236, 66, 84), (middle, top), (middle, top + 4), 2)
    return outlined(shape, OUTLINE)


@cache
def _slime_sprite(way: int, frame: int) -> pygame.Surface:
    squash = (0, 1, 2, 1)[frame]
    wide, high = 24 + 2 * squash, 19 - squash
    shape = blank(wide, high)
    pygame.draw.ellipse(shape, (58, 130, 66), (0, 0, wide, 2 * high - 6))
    pygame.draw.ellipse(shape, (106, 200, 84), (1, 0, wide - 3, 2 * high - 10))
    pygame.draw.ellipse(shape, (214, 255, 160), (5, 2, 8, 4))
    for side in (-4, 4):
        x = wide // 2 + side + 4 * way
        pygame.draw.circle(shape, (255, 255, 255), (x, high // 2), 3)
        shape.fill((30, 22, 40), (x + way - 1, high // 2 - 1, 2, 3))
    shape.fill((255, 0, 255), (0, high - 1, wide, 0))
    return outlined(shape, OUTLINE)


@cache
def _prop(kind: int, palette: looks.Palette) -> pygame.Surface:
    shape = blank(12, 10)
    if kind == 0:
        for x in (2, 5, 8):
            pygame.draw.line(shape, palette.grass[2 - x % 2], (x, 9), (x + (x - 5) // 2, 2))
    elif kind == 1:
        pygame.draw.line(shape, palette.grass[0], (5, 9), (5, 4))
        pygame.draw.circle(shape, (255, 240, 240), (5, 3), 2)
        shape.set_at((5, 3), (255, 196, 60))
    elif kind == 2:
        shape.blit(
            ball(3, (palette.earth[1], palette.earth[2], shade(palette.earth[2], 140))), (2, 4)
        )
    else:
        centred(shape, ball(4, palette.grass), 5, 7)
    return shape
