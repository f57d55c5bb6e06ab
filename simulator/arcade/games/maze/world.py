"""The rules of the maze: walk along corridors, take the gem that shines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.arcade.core.numbers import ONE, approach, clamp, share
from nitropilot.simulator.arcade.core.pad import FULL
from nitropilot.simulator.arcade.core.world import Outcome, World
from nitropilot.simulator.arcade.games.maze.level import Cell, Maze, maze

if TYPE_CHECKING:
    from nitropilot.simulator.arcade.core.pad import Pad

WALK = 448
"""1/256 px a tick with the stick at its edge."""
TOP, LEFT, BOARD = 20, 10, 236
"""Where the board lies in the picture, and how large it is, in pixels."""
MARGIN = 13
"""From the middle of a wall to where the player's middle may be, in pixels."""
REACH = 15


@dataclass
class MazeWorld(World):
    """A player in a maze.

    Attributes:
        maze: What does not change.
        x: The player's middle on the board, 1/256 px.
        y: The same, downward.
        way: Where it looks: the last direction pushed, -1 to 1 each.
        walking: Whether it moved in the last step.
        taken: How many gems are taken.
    """

    maze: Maze = field(default_factory=lambda: maze(0, 0))
    x: int = 0
    y: int = 0
    way: tuple[int, int] = (0, 1)
    walking: bool = False
    taken: int = 0

    @classmethod
    def new(cls, seed: int, level: int) -> MazeWorld:
        """The start of a level."""
        world = cls(seed, level, maze=maze(level, seed))
        world.x, world.y = world.middle(world.maze.start)
        return world

    @property
    def size(self) -> int:
        """Of a cell, 1/256 px."""
        return BOARD * ONE // self.maze.side

    def middle(self, cell: Cell) -> tuple[int, int]:
        """Of a cell, on the board, 1/256 px."""
        return cell[0] * self.size + self.size // 2, cell[1] * self.size + self.size // 2

    @property
    def cell(self) -> Cell:
        """Where the player is."""
        most = self.maze.side - 1
        return clamp(self.x // self.size, 0, most), clamp(self.y // self.size, 0, most)

    @property
    def goal(self) -> Cell:
        """The gem that shines, or the gate."""
        return self.maze.goals[min(self.taken, len(self.maze.goals) - 1)]

    @property
    def gate_open(self) -> bool:
        """Whether all gems are taken."""
        return self.taken >= len(self.maze.goals) - 1

    def advance(self, pad: Pad) -> None:
        """Walk; then take what is there."""
        before = self.x, self.y
        if pad.x or pad.y:
            self._walk(pad.x, -pad.y)
            strong = max(abs(pad.x), abs(pad.y))
            self.way = (
                (2 * pad.x > strong) - (2 * pad.x < -strong),
                (2 * -pad.y > strong) - (2 * -pad.y < -strong),
            )
        self.walking = before != (self.x, self.y)
        x, y = self.middle(self.goal)
        if max(abs(x - self.x), abs(y - self.y)) > REACH * ONE:
            return
        where = LEFT + x // ONE, TOP + y // ONE
        if self.gate_open:
            self.end(Outcome.WON, *where)
        else:
            self.taken += 1
            self.happened("gem", *where)

    def _walk(self, x: int, y: int) -> None:
        """Along each axis; who pushes at a corner slides round it."""
        self.x, self.y = self._along(self.x, self.y, share(WALK, x, FULL), 0, 2 * abs(x) > abs(y))
        self.y, self.x = self._along(self.y, self.x, share(WALK, y, FULL), 1, 2 * abs(y) > abs(x))

    def _along(self, here: int, aside: int, step: int, axis: int, strong: bool) -> tuple[int, int]:
        """Both coordinates after a step along one axis."""
        if not step:
            return here, aside
        size, margin = self.size, MARGIN * ONE
        cell = clamp(here // size, 0, self.maze.side - 1)
        lane = clamp(aside // size, 0, self.maze.side - 1)
        low, high = lane * size + margin, (lane + 1) * size - margin
        if not low <= aside <= high:  # between two lanes: only a corner keeps it from turning
            edges = cell * size + margin, (cell + 1) * size - margin
            turns = strong and self._open(cell, lane, 1 if step > 0 else -1, axis)
            aside = approach(aside, clamp(aside, low, high), abs(step)) if turns else aside
            return clamp(here + step, *edges), aside
        least = 0 if self._open(cell, lane, -1, axis) else cell * size + margin
        most = BOARD * ONE if self._open(cell, lane, 1, axis) else (cell + 1) * size - margin
        return clamp(here + step, least, most), aside

    def _open(self, cell: int, lane: int, way: int, axis: int) -> bool:
        one, other = (cell, lane), (cell + way, lane)
        if axis:
            one, other = one[::-1], other[::-1]
        return self.maze.open(one, other)

    def rungs(self) -> tuple[int, int]:
        """One for each gem, one for the gate."""
        return self.taken, len(self.maze.goals)

    def nudge(self, right: int, down: int) -> None:
        """As far as the walls allow."""
        self.x, _ = self._along(self.x, self.y, right * ONE, 0, False)
        self.y, _ = self._along(self.y, self.x, down * ONE, 1, False)

    def facts(self) -> dict[str, Any]:
        """Places in pixels of the picture."""
        x, y = self.middle(self.goal)
        return {
            "x": LEFT + self.x / ONE,
            "y": TOP + self.y / ONE,
            "cell": list(self.cell),
            "goal": list(self.goal),
            "goal_x": LEFT + x / ONE,
            "goal_y": TOP + y / ONE,
            "taken": self.taken,
            "gate_open": self.gate_open,
        }
