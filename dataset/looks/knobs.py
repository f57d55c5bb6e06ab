"""Sticks of made-up controllers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nitropilot.dataset.looks import palette
from nitropilot.dataset.looks.forms import circle, rounded
from nitropilot.dataset.looks.keys import LINE
from nitropilot.dataset.looks.look import Knob, Stick
from nitropilot.dataset.looks.raster import Ink
from nitropilot.dataset.looks.spots import ring_points
from nitropilot.dataset.looks.traits import Finish
from nitropilot.dataset.skinmaking.shapes import line
from nitropilot.dataset.skinmaking.signs import text

if TYPE_CHECKING:
    from numpy.random import Generator

    from nitropilot.dataset.looks.raster import Colour
    from nitropilot.dataset.looks.spots import Spot
    from nitropilot.dataset.looks.traits import Traits


def sticks_of(traits: Traits, spots: dict[str, Spot], rng: Generator) -> tuple[Stick, ...]:
    """Both sticks, alike but for where they are; sometimes of two colours."""
    if not spots:
        return ()
    own = rng.spawn(1)[0]
    size, reach = _sizes(traits.knob, own)
    lit = palette.lit_against(own, traits.cap, wanted=traits.lit)
    hollow = traits.finish is Finish.OUTLINE and own.random() < 0.6
    shrinks = own.random() < 0.2
    kind = int(own.integers(4))
    tilt = float(own.uniform(0.05, 0.25)) if own.random() < 0.3 and not hollow else 0.0
    other = palette.accent(own) if own.random() < 0.12 else traits.cap
    tail = float(own.uniform(0.08, 0.22))
    whole = own.random() < 0.5
    written = traits.knob is Knob.CAP and not hollow and own.random() < 0.15
    sticks = []
    for side, spot in spots.items():
        colour = traits.cap if side == "left" else other
        knob_lit = palette.lit_against(own, colour, wanted=lit)
        radius = spot.size * size
        cap = _cap(traits, radius, colour, hollow, kind)
        pressed: tuple[Ink, ...] | None = None
        if written:
            cap = (*cap, _letter(side, radius, colour))
        if traits.thumbs:
            pressed = _cap(traits, radius, knob_lit, False, kind)
            if written:
                pressed = (*pressed, _letter(side, radius, knob_lit))
            if shrinks:
                pressed = tuple(ink.changed(ink.shape.grown(0.72, (0, 0))) for ink in pressed)
        ink = None
        if traits.knob in (Knob.LINE, Knob.TRAIL):
            wide = spot.size * (tail if traits.knob is Knob.LINE else size * 1.2)
            ink = Ink(circle(0, 0, 1), colour, 1.0 if traits.knob is Knob.LINE else 0.6, line=wide)
            if traits.knob is Knob.LINE and not whole:
                cap = tuple(ink.changed(ink.shape.grown(0.6, (0, 0))) for ink in cap)
        sticks.append(
            Stick(side, (spot.x, spot.y), spot.size * reach, radius, traits.knob,
                  _well(traits, spot, rng), cap, pressed, ink,
                  tilt if traits.knob is Knob.CAP else 0.0)
        )  # fmt: skip
    return tuple(sticks)


def _letter(side: str, radius: float, colour: Colour) -> Ink:
    """What is written on some caps."""
    return Ink(text(side[0].upper(), 0, 0, radius * 0.7, 1.3), palette.ink_for(colour), 0.9)


def _sizes(knob: Knob, rng: Generator) -> tuple[float, float]:
    """Radius of what moves and how far that goes, in radii of the well."""
    if knob is Knob.CAP:
        size = float(rng.uniform(0.5, 0.86))
        return size, float(rng.uniform(0.22, 0.5)) if rng.random() < 0.7 else 1.02 - size + 0.14
    size = float(rng.uniform(0.15, 0.3))
    return size, (1 - size) * float(rng.uniform(0.8, 1.0))


def _cap(traits: Traits, radius: float, colour: Colour, hollow: bool, kind: int) -> tuple[Ink, ...]:
    shape = circle(0, 0, radius)
    if traits.square and kind == 3:
        shape = rounded(-radius, -radius, 2 * radius, 2 * radius, radius * 0.3)
    edge = palette.mixed(colour, palette.ink_for(colour), 0.45)
    if hollow:
        return (Ink(shape, colour, 1.0, line=max(traits.line_width, LINE) * 1.3),)
    below = palette.mixed(colour, palette.BLACK, 0.4) if traits.finish is Finish.GLOSSY else None
    inks = [Ink(shape, colour, below=below)]
    if traits.line_width:
        inks.append(Ink(shape, edge, 1.0, line=traits.line_width))
    if traits.knob is Knob.CAP and kind:
        inner = shape.grown(0.5 + 0.1 * kind, (0, 0))
        if kind == 1:
            inks.append(Ink(inner, edge, 0.35))
        else:
            inks.append(Ink(inner, edge, 0.7, line=radius * 0.08))
    return tuple(inks)


def _well(traits: Traits, spot: Spot, rng: Generator) -> tuple[Ink, ...]:
    x, y, size = spot
    kind = traits.well_shape
    if kind == "none" and traits.knob is Knob.CAP:
        return ()
    ground = traits.well or traits.body or palette.MIDDLE
    colour = traits.line if palette.apart(traits.line, ground) > 0.15 else palette.ink_for(ground)
    width = max(traits.line_width, 1.2)
    if kind == "square":
        shape = rounded(x - size, y - size, 2 * size, 2 * size, size * 0.12)
    elif kind == "octagon":
        shape = ring_points(x, y, size * 1.05, 8)
    else:
        shape = circle(x, y, size)
    inks = []
    if traits.well is not None:
        inks.append(Ink(shape, traits.well, 1.0 if traits.body_alpha == 1 else 0.7))
    if traits.line_width or traits.well is None:
        inks.append(Ink(shape, colour, 0.9, line=width))
    if kind == "cross":
        across = line([(x - size, y), (x + size, y)], width * 0.7)
        upright = line([(x, y - size), (x, y + size)], width * 0.7)
        inks += [replace(Ink(each, colour), alpha=0.6) for each in (across, upright)]
    return tuple(inks)
