"""The rules of the pulse: a note on the line and its button; what is too early or too late."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nitropilot.controller.state import Button
from nitropilot.simulator.arcade.core.numbers import ONE
from nitropilot.simulator.arcade.core.world import Outcome, World
from nitropilot.simulator.arcade.games.pulse.level import SPEED, Song, song

if TYPE_CHECKING:
    from nitropilot.simulator.arcade.core.pad import Pad

BUTTONS = (Button.X, Button.A, Button.B, Button.Y)
LINE = 208
"""Where a note is due, in pixels from the top."""
LANE_X = (56, 104, 152, 200)
WINDOW = 15
"""So far from the line, in pixels, a note still counts."""
EARLY = 30
"""A press that is not earlier than this, in pixels, waits for the note while it is held."""
ENERGY = 5
TAIL = 50


@dataclass
class PulseWorld(World):
    """A song and who plays it.

    Attributes:
        song: All notes.
        open: Which notes are neither hit nor missed.
        held: Ticks for which each lane's button has been down.
        waiting: Whether that press still waits for its note.
        hits: Notes that were hit.
        energy: Mistakes that may still be made.
        shift: Ticks by which the song is late (for ``nudge``).
    """

    song: Song = field(default_factory=lambda: song(0, 0))
    open: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    waiting: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    hits: int = 0
    energy: int = ENERGY
    shift: int = 0

    @classmethod
    def new(cls, seed: int, level: int) -> PulseWorld:
        """The start of a level."""
        made = song(level, seed)
        return cls(seed, level, song=made, open=list(range(len(made))))

    def above(self, note: int) -> int:
        """How far above the line a note is, 1/256 px; below it is negative."""
        return (self.song[note].due - self.tick + self.shift) * SPEED[self.level]

    def nearest(self, lane: int) -> int | None:
        """The next open note of a lane, not yet below the window."""
        return next((note for note in self.open if self.song[note].lane == lane), None)

    def advance(self, pad: Pad) -> None:
        """See what is pressed, and which notes are gone."""
        for lane, button in enumerate(BUTTONS):
            down = pad.down(button)
            self.held[lane] = self.held[lane] + 1 if down else 0
            if down:
                self._press(lane, first=self.held[lane] == 1)
            else:
                self.waiting[lane] = 0
        gone = [note for note in self.open if self.above(note) < -WINDOW * ONE]
        for note in gone:
            self.open.remove(note)
            self._mistake("miss", self.song[note].lane)
        due = self.song[-1].due + TAIL + self.shift
        if self.outcome is Outcome.PLAYING and not self.open and self.tick >= due:
            self.end(Outcome.WON, 128, LINE)

    def _press(self, lane: int, first: bool) -> None:
        note = self.nearest(lane)
        above = self.above(note) // ONE if note is not None else 999
        if first and above > EARLY:
            self._mistake("stray", lane)
            return
        self.waiting[lane] = 1 if first else self.waiting[lane]
        if note is not None and self.waiting[lane] and above <= WINDOW:
            self.waiting[lane] = 0
            self.open.remove(note)
            self.hits += 1
            self.happened("hit", LANE_X[lane], LINE)

    def _mistake(self, kind: str, lane: int) -> None:
        self.happened(kind, LANE_X[lane], LINE)
        self.energy -= 1
        if self.energy == 0:
            self.end(Outcome.LOST, LANE_X[lane], LINE)

    def rungs(self) -> tuple[int, int]:
        """One for each note, one for the end."""
        return self.hits, len(self.song) + 1

    def nudge(self, right: int, down: int) -> None:
        """The notes along their lanes, to the nearest tick."""
        self.shift -= round(down * ONE / SPEED[self.level])

    def facts(self) -> dict[str, Any]:
        """Places in pixels of the picture."""
        return {
            "hits": self.hits,
            "energy": self.energy,
            "notes": [
                {"lane": self.song[note].lane, "y": LINE - self.above(note) / ONE}
                for note in self.open
                if self.above(note) < (LINE + 16) * ONE
            ],
        }
