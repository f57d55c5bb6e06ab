"""A script that finds the way: from cell to cell, nearer and nearer to the goal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.controller.state import GamepadState
from nitropilot.simulator.arcade.core.numbers import ONE

if TYPE_CHECKING:
    from nitropilot.simulator.arcade.games.maze.level import Cell
    from nitropilot.simulator.arcade.games.maze.world import MazeWorld

ALIGNED = 5 * ONE
"""So near to the middle of a corridor it turns."""


def act(world: MazeWorld) -> GamepadState:
    """What to press now."""
    cell = world.cell
    here = world.middle(cell)
    off = world.x - here[0], world.y - here[1]
    if cell == world.goal:
        return _push(-off[0], -off[1])
    then = following(world, cell)
    way = then[0] - cell[0], then[1] - cell[1]
    aside = off[1] if way[0] else off[0]
    if abs(aside) > ALIGNED:  # first back to the middle of this cell
        return _push(0, -aside) if way[0] else _push(-aside, 0)
    # along the way, and gently to the corridor's middle
    return _push(way[0] * 99 * ONE, -aside) if way[0] else _push(-aside, way[1] * 99 * ONE)


def following(world: MazeWorld, cell: Cell) -> Cell:
    """The cell that comes after this one on the way to the goal."""
    far = world.maze.distances(world.goal)
    return min(world.maze.neighbours(cell), key=lambda other: far[other])


def _push(x: int, y: int) -> GamepadState:
    """The stick towards a place, y downward; full beyond some pixels."""
    return GamepadState(left=(_axis(x), -_axis(y)))


def _axis(value: int) -> float:
    if abs(value) < ONE:
        return 0.0
    return max(-1.0, min(1.0, value / (4 * ONE)))
