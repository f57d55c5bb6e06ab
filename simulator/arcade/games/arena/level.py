"""Waves of the arena, drawn by seed: who comes, and from which side."""

from __future__ import annotations

from dataclasses import dataclass

from nitropilot.simulator.arcade.core.world import chance

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
        doors = rng.sample(_doors(), size)
        kinds = [rng.choice(WHO[level]) for _ in doors]
        if kinds.count("caster") > 2:
            kinds = ["slime" if kind == "caster" else kind for kind in kinds]
        made.append(tuple(Arrival(kind, x, y) for kind, (x, y) in zip(kinds, doors, strict=True)))
    return tuple(made)


def _doors() -> list[tuple[int, int]]:
    middle_x, middle_y = (LEFT + RIGHT) // 2, (TOP + BOTTOM) // 2
    inset = 12
    xs = (LEFT + inset, middle_x, RIGHT - inset)
    ys = (TOP + inset, middle_y, BOTTOM - inset)
    return [(x, y) for x in xs for y in ys if (x, y) != (middle_x, middle_y)]
