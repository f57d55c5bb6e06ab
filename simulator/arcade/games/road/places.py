"""What is where in a picture of the road; the middle of the road is what is solid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.simulator.arcade.core.numbers import CANVAS, ONE
from nitropilot.simulator.arcade.core.places import Kind, Place, around
from nitropilot.simulator.arcade.games.road import sight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.simulator.arcade.games.road.world import RoadWorld

APART = 16
"""Rows of the picture between two places on the middle of the road."""
CAR = 22
"""Half of a car's width where the own one is, in pixels."""
ARCH = 60


def places(world: RoadWorld) -> Iterator[Place]:
    """Where everything is."""
    x, place = 128 + world.x / 2 / ONE, world.place // ONE
    yield Place(Kind.SELF, x - 20, sight.OWN_ROW - 28, x + 20, sight.OWN_ROW)
    middles = sight.middles(world, place)
    for row in range(sight.HORIZON + 6, CANVAS, APART):
        yield around(Kind.SOLID, float(middles[row - sight.HORIZON - 3]), row, 8)
    for car in world.cars:
        spot = sight.spot(car.place // ONE - place, car.x, middles)
        if spot is not None:
            scale, along, down = spot
            half = max(CAR * scale / ONE, 2)
            yield Place(Kind.DANGER, along - half, down - 1.4 * half, along + half, down)
    finish = sight.spot(world.track.length - place, 0, middles)
    if finish is not None:
        scale, along, down = finish
        half = ARCH * scale / ONE
        yield Place(Kind.GOOD, along - half, down - half, along + half, down)
