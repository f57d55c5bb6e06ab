"""A world: all that a game knows, stepped 60 times a second, in whole numbers.

A picture is drawn from a world alone, and a world follows from its seed and the pads that it was
stepped with: the same numbers everywhere, in process and in a window.
"""

from __future__ import annotations

import copy
import random
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from nitropilot.simulator.arcade.core.pad import Pad

HZ = 60
"""Steps a second of game time."""
SIGHT = 40
"""Ticks for which an event is remembered, so that it can be drawn."""

AnyWorld = TypeVar("AnyWorld", bound="World")


class Outcome(Enum):
    """How a game stands."""

    PLAYING = "playing"
    WON = "won"
    LOST = "lost"


class Event(NamedTuple):
    """Something that happened: drawn as sparks, dust or a flash for a while.

    Attributes:
        kind: What; each game has its own words.
        x: Where, in pixels of the world.
        y: Where, downward.
        tick: When.
    """

    kind: str
    x: int
    y: int
    tick: int


@dataclass
class World(ABC):
    """What every game's world has.

    What is in lists changes and is copied with a clone; what is in tuples is shared.

    Attributes:
        seed: From which the level and its looks are drawn.
        level: 0 to 2, harder and harder.
        tick: Steps since the start.
        outcome: Whether it is won or lost yet; after that nothing changes any more.
        events: What happened a short while ago, oldest first.
    """

    seed: int
    level: int
    tick: int = 0
    outcome: Outcome = Outcome.PLAYING
    events: list[Event] = field(default_factory=list)

    def step(self, pad: Pad) -> None:
        """Go on by 1/60 s."""
        self.tick += 1
        if self.events and self.events[0].tick <= self.tick - SIGHT:
            self.events = [event for event in self.events if event.tick > self.tick - SIGHT]
        if self.outcome is Outcome.PLAYING:
            self.advance(pad)

    def happened(self, kind: str, x: int, y: int) -> None:
        """Note an event at a place in pixels."""
        self.events.append(Event(kind, x, y, self.tick))

    def end(self, outcome: Outcome, x: int, y: int) -> None:
        """Won or lost, at a place in pixels."""
        self.outcome = outcome
        self.happened(outcome.value, x, y)

    @abstractmethod
    def advance(self, pad: Pad) -> None:
        """One step of the game's own rules, while it is neither won nor lost."""

    @abstractmethod
    def rungs(self) -> tuple[int, int]:
        """How many rungs of the ladder are climbed, and of how many."""

    @abstractmethod
    def nudge(self, right: int, down: int) -> None:
        """Put the player some pixels off, as far as it may stand there."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """The game's own part of ``state``."""

    @property
    def progress(self) -> float:
        """0 at the start, 1 when it is won; never falls."""
        climbed, all_rungs = self.rungs()
        return 1.0 if self.outcome is Outcome.WON else climbed / all_rungs

    def state(self) -> dict[str, Any]:
        """All that a judge or a script may want to know, as plain values (JSON)."""
        return {
            "tick": self.tick,
            "outcome": self.outcome.value,
            "progress": self.progress,
            **self.facts(),
        }

    def clone(self: AnyWorld) -> AnyWorld:
        """A copy that can be stepped without any harm to this one."""
        twin = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, list):
                setattr(twin, name, [_copied(each) for each in value])
        return twin


def _copied(each: Any) -> Any:
    return each if isinstance(each, tuple | int) else copy.copy(each)


def chance(game: str, level: int, seed: int, what: str = "") -> random.Random:
    """Numbers of chance for one purpose: the same for the same seed, on every machine."""
    return random.Random(f"{game}/{level}/{seed}/{what}")
