"""What is where in a picture of the runner; a pit is a danger."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from nitropilot.simulator.arcade.core.numbers import CANVAS, ONE
from nitropilot.simulator.arcade.core.places import Kind, Place, around
from nitropilot.simulator.arcade.games.runner.painter import EYE
from nitropilot.simulator.arcade.games.runner.world import SLIME_HALF, TALL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.simulator.arcade.games.runner.world import RunnerWorld

DEPTH = 24
"""How far down the ground counts, in pixels."""
PIT = 210
"""From here down there is nothing but a pit."""
POLE = 60


def places(world: RunnerWorld) -> Iterator[Place]:
    """Where everything is."""
    eye, course = world.x // ONE - EYE, world.course
    yield around(Kind.SELF, EYE, world.y / ONE - TALL / 2, 7, TALL / 2)
    for ground in course.grounds:
        yield Place(
            Kind.SOLID, ground.left - eye, ground.top, ground.right - eye, ground.top + DEPTH
        )
    for one, other in pairwise(course.grounds):
        if other.left > one.right:
            yield Place(Kind.DANGER, one.right - eye, PIT, other.left - eye, CANVAS)
    for spikes in course.spikes:
        yield Place(Kind.DANGER, spikes.left - eye, spikes.top - 10, spikes.right - eye, spikes.top)
    for slime in world.slimes:
        if slime.alive:
            yield around(Kind.DANGER, slime.x / ONE - eye, slime.top - 8, SLIME_HALF, 8)
    top = course.top(course.goal)
    if not world.strolling and top is not None:
        yield Place(Kind.GOOD, course.goal - 10 - eye, top - POLE, course.goal + 10 - eye, top)
