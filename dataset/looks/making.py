"""``pad_of``: a made-up controller from a seed."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.looks import palette
from nitropilot.dataset.looks.builds import BUILDS
from nitropilot.dataset.looks.forms import circle, rounded
from nitropilot.dataset.looks.keys import keys_of
from nitropilot.dataset.looks.knobs import sticks_of
from nitropilot.dataset.looks.look import Canvas, Pad, Part, Pull
from nitropilot.dataset.looks.raster import Ink
from nitropilot.dataset.looks.spots import Spot, field_shape, round_shape
from nitropilot.dataset.looks.traits import Build, Finish, draw_traits

if TYPE_CHECKING:
    from numpy.random import Generator

    from nitropilot.dataset.looks.keys import Keys
    from nitropilot.dataset.looks.look import Stick
    from nitropilot.dataset.looks.spots import Places
    from nitropilot.dataset.looks.traits import Traits
    from nitropilot.dataset.skinmaking.shapes import Shape

_LOOKS = 0x57_79_1E
"""So that a look's numbers are none of anything else's of the same seed."""
BOARDS = 0.08
"""How often a plain board lies under all of it."""
EDGE = 3.0
"""Pixels of the canvas around what is drawn."""


@lru_cache(maxsize=64)
def pad_of(seed: int) -> Pad:
    """The controller of a seed; the same on every machine."""
    rng = np.random.default_rng([_LOOKS, seed])
    traits = draw_traits(rng)
    places = arranged(traits.build, rng)
    keys = keys_of(traits, rng)
    body, silhouette = _body(traits, places, rng)
    parts = list(_others(traits, places, keys, rng))
    corner = float(rng.choice([1.5, 5, 12, 20]))
    for side, place in places.triggers.items():
        parts.append(keys.trigger(f"{side}_trigger", place, corner))
    for side, place in places.shoulders.items():
        if traits.build is Build.ARCADE:
            parts.append(_arcade_key(f"{side}_shoulder", place, keys, traits))
        else:
            name = f"{side}_shoulder"
            sign = keys.sign(name, place.x, place.y, min(place.high, place.wide / 2) * 0.62)
            parts.append(keys.key(name, keys.leaning(name, place, corner), sign))
    if traits.build is Build.ARCADE:
        parts = [part for part in parts if not part.name.endswith("trigger")]
        parts += [_arcade_key(f"{side}_trigger", place, keys, traits, True)
                  for side, place in places.triggers.items()]  # fmt: skip
    for name, spot in places.small.items():
        wide = rounded(spot.x - spot.size * 1.4, spot.y - spot.size * 0.6, spot.size * 2.8,
                       spot.size * 1.2, spot.size * 0.6)  # fmt: skip
        flat = name in ("back", "start") and corner < 6
        sign = keys.sign(name, spot.x, spot.y, spot.size * 0.9)
        parts.append(keys.key(name, wide if flat else circle(*spot), sign))
    if places.dpad is not None:
        under, ways, covered = keys.dpad(places.dpad, corner / 3)
        body += under
        silhouette += covered
        parts += ways
    parts += [
        keys.key(name, round_shape(spot, traits.square)) for name, spot in places.ways.items()
    ]
    parts += [keys.face(name, round_shape(spot, traits.square), spot.size)
              for name, spot in places.face.items()]  # fmt: skip
    thumbs = traits.thumbs and "left_thumb" not in places.small
    sticks = sticks_of(replace(traits, thumbs=thumbs), places.sticks, rng)
    silhouette += [circle(*spot) for spot in places.sticks.values()]
    opaque = traits.body is not None and traits.body_alpha > 0.97
    facts = {
        "finish": traits.finish, "build": traits.build, "press": traits.press,
        "knob": traits.knob, "cross": traits.cross, "signs": traits.signs, "pull": traits.pull,
        "body": "filled" if opaque else "clear",
    }  # fmt: skip
    named = {name: str(value) for name, value in facts.items()}
    canvas = _bounds(parts, body, sticks)
    if rng.random() < BOARDS:
        board, canvas = _board(canvas, rng)
        body.insert(0, board)
        silhouette.append(board.shape)
    return Pad(seed, canvas, tuple(body), tuple(silhouette), tuple(parts), sticks, named)


def _arcade_key(name: str, place: tuple[float, ...], keys: Keys, traits: Traits,
                pulled: bool = False) -> Part:  # fmt: skip
    x, y, wide, _ = place
    spot = Spot(x, y, wide / 1.9)
    shape = round_shape(spot, traits.square)
    return keys.key(name, shape, keys.sign(name, x, y, spot.size * 0.8),
                    Pull.BUTTON if pulled else None)  # fmt: skip


def _body(traits: Traits, places: Places, rng: Generator) -> tuple[list[Ink], list[Shape]]:
    """What lies under everything, and what it covers."""
    inks: list[Ink] = []
    shapes = list(places.outline)
    bare = traits.build in (Build.FREE, Build.PANEL, Build.ARCADE)
    if traits.body is None:
        draws = traits.finish is Finish.OUTLINE and not (bare and rng.random() < 0.6)
        if not draws:
            return [], []
        width = max(traits.line_width, 1.5) * float(rng.uniform(0.9, 1.5))
        return [Ink(shape, traits.line, line=width) for shape in shapes], shapes
    two = traits.build is Build.HALVES and rng.random() < 0.6
    other = palette.any_colour(rng, 0.3) if two else traits.body
    shaded = rng.random() < 0.45 or traits.finish is Finish.GLOSSY
    for shape, colour in zip(shapes, (traits.body, other), strict=False):
        below = palette.mixed(colour, palette.BLACK, float(rng.uniform(0.1, 0.4)))
        inks.append(Ink(shape, colour, traits.body_alpha, below=below if shaded else None))
        if rng.random() < 0.65:
            inks.append(Ink(shape, traits.edge, 0.9, line=float(rng.uniform(1, 4))))
    if rng.random() < 0.2:  # a line around the inside
        tone = palette.mixed(traits.body, palette.ink_for(traits.body), 0.2)
        inks += [Ink(shape.grown(0.93), tone, 0.6, line=1.5) for shape in shapes]
    if rng.random() < 0.3:  # a name, a light, a seam
        left, top, right, bottom = shapes[0].bounds
        for _ in range(int(rng.integers(1, 4))):
            wide, high = rng.uniform((6, 2), (min(50, 0.3 * (right - left)), 12)).tolist()
            across, down = rng.uniform((0.2, 0.1), (0.6, 0.7)).tolist()
            x, y = left + across * (right - left), top + down * (bottom - top)
            inks.append(Ink(rounded(x, y, wide, high, high / 2), traits.edge, 0.7))
    return inks, shapes


def _board(canvas: Canvas, rng: Generator) -> tuple[Ink, Canvas]:
    """What some put under a controller so that it is seen better."""
    wider = float(rng.uniform(4, 28))
    left, top, width, height = canvas
    larger = Canvas(left - wider, top - wider, width + 2 * wider, height + 2 * wider)
    shape = rounded(left - wider + EDGE, top - wider + EDGE, larger.width - 2 * EDGE,
                    larger.height - 2 * EDGE, float(rng.uniform(0, 24)))  # fmt: skip
    colour = palette.grey(rng, 0, 0.3) if rng.random() < 0.7 else palette.any_colour(rng)
    alpha = float(rng.uniform(0.25, 0.75)) if rng.random() < 0.7 else 1.0
    return Ink(shape, colour, alpha), larger


def _others(traits: Traits, places: Places, keys: Keys, rng: Generator) -> list[Part]:
    """What no action has; some of it lights up, of its own accord."""
    parts = []
    for place in places.others:
        shape = field_shape(place, min(place.wide, place.high) * 0.15)
        large = place.wide > 30
        if large and traits.build is Build.HANDHELD:
            dark = Ink(shape, palette.grey(rng, 0, 0.25), 1.0 if rng.random() < 0.7 else 0.5)
            parts.append(Part("", shape, (dark,), (dark,)))
        else:
            parts.append(keys.key("", shape))
    return parts


def _bounds(parts: list[Part], inks: list[Ink], sticks: tuple[Stick, ...]) -> Canvas:
    """The canvas close around everything."""
    shapes = [ink.shape for ink in inks] + [part.place for part in parts]
    bounds = [shape.bounds for shape in shapes]
    bounds += [(x - r, y - r, x + r, y + r) for (x, y), r in
               ((one.middle, one.reach + one.size) for one in sticks)]  # fmt: skip
    left, top = (min(one[i] for one in bounds) - EDGE for i in (0, 1))
    right, bottom = (max(one[i] for one in bounds) + EDGE for i in (2, 3))
    return Canvas(left, top, right - left, bottom - top)


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
