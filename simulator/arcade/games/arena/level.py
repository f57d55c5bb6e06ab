"""Waves of the arena, drawn by seed: who comes, and from which side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.simulator.arcade.core.numbers import apart
from nitropilot.simulator.arcade.core.world import chance

if TYPE_CHECKING:
    import random

WAVES = ((2, 3, 3), (3, 3, 4), (3, 4, 5))
WHO = (("slime",), ("slime", "bat"), ("slime", "bat", "caster"))
LEFT, TOP, RIGHT, BOTTOM = 22, 38, 234, 234
"""Where one can walk, in pixels of the picture."""


@dataclass(frozen=True)
class Arrival:
    """One that comes: who, and where its portal opens, in pixels."""

    kind: str
    x: int
    y: int


Waves = tuple[tuple[Arrival, ...], ...]


def waves(level: int, seed: int) -> Waves:
    """The waves of a level, the same for the same seed."""
    rng = chance("arena", level, seed)
    made = []
    for size in WAVES[level]:
        doors = _doors(rng, size)
        kinds = [rng.choice(WHO[level]) for _ in doors]
        if kinds.count("caster") > 2:
            kinds = ["slime" if kind == "caster" else kind for kind in kinds]
        made.append(tuple(Arrival(kind, x, y) for kind, (x, y) in zip(kinds, doors, strict=True)))
    return tuple(made)


def _doors(rng: random.Random, size: int) -> list[tuple[int, int]]:
    """Places away from the middle and from each other, in pixels."""
    middle = (LEFT + RIGHT) // 2, (TOP + BOTTOM) // 2
    doors: list[tuple[int, int]] = []
    while len(doors) < size:
        x, y = rng.randrange(LEFT + 8, RIGHT - 8), rng.randrange(TOP + 8, BOTTOM - 8)
        others = [middle, *doors]
        if all(apart(x - other[0], y - other[1]) >= 66 for other in others):
            doors.append((x, y))
        elif rng.randrange(40) == 0:
            doors = []  # no room left: once more
    return doors
