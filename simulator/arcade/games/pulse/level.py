"""Songs, drawn by seed: which lane's note is due when."""

from __future__ import annotations

from dataclasses import dataclass

from nitropilot.simulator.arcade.core.world import chance

LANES = ((1, 2), (0, 1, 2, 3), (0, 1, 2, 3))
"""Which lanes a level uses: X, A, B, Y from the left."""
NOTES = (18, 24, 32)
SPEED = (400, 400, 448)
"""1/256 px a tick."""
BEAT = (36, 32, 28)
"""Ticks of a beat."""
DOUBLES = (0, 0, 30)
"""Percent of the later beats in which two notes are due."""
LEAD = 130


@dataclass(frozen=True)
class Note:
    """One of the song: its lane and the tick at which it is on the line."""

    lane: int
    due: int


Song = tuple[Note, ...]


def song(level: int, seed: int) -> Song:
    """The song of a level, the same for the same seed."""
    rng = chance("pulse", level, seed)
    notes: list[Note] = []
    due, lane = LEAD, rng.choice(LANES[level])
    while len(notes) < NOTES[level]:
        due += BEAT[level] * rng.choice((1, 1, 1, 2))
        lane = rng.choice([other for other in LANES[level] if other != lane] + [lane])
        notes.append(Note(lane, due))
        if len(notes) < NOTES[level] and rng.randrange(100) < DOUBLES[level]:
            notes.append(Note(rng.choice([other for other in LANES[level] if other != lane]), due))
    return tuple(notes)
