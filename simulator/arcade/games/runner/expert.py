"""A script that plays the runner well: it jumps in the middle of where a jump would do."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from nitropilot.controller.state import Button, GamepadState
from nitropilot.simulator.arcade.core.numbers import ONE
from nitropilot.simulator.arcade.core.pad import FULL, Pad
from nitropilot.simulator.arcade.core.world import Outcome
from nitropilot.simulator.arcade.games.runner.world import HALF, RunnerWorld

if TYPE_CHECKING:
    from nitropilot.simulator.arcade.games.runner.level import Course

RUN = GamepadState(left=(1.0, 0.0))
LEAP = GamepadState(left=(1.0, 0.0), buttons=Button.A)
AIRTIME = 18
"""Ticks from take-off to the top."""
LONG_PRESS = -700
"""Up to this speed downward the button stays down: about ten ticks."""
REACH = 76


def act(world: RunnerWorld) -> GamepadState:
    """What to press now."""
    if not world.standing:
        return LEAP if world.fall < LONG_PRESS else RUN
    x = world.x // ONE
    if any(left <= x < left + 14 for left in takeoffs(world.course)):
        return LEAP
    top = world.course.top(x + HALF + 3)
    if top is not None and top < world.y // ONE - 3:
        return LEAP  # too late, and at the wall: up it goes
    return LEAP if _slime_ahead(world) else RUN


def _slime_ahead(world: RunnerWorld) -> bool:
    for slime in world.slimes:
        meets = slime.x // ONE + slime.way * AIRTIME // 2 - world.x // ONE
        if slime.alive and 8 < meets <= 38 and abs(slime.top - world.y // ONE) < 40:
            return True
    return False


@lru_cache(maxsize=64)
def takeoffs(course: Course) -> tuple[int, ...]:
    """Where to jump, one place for each hurdle that does not move, in pixels."""
    places = []
    for left, right in zip(course.grounds, course.grounds[1:], strict=False):
        if right.left > left.right or right.top < left.top:
            places.append(_middle(course, left.right, left.top))
    places += [_middle(course, spikes.left, spikes.top) for spikes in course.spikes]
    return tuple(sorted(places))


def _middle(course: Course, edge: int, top: int) -> int:
    """The middle of those places before an edge from which a jump ends well."""
    good = [x for x in range(edge - REACH, edge + 1, 2) if _ends_well(course, x, top, edge)]
    return good[len(good) // 2] - 2 if good else edge - 24


def _ends_well(course: Course, x: int, top: int, edge: int) -> bool:
    world = RunnerWorld(0, 0, course=course, x=x * ONE, y=top * ONE)
    if world._support() != top:
        return False
    pad = Pad(x=FULL, buttons=Button.A)
    for _ in range(60):
        world.step(pad)
        pad = Pad(x=FULL)
        if world.outcome is Outcome.LOST:
            return False
        if world.standing:
            break
    return world.standing and world.x // ONE > edge
