"""Mazes, drawn by seed: corridors without dead ends, and where the gems lie.

A way that one sees at a glance, as long as it has to be told from one picture: the next gem lies a
few cells off, and nearly always there is a way that leads straight there.
"""

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
GEMS = (6, 8, 10)
FAR = (4, 5, 6)
"""How many cells the next gem is away at most."""
OPENED = (25, 18, 12)
"""Percent of the other walls that are taken away, once no dead end is left."""
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
        shut = [other for other in _around(cell, side) if (cell, other) not in links]
        if len(_around(cell, side)) - len(shut) == 1:
            _open(links, cell, rng.choice(shut))
    for cell in cells:
        for other in _around(cell, side):
            if other > cell and (cell, other) not in links and rng.randrange(100) < OPENED[level]:
                _open(links, cell, other)
    start = rng.choice(cells)
    bare = Maze(side, frozenset(links), start, tuple(cells))
    goals: list[Cell] = []
    here = start
    for _ in range(GEMS[level] + 1):
        far = bare.distances(here)
        choice = [cell for cell in cells if 2 <= far[cell] <= FAR[level] and cell not in goals]
        here = rng.choice(choice or [cell for cell in cells if far[cell] >= 2])
        goals.append(here)
    return Maze(side, frozenset(links), start, tuple(goals))


def _around(cell: Cell, side: int) -> list[Cell]:
    """The neighbours of a cell, with a wall between or without."""
    around = [(cell[0] + x, cell[1] + y) for x, y in WAYS]
    return [(x, y) for x, y in around if 0 <= x < side and 0 <= y < side]


def _open(links: set[tuple[Cell, Cell]], one: Cell, other: Cell) -> None:
    """Take the wall between two neighbours away."""
    links |= {(one, other), (other, one)}


def _carve(rng: random.Random, side: int) -> set[tuple[Cell, Cell]]:
    """A tree of corridors through all cells: depth first."""
    start = (rng.randrange(side), rng.randrange(side))
    links: set[tuple[Cell, Cell]] = set()
    seen, path = {start}, [start]
    while path:
        cell = path[-1]
        free = [other for other in _around(cell, side) if other not in seen]
        if not free:
            path.pop()
            continue
        other = rng.choice(free)
        _open(links, cell, other)
        seen.add(other)
        path.append(other)
    return links
