"""A script that fights well: it aims at the nearest foe and keeps away from all of them."""

from __future__ import annotations

from nitropilot.controller.state import GamepadState
from nitropilot.simulator.arcade.core.numbers import ONE, apart, towards
from nitropilot.simulator.arcade.games.arena.level import BOTTOM, LEFT, RIGHT, TOP
from nitropilot.simulator.arcade.games.arena.world import ArenaWorld, Foe

NEAR = 78
"""From a foe that is nearer, in pixels, it goes away."""
DODGE = 60
FREE = 30
"""Around the middle, in pixels, it stays where it is."""


def act(world: ArenaWorld) -> GamepadState:
    """What to press now."""
    foes = [foe for foe in world.foes if not foe.portal]
    nearest = min(foes or world.foes, key=lambda foe: _far(world, foe), default=None)
    x, y = _flight(world)
    left = (x / ONE, -y / ONE)
    if nearest is None:
        return GamepadState(left=left)
    aim_x, aim_y = towards(nearest.x - world.x, nearest.y - world.y, ONE)
    return GamepadState(
        left=left, right=(aim_x / ONE, -aim_y / ONE), right_trigger=1.0 if foes else 0.0
    )


def _far(world: ArenaWorld, thing: Foe) -> int:
    return apart(thing.x - world.x, thing.y - world.y)


def _flight(world: ArenaWorld) -> tuple[int, int]:
    """Where to go: a vector of length 256 at most, y down."""
    push_x = push_y = 0
    dangers = [(foe.x, foe.y, NEAR) for foe in world.foes]
    dangers += [(orb.x, orb.y, DODGE) for orb in world.orbs]
    for x, y, reach in dangers:
        away = world.x - x, world.y - y
        distance = apart(*away) // ONE
        if distance < reach:
            force = towards(*away, 2 * ONE * (reach - distance) // reach)
            if reach == DODGE:  # an orb flies straight: aside is better than away
                force = (force[0] - force[1], force[1] + force[0])
            push_x, push_y = push_x + force[0], push_y + force[1]
    home_x = (LEFT + RIGHT) // 2 * ONE - world.x
    home_y = (TOP + BOTTOM) // 2 * ONE - world.y
    if apart(home_x, home_y) > FREE * ONE:
        home = towards(home_x, home_y, ONE * apart(home_x, home_y) // (110 * ONE))
        push_x, push_y = push_x + home[0], push_y + home[1]
    length = apart(push_x, push_y)
    if length < 64:
        return 0, 0
    return towards(push_x, push_y, ONE)
