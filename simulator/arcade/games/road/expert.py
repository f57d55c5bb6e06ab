"""A script that drives well: early into a free lane, and against the bend."""

from __future__ import annotations

from nitropilot.controller.state import GamepadState
from nitropilot.simulator.arcade.core.numbers import ONE, clamp
from nitropilot.simulator.arcade.core.pad import FULL
from nitropilot.simulator.arcade.games.road.level import LANES
from nitropilot.simulator.arcade.games.road.world import STEER, RoadWorld

AHEAD = 330
"""How far it looks, in pixels."""


def act(world: RoadWorld) -> GamepadState:
    """What to press now."""
    error = _lane(world) * ONE - world.x
    bend = world.track.bend(world.place // ONE)
    wish = clamp(error // 12, -STEER, STEER) + bend
    stick = clamp(wish * FULL // STEER, -FULL, FULL) / FULL
    if abs(stick) < 0.21:  # the dead zone takes what is less
        stick = 0.0 if abs(error) < 3 * ONE and abs(bend) < 60 else 0.21 if stick > 0 else -0.21
    return GamepadState(left=(stick, 0.0), right_trigger=1.0)


def _lane(world: RoadWorld) -> int:
    """The free lane that costs least: near to here, and to what the row after it asks for."""
    rows: dict[int, set[int]] = {}
    for car in world.cars:
        if -40 * ONE < car.place - world.place < AHEAD * ONE:
            rows.setdefault(car.row, set()).add(car.x)
    here = world.x // ONE
    if not rows:
        return min(LANES, key=lambda lane: (abs(lane - here), lane))
    taken = [rows[row] for row in sorted(rows)]

    def cost(lane: int) -> tuple[int, int]:
        then = taken[1] if len(taken) > 1 else set()
        onward = min(abs(other - lane) for other in LANES if other not in then)
        return 2 * abs(lane - here) + onward, lane

    return min((lane for lane in LANES if lane not in taken[0]), key=cost)
