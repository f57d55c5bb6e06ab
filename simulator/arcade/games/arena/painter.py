"""The pictures of the arena: a ring of stone, portals, foes, bolts and their light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from nitropilot.simulator.arcade.core.numbers import ONE, share
from nitropilot.simulator.arcade.core.world import Outcome, chance
from nitropilot.simulator.arcade.games.arena import looks
from nitropilot.simulator.arcade.games.arena.world import CASTS_EVERY, CHARGES, HEARTS, PORTAL
from nitropilot.simulator.arcade.paint import display, sparks
from nitropilot.simulator.arcade.paint.pilot import top_view
from nitropilot.simulator.arcade.paint.texture import add, centred, subtract

if TYPE_CHECKING:
    from nitropilot.simulator.arcade.games.arena.world import ArenaWorld, Foe, Shot


class ArenaPainter:
    """Paints one level; what does not move is painted once.

    Args:
        world: Its start; any later state of it can be painted.
    """

    def __init__(self, world: ArenaWorld) -> None:
        rng = chance("arena", world.level, world.seed, "looks")
        self.theme = rng.choice(looks.THEMES)
        self.floor = looks.floor(self.theme, rng)

    def paint(self, canvas: pygame.Surface, world: ArenaWorld) -> None:
        """The whole picture."""
        canvas.blit(self.floor, (0, 0))
        for foe in world.foes:
            if foe.portal:
                _portal(canvas, foe, world.tick)
        for foe in sorted(world.foes, key=lambda foe: foe.y):
            if not foe.portal:
                _foe(canvas, foe, world.tick)
        if world.outcome is not Outcome.LOST:
            _pilot(canvas, world)
        for bolt in world.bolts:
            _bolt(canvas, bolt)
        for orb in world.orbs:
            _orb(canvas, orb, world.tick)
        self._events(canvas, world)
        display.hearts(canvas, world.hearts, HEARTS)
        display.bar(canvas, world.rungs(), (250, 110, 120), x=60, wide=186)

    def _events(self, canvas: pygame.Surface, world: ArenaWorld) -> None:
        for event in world.events:
            age, place = world.tick - event.tick, (event.x, event.y)
            if event.kind == "hit":
                sparks.burst(canvas, event, age, place, ((255, 255, 255), (120, 230, 250)),
                             count=6, life=12)  # fmt: skip
            elif event.kind == "beaten":
                sparks.ring(canvas, age, place, (255, 244, 200))
                sparks.burst(canvas, event, age, place, self.theme.sparks, count=18, speed=560)
            elif event.kind in ("hurt", "lost"):
                colours = ((255, 255, 255), (255, 90, 90), (120, 30, 50))
                sparks.ring(canvas, age, place, (255, 90, 90), most=40)
                sparks.burst(canvas, event, age, place, colours, count=16, speed=640)
            elif event.kind == "won":
                colours = ((255, 255, 220), (255, 214, 90), (255, 140, 60))
                sparks.burst(canvas, event, age, place, colours, count=30, speed=700, life=40)


def _pilot(canvas: pygame.Surface, world: ArenaWorld) -> None:
    x, y = world.x // ONE, world.y // ONE
    aim_x, aim_y = world.aim
    way = ((aim_x > 98) - (aim_x < -98), (aim_y > 98) - (aim_y < -98))
    foot = 1 + world.tick // 6 % 2 if world.walking else 0
    subtract(canvas, looks.shade_of(22), x, y + 9)
    add(canvas, looks.light((26, 34, 40), 40), x, y)
    if world.safe and world.tick // 4 % 2:
        pygame.draw.circle(canvas, (150, 220, 255), (x, y - 1), 16, 2)
    muzzle = x + share(16, aim_x, ONE), y + 2 + share(16, aim_y, ONE)
    if aim_y < 0:
        _blaster(canvas, (x, y + 2), muzzle)
    centred(canvas, top_view(way, foot), x, y - 3)
    if aim_y >= 0:
        _blaster(canvas, (x, y + 2), muzzle)
    if world.cooldown > 7:
        add(canvas, looks.light((90, 200, 220), 14), *muzzle)
    for number in range(CHARGES):
        spot = x - 8 + 5 * number, y + 13
        canvas.fill(looks.OUTLINE, (spot[0] - 1, spot[1] - 1, 5, 5))
        colour = (110, 236, 250) if number < world.charges else (70, 60, 84)
        canvas.fill(colour, (*spot, 3, 3))
    for far in (30, 40, 50):
        dot = x + share(far, aim_x, ONE), y + share(far, aim_y, ONE)
        canvas.fill((236, 250, 255), (dot[0] - 1, dot[1] - 1, 2, 2))


def _blaster(canvas: pygame.Surface, grip: tuple[int, int], muzzle: tuple[int, int]) -> None:
    pygame.draw.line(canvas, looks.OUTLINE, grip, muzzle, 7)
    pygame.draw.line(canvas, (120, 132, 160), grip, muzzle, 4)
    pygame.draw.circle(canvas, (110, 236, 250), muzzle, 3)


def _bolt(canvas: pygame.Surface, bolt: Shot) -> None:
    x, y = bolt.x // ONE, bolt.y // ONE
    tail = x - bolt.x_speed * 3 // ONE, y - bolt.y_speed * 3 // ONE
    add(canvas, looks.light((30, 110, 130), 16), x, y)
    pygame.draw.line(canvas, (60, 170, 210), tail, (x, y), 5)
    middle = (tail[0] + x) // 2, (tail[1] + y) // 2
    pygame.draw.line(canvas, (150, 240, 255), middle, (x, y), 5)
    pygame.draw.circle(canvas, (240, 255, 255), (x, y), 3)


def _orb(canvas: pygame.Surface, orb: Shot, tick: int) -> None:
    x, y = orb.x // ONE, orb.y // ONE
    for step in (3, 2, 1):
        back = x - orb.x_speed * 6 * step // ONE, y - orb.y_speed * 6 * step // ONE
        pygame.draw.circle(canvas, (150, 40, 140), back, 7 - 2 * step)
    add(canvas, looks.light((120, 30, 110), 24), x, y)
    centred(canvas, looks.orb(tick // 5 % 2), x, y)


def _foe(canvas: pygame.Surface, foe: Foe, tick: int) -> None:
    x, y = foe.x // ONE, foe.y // ONE
    frame = (tick + foe.way * 3 + foe.health * 5) // 7 % 4
    subtract(canvas, looks.shade_of(24), x, y + (16 if foe.kind == "bat" else 10))
    if foe.kind == "caster" and foe.cast < 50:
        add(canvas, looks.light((130, 40, 120), 12 + (CASTS_EVERY - foe.cast) // 8), x, y - 8)
        pygame.draw.circle(
            canvas, (255, 150, 240), (x + 12 * foe.way, y - 9), 2 + (50 - foe.cast) // 12
        )
    sprite = looks.foe(foe.kind, frame, foe.way, bool(foe.stun), foe.health)
    centred(canvas, sprite, x, y - 2)


def _portal(canvas: pygame.Surface, foe: Foe, tick: int) -> None:
    x, y = foe.x // ONE, foe.y // ONE
    grown = PORTAL - foe.portal
    radius = 6 + min(grown, 20) * 10 // 20
    add(canvas, looks.light((96, 30, 120), 12 + radius), x, y)
    pygame.draw.ellipse(
        canvas, (54, 20, 84), (x - radius, y - radius * 2 // 3, 2 * radius, radius * 4 // 3)
    )
    for number in range(3):
        inner = radius - (tick // 3 + number * radius // 3) % max(radius, 1)
        colour = ((250, 170, 255), (190, 90, 240), (120, 60, 200))[number]
        box = (x - inner, y - inner * 2 // 3, 2 * inner, max(inner * 4 // 3, 1))
        pygame.draw.ellipse(canvas, colour, box, 1)
