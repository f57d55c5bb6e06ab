"""What is where in a picture of the maze: the way leads to the gem that shines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.simulator.arcade.core.numbers import ONE
from nitropilot.simulator.arcade.core.places import Kind, Place, around
from nitropilot.simulator.arcade.games.maze.expert import following
from nitropilot.simulator.arcade.games.maze.painter import walls
from nitropilot.simulator.arcade.games.maze.world import LEFT, TOP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.simulator.arcade.games.maze.world import MazeWorld

WIDE = 8
"""Half of the way's width."""


def places(world: MazeWorld) -> Iterator[Place]:
    """Where everything is."""
    x, y = _seen((world.x, world.y))
    yield around(Kind.SELF, x, y - 4, 8)
    yield around(Kind.GOOD, *_seen(world.middle(world.goal)), 10)
    for left, top, wide, high in walls(world):
        yield Place(Kind.SOLID, left, top, left + wide, top + high)
    cell = world.cell
    while cell != world.goal:
        cell = following(world, cell)
        along, down = _seen(world.middle(cell))
        yield Place(
            Kind.WAY, min(x, along) - WIDE, min(y, down) - WIDE,
            max(x, along) + WIDE, max(y, down) + WIDE,
        )  # fmt: skip
        x, y = along, down


def _seen(place: tuple[int, int]) -> tuple[float, float]:
    """A place on the board in pixels of the picture."""
    return LEFT + place[0] / ONE, TOP + place[1] / ONE
