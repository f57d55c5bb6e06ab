"""What is where in a picture of the arena; a portal is something solid, until somebody comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.simulator.arcade.core.numbers import ONE
from nitropilot.simulator.arcade.core.places import Kind, around

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.simulator.arcade.core.places import Place
    from nitropilot.simulator.arcade.games.arena.world import ArenaWorld


def places(world: ArenaWorld) -> Iterator[Place]:
    """Where everything is; one's own bolts are good."""
    yield around(Kind.SELF, world.x / ONE, world.y / ONE, 8)
    for foe in world.foes:
        yield around(Kind.SOLID if foe.portal else Kind.DANGER, foe.x / ONE, foe.y / ONE, 10)
    for orb in world.orbs:
        yield around(Kind.DANGER, orb.x / ONE, orb.y / ONE, 6)
    for bolt in world.bolts:
        yield around(Kind.GOOD, bolt.x / ONE, bolt.y / ONE, 5)
