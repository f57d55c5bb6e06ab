"""Courses of the runner, drawn by seed: ground with pits, steps, spikes, islands and slimes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.simulator.arcade.core.world import chance

if TYPE_CHECKING:
    import random

FLOOR = 196
"""Where the ground of the start lies, in pixels from the top."""
VIEW = 256
START = 40
KINDS = (
    ("pit", "step", "pit", "spikes"),
    ("pit", "step", "spikes", "slime", "island"),
    ("pit", "step", "spikes", "slime", "island", "slime", "island"),
)
HURDLES = (10, 12, 13)
ENDLESS = 1 << 40


@dataclass(frozen=True)
class Ground:
    """Solid from ``left`` to ``right`` and from ``top`` down."""

    left: int
    right: int
    top: int


@dataclass(frozen=True)
class Spikes:
    """Deadly from ``left`` to ``right``, standing on ground at ``top``."""

    left: int
    right: int
    top: int


@dataclass(frozen=True)
class Beat:
    """Where a slime walks to and fro."""

    left: int
    right: int
    top: int


@dataclass(frozen=True)
class Course:
    """All that does not move.

    Attributes:
        grounds: From left to right, never overlapping.
        spikes: From left to right.
        beats: One for each slime.
        rungs: Places beyond each hurdle, from left to right.
        goal: Where the flag stands.
    """

    grounds: tuple[Ground, ...]
    spikes: tuple[Spikes, ...]
    beats: tuple[Beat, ...]
    rungs: tuple[int, ...]
    goal: int

    def top(self, x: int) -> int | None:
        """Where the ground lies at ``x``; None over a pit."""
        for ground in self.grounds:
            if ground.left <= x < ground.right:
                return ground.top
        return None


STROLL = Course((Ground(-ENDLESS, ENDLESS, FLOOR),), (), (), (), ENDLESS)
"""Ground without an end, and nothing that could go wrong."""


class _Builder:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.grounds: list[Ground] = []
        self.spikes: list[Spikes] = []
        self.beats: list[Beat] = []
        self.rungs: list[int] = []
        self.left, self.x, self.top = -VIEW, START + rng.randrange(90, 170, 4), FLOOR

    def _cut(self, gap: int, top: int) -> None:
        """End the ground here; the next begins beyond a gap, at another height."""
        self.grounds.append(Ground(self.left, self.x, self.top))
        self.left = self.x = self.x + gap
        self.top = top

    def _height(self, most: int) -> int:
        low, high = max(160, self.top - most), min(216, self.top + most)
        return self.rng.randrange(low, high + 1, 4)

    def run(self, low: int = 80, high: int = 164) -> None:
        """Ground to land on, and to look ahead from."""
        self.x += self.rng.randrange(low, high, 4)

    def pit(self) -> None:
        """Nothing to stand on."""
        self._cut(self.rng.randrange(32, 50, 2), self._height(16))

    def step(self) -> None:
        """A wall to climb; where the ground is high already, a pit and low ground instead."""
        up = self.top - self.rng.randrange(20, 34, 2)
        if up >= 150:
            self._cut(0, up)
        else:
            self._cut(self.rng.randrange(34, 46, 2), min(FLOOR + 8, self.top + 32))

    def thorns(self) -> None:
        """Spikes on the ground."""
        width = self.rng.randrange(20, 33, 4)
        self.spikes.append(Spikes(self.x, self.x + width, self.top))
        self.x += width

    def slime(self) -> None:
        """A slime on its beat."""
        self.beats.append(Beat(self.x, self.x + 64, self.top))
        self.x += 64

    def island(self) -> None:
        """A small piece of ground between two pits."""
        self._cut(self.rng.randrange(30, 42, 2), self._height(12))
        self.x += self.rng.randrange(64, 84, 4)
        self._cut(self.rng.randrange(30, 42, 2), self._height(12))

    def hurdle(self, kind: str) -> None:
        """One of them, and the run behind it."""
        {"pit": self.pit, "step": self.step, "spikes": self.thorns, "slime": self.slime,
         "island": self.island}[kind]()  # fmt: skip
        self.rungs.append(self.x + 12)
        self.run()

    def course(self) -> Course:
        """The whole, with the flag at its end."""
        goal = self.x + 40
        self.x = goal + 2 * VIEW
        self._cut(0, self.top)
        return Course(
            tuple(self.grounds), tuple(self.spikes), tuple(self.beats), tuple(self.rungs), goal
        )


def course(level: int, seed: int) -> Course:
    """The course of a level, the same for the same seed."""
    rng = chance("runner", level, seed)
    builder = _Builder(rng)
    kinds = KINDS[level]
    before = ""
    for number in range(HURDLES[level]):
        kind = rng.choice([kind for kind in kinds if kind != before or kind == "pit"])
        before = kind
        builder.hurdle(kinds[number] if number < 2 else kind)
    return builder.course()
