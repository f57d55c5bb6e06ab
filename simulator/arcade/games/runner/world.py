"""The rules of the runner: walk, jump, fall, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nitropilot.controller.state import Button
from nitropilot.simulator.arcade.core.numbers import ONE, share
from nitropilot.simulator.arcade.core.pad import FULL
from nitropilot.simulator.arcade.core.world import Outcome, World
from nitropilot.simulator.arcade.games.runner.level import FLOOR, START, STROLL, Course, course

if TYPE_CHECKING:
    from nitropilot.simulator.arcade.core.pad import Pad

WALK = 2 * ONE
JUMP = 1568
"""Speed upward at take-off, 1/256 px a tick: 55 px high, 36 ticks, 72 px far."""
GRAVITY = 88
HALF = 7
"""Half of the walker's width that counts, in pixels."""
TALL = 24
BOTTOM = 270
JUMP_BUTTONS = (Button.A, Button.B)
SLIME_SPEED = 128
SLIME_HALF = 11
SLIME_TALL = 16
BOUNCE = 1100


@dataclass
class Slime:
    """One that walks to and fro; where it looks is where it goes."""

    x: int
    top: int
    left: int
    right: int
    way: int
    alive: bool = True


@dataclass
class RunnerWorld(World):
    """A walker on a course.

    Attributes:
        course: What does not move.
        x: The walker's middle, 1/256 px.
        y: Its feet, 1/256 px, downward.
        fall: Its speed downward, 1/256 px a tick.
        standing: Whether there is ground under its feet.
        way: Where it looks: 1 right, -1 left.
        walking: Whether it moved in the last step.
        slimes: Those of the course.
        furthest: How far it has come, in pixels.
    """

    course: Course = STROLL
    x: int = START * ONE
    y: int = FLOOR * ONE
    fall: int = 0
    standing: bool = True
    way: int = 1
    walking: bool = False
    furthest: int = START
    slimes: list[Slime] = field(default_factory=list)

    @classmethod
    def new(cls, seed: int, level: int) -> RunnerWorld:
        """The start of a level."""
        made = course(level, seed)
        slimes = [
            Slime((beat.left + 48) * ONE, beat.top, beat.left, beat.right, -1)
            for beat in made.beats
        ]
        return cls(seed, level, course=made, slimes=slimes)

    @classmethod
    def stroll(cls, seed: int = 1) -> RunnerWorld:
        """Ground without an end, for walking about: neither won nor lost."""
        return cls(seed, 0)

    @property
    def strolling(self) -> bool:
        """Whether this has no end."""
        return self.course is STROLL

    def advance(self, pad: Pad) -> None:
        """Walk, jump, fall; then see what was touched."""
        self._walk(pad.x)
        if self.standing and pad.down(*JUMP_BUTTONS):
            self.fall, self.standing = -JUMP, False
            self.happened("jump", self.x // ONE, self.y // ONE)
        self._fall()
        for slime in self.slimes:
            self._move(slime)
        self.furthest = max(self.furthest, self.x // ONE)
        if self.y > BOTTOM * ONE or self._pricked():
            self.end(Outcome.LOST, self.x // ONE, min(self.y // ONE, 240))
        elif self.furthest >= self.course.goal:
            self.end(Outcome.WON, self.course.goal, self.y // ONE)

    def _walk(self, stick: int) -> None:
        self.walking = stick != 0
        if not stick:
            return
        self.way = 1 if stick > 0 else -1
        x = self.x + share(WALK, stick, FULL)
        edge = x // ONE + self.way * HALF
        top = self.course.top(edge)
        if top is not None and self.y > (top + 3) * ONE:
            self.walking = self.x // ONE != x // ONE and self.walking
            return  # a wall
        self.x = x

    def _support(self) -> int | None:
        """The highest ground under the walker's feet."""
        middle = self.x // ONE
        tops = [self.course.top(middle + side) for side in (-HALF + 1, 0, HALF - 1)]
        there = [top for top in tops if top is not None]
        return min(there, default=None)

    def _fall(self) -> None:
        self.y += self.fall
        self.fall = min(self.fall + GRAVITY, 7 * ONE)
        top = self._support()
        was = self.standing
        self.standing = False
        if top is not None and self.fall >= 0 and 0 <= self.y - top * ONE <= 10 * ONE:
            self.y, self.fall, self.standing = top * ONE, 0, True
            if not was:
                self.happened("land", self.x // ONE, top)

    def _move(self, slime: Slime) -> None:
        if not slime.alive:
            return
        slime.x += slime.way * SLIME_SPEED
        if not (slime.left + SLIME_HALF) * ONE <= slime.x <= (slime.right - SLIME_HALF) * ONE:
            slime.way = -slime.way
            slime.x += slime.way * SLIME_SPEED
        near = abs(slime.x - self.x) < (SLIME_HALF + HALF - 2) * ONE
        above = slime.top * ONE - self.y
        if not near or not -4 * ONE < above < SLIME_TALL * ONE:
            return
        if self.fall > 0 and above > 4 * ONE:
            slime.alive = False
            self.fall, self.standing = -BOUNCE, False
            self.happened("stomp", slime.x // ONE, slime.top)
        else:
            self.end(Outcome.LOST, self.x // ONE, self.y // ONE)

    def _pricked(self) -> bool:
        x, feet = self.x // ONE, self.y // ONE
        return any(
            spikes.left + 2 < x + HALF - 1 and x - HALF + 1 < spikes.right - 2
            and spikes.top - 10 < feet <= spikes.top + 4
            for spikes in self.course.spikes
        )  # fmt: skip

    def rungs(self) -> tuple[int, int]:
        """One for each hurdle passed, one for the flag."""
        passed = sum(self.furthest >= rung for rung in self.course.rungs)
        return passed, len(self.course.rungs) + 1

    def nudge(self, right: int, down: int) -> None:
        """Along the ground, or in the air also up and down."""
        before = self.x, self.y
        self.x += right * ONE
        if not self.standing:
            self.y += down * ONE
        top = self.course.top(self.x // ONE + HALF)
        inside = top is not None and self.y > (top + 3) * ONE
        if inside or (self.standing and self._support() is None):
            self.x, self.y = before

    def facts(self) -> dict[str, Any]:
        """Places in pixels."""
        return {
            "x": self.x / ONE,
            "y": self.y / ONE,
            "fall": self.fall / ONE,
            "standing": self.standing,
            "furthest": self.furthest,
            "goal": None if self.strolling else self.course.goal,
            "slimes": [
                {"x": each.x / ONE, "y": each.top, "way": each.way, "alive": each.alive}
                for each in self.slimes
            ],
        }
