"""Roads, drawn by seed: bends, and traffic row by row."""

from __future__ import annotations

from dataclasses import dataclass

from nitropilot.simulator.arcade.core.numbers import share
from nitropilot.simulator.arcade.core.world import chance

HALF_ROAD = 112
"""From the middle of the road to its edge, in pixels where the own car is."""
LANE = 74
LANES = (-LANE, 0, LANE)
ROWS = (9, 11, 12)
SPACE = ((230, 280), (210, 260), (200, 240))
CROWD = (0, 35, 65)
"""Percent of rows in which two lanes are taken."""
BEND = (60, 150, 210)
"""The sharpest bend, in 1/256 px by which it carries the car outwards each tick."""
PIECE = 64
"""Length of the pieces in which a bend is kept."""
KINDS = ("car", "van", "truck")


@dataclass(frozen=True)
class Start:
    """Something on the road when the game starts.

    Attributes:
        place: How far along, in pixels.
        x: From the middle of the road, in pixels.
        kind: "car", "van" or "truck".
        colour: 0 to 5.
        row: To which row it belongs.
    """

    place: int
    x: int
    kind: str
    colour: int
    row: int


@dataclass(frozen=True)
class Track:
    """All that does not change.

    Attributes:
        bends: For each piece of the road how it bends; > 0 to the right.
        traffic: What is on it, from near to far.
        rows: How many rows of traffic there are.
        length: Where the finish is.
    """

    bends: tuple[int, ...]
    traffic: tuple[Start, ...]
    rows: int
    length: int

    def bend(self, place: int) -> int:
        """How the road bends there, smoothly from piece to piece."""
        piece, inside = divmod(max(place, 0), PIECE)
        now = self.bends[min(piece, len(self.bends) - 1)]
        then = self.bends[min(piece + 1, len(self.bends) - 1)]
        return now + share(then - now, inside, PIECE)


def track(level: int, seed: int) -> Track:
    """The road of a level, the same for the same seed."""
    rng = chance("road", level, seed)
    place, traffic = 240, []
    bag: list[int] = []
    low, high = SPACE[level]
    for row in range(ROWS[level]):
        count = 2 if rng.randrange(100) < CROWD[level] else 1
        bag = bag or rng.sample(LANES, len(LANES))  # so nobody gets far in one lane
        first = bag.pop()
        others = rng.sample([lane for lane in LANES if lane != first], count - 1)
        for x in sorted([first, *others]):
            traffic.append(Start(place, x, rng.choice(KINDS), rng.randrange(6), row))
        place += rng.randrange(low, high)
    return Track(_bends(level, seed), tuple(traffic), ROWS[level], 3 * place // 2 + 100)


def _bends(level: int, seed: int) -> tuple[int, ...]:
    rng = chance("road", level, seed, "bends")
    bends, now = [0] * 4, 0
    while len(bends) < 140:
        goal = rng.randint(-BEND[level], BEND[level])
        for _ in range(rng.randint(5, 10)):
            now += share(goal - now, 1, 3)
            bends.append(now)
    return tuple(bends)
