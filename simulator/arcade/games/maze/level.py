"""Mazes, drawn by seed: corridors, some of them in a ring, and where the gems lie."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from nitropilot.simulator.arcade.core.world import chance

if TYPE_CHECKING:
    import random

SIDES = (5, 6, 7)
"""Cells in a row and in a column."""
GEMS = (4, 6, 8)
OPENED = (60, 35, 15)
"""Percent of dead ends that are opened into a ring."""
WAYS = ((1, 0), (0, 1), (-1, 0), (0, -1))

Cell = tuple[int, int]


@dataclass(frozen=True)
class Maze:
    """Cells and the ways between them.

    Attributes:
        side: Cells in a row and in a column.
        links: Pairs of neighbours without a wall between them, in either order.
        start: Where the player begins.
        goals: Gems in their order, and the gate as the last.
    """

    side: int
    links: frozenset[tuple[Cell, Cell]]
    start: Cell
    goals: tuple[Cell, ...]

    def open(self, one: Cell, other: Cell) -> bool:
        """Whether one can go from a cell to its neighbour."""
        return (one, other) in self.links

    def neighbours(self, cell: Cell) -> list[Cell]:
        """Cells that one can go to."""
        around = [(cell[0] + x, cell[1] + y) for x, y in WAYS]
        return [other for other in around if (cell, other) in self.links]

    def distances(self, goal: Cell) -> dict[Cell, int]:
        """How many cells it is to the goal from each cell."""
        return self._fields[goal]

    @cached_property
    def _fields(self) -> dict[Cell, dict[Cell, int]]:
        return {goal: _distances(self, goal) for goal in {*self.goals, self.start}}


def _distances(maze: Maze, goal: Cell) -> dict[Cell, int]:
    found = {goal: 0}
    waiting = deque([goal])
    while waiting:
        cell = waiting.popleft()
        for other in maze.neighbours(cell):
            if other not in found:
                found[other] = found[cell] + 1
                waiting.append(other)
    return found


def maze(level: int, seed: int) -> Maze:
    """The maze of a level, the same for the same seed."""
    rng = chance("maze", level, seed)
    side = SIDES[level]
    cells = [(x, y) for y in range(side) for x in range(side)]
    links = _carve(rng, side)
    for cell in cells:
        around = [(cell[0] + x, cell[1] + y) for x, y in WAYS]
        inside = [other for other in around if other in set(cells)]
        linked = [other for other in inside if (cell, other) in links]
        if len(linked) == 1 and rng.randrange(100) < OPENED[level]:
            other = rng.choice([other for other in inside if other not in linked])
            links |= {(cell, other), (other, cell)}
    start = rng.choice(cells)
    bare = Maze(side, frozenset(links), start, tuple(cells))
    goals: list[Cell] = []
    here = start
    for _ in range(GEMS[level] + 1):
        far = bare.distances(here)
        choice = [cell for cell in cells if 2 <= far[cell] <= 3 + side and cell not in goals]
        here = rng.choice(choice or [cell for cell in cells if far[cell] >= 2])
        goals.append(here)
    return Maze(side, frozenset(links), start, tuple(goals))


def _carve(rng: random.Random, side: int) -> set[tuple[Cell, Cell]]:
    """A tree of corridors through all cells: depth first."""
    start = (rng.randrange(side), rng.randrange(side))
    links: set[tuple[Cell, Cell]] = set()
    seen, path = {start}, [start]
    while path:
        cell = path[-1]
        free = [
            other
            for x, y in WAYS
            if (other := (cell[0] + x, cell[1] + y)) not in seen
            and 0 <= other[0] < side
            and 0 <= other[1] < side
        ]
        if not free:
            path.pop()
            continue
        other = rng.choice(free)
        links |= {(cell, other), (other, cell)}
        seen.add(other)
        path.append(other)
    return links
