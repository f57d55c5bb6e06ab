"""Where the elements of a made-up controller are: a little different each time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nitropilot.dataset.looks.builds import BUILDS
from nitropilot.dataset.looks.spots import Spot
from nitropilot.dataset.looks.traits import Build

if TYPE_CHECKING:
    from numpy.random import Generator

    from nitropilot.dataset.looks.spots import Places


def arranged(build: Build, rng: Generator) -> Places:
    """Where things are, a little different each time."""
    return _without_some(_jittered(BUILDS[build](rng), rng), rng, build)


def _jittered(places: Places, rng: Generator) -> Places:
    """Each group moved a little as one, some made larger or smaller."""

    def moved(x: float, y: float) -> tuple[float, float]:
        return x + float(rng.normal(0, 2.2)), y + float(rng.normal(0, 2.2))

    def spots(group: dict[str, Spot]) -> dict[str, Spot]:
        x, y = moved(0, 0)
        grown = float(rng.uniform(0.88, 1.08))
        return {name: Spot(s.x + x, s.y + y, s.size * grown) for name, s in group.items()}

    dpad = places.dpad and Spot(*moved(*places.dpad[:2]), places.dpad.size * rng.uniform(0.9, 1.05))
    return replace(
        places, face=spots(places.face), dpad=dpad, small=spots(places.small),
        ways=spots(places.ways),
        sticks={side: Spot(*moved(s.x, s.y), s.size * float(rng.uniform(0.88, 1.05)))
                for side, s in places.sticks.items()},
    )  # fmt: skip


def _without_some(places: Places, rng: Generator, build: Build) -> Places:
    """Some controllers in videos do not show everything."""
    bare = build in (Build.FREE, Build.PANEL, Build.ARCADE)
    lacking = {name for name in ("small", "shoulders", "triggers", "dpad")
               if rng.random() < (0.12 if bare else 0.04)}  # fmt: skip
    small = {
        name: spot for name, spot in places.small.items()
        if "small" not in lacking and rng.random() > (0.25 if name == "guide" else 0.05)
    }  # fmt: skip
    sticks = dict(places.sticks)
    if rng.random() < (0.2 if build is Build.FREE else 0.04):  # pressed sticks as small buttons
        small |= {f"{side}_thumb": Spot(spot.x - spot.size, spot.y - spot.size * 0.85, 8)
                  for side, spot in sticks.items()}  # fmt: skip
    if bare and rng.random() < 0.15:
        sticks.pop("right", None)
    return replace(
        places, small=small, sticks=sticks,
        shoulders={} if "shoulders" in lacking else places.shoulders,
        triggers={} if "triggers" in lacking else places.triggers,
        dpad=None if "dpad" in lacking else places.dpad,
        ways={} if "dpad" in lacking else places.ways,
    )  # fmt: skip
