"""Buttons, triggers and d-pads of made-up controllers, up and down."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nitropilot.dataset.looks import palette
from nitropilot.dataset.looks.forms import WAYS, arm_shapes, circle, cross_shape, rounded, upper
from nitropilot.dataset.looks.lettering import sign_of
from nitropilot.dataset.looks.look import Part, Pull
from nitropilot.dataset.looks.raster import Ink
from nitropilot.dataset.looks.spots import field_shape
from nitropilot.dataset.looks.traits import Build, Cross, Finish, Press, Signs
from nitropilot.dataset.skinmaking.shapes import Shape
from nitropilot.dataset.skinmaking.signs import arrow

if TYPE_CHECKING:
    from numpy.random import Generator

    from nitropilot.dataset.looks.raster import Colour
    from nitropilot.dataset.looks.spots import Field, Spot
    from nitropilot.dataset.looks.traits import Traits

_FAMILIES = {Build.PLAYSTATION: "playstation", Build.SWITCH: "switch", Build.HALVES: "switch"}
LINE = 1.7
"""Least width of an outline that is all there is of a key."""


@dataclass(frozen=True)
class Keys:
    """Draws the keys of one controller.

    Attributes:
        traits: What it is like.
        rng: Decides what these leave open.
        family: Whose names are written on it.
        larger: By how much a pressed key grows or shrinks, where that shows it.
        away: By how much of its size it moves, where that shows it.
        mix: How much of its lit colour a key has that grows or moves.
        ringed: Whether a pressed key has a ring of its lit colour, and is not filled with it.
        slant: Degrees by which shoulders and triggers lean.
        unseen: Whether a trigger that fades in is not seen before.
        lights: What keys of a colour are lit with, for a wanted light.
    """

    traits: Traits
    rng: Generator
    family: str
    larger: float
    away: tuple[float, float]
    mix: float
    ringed: bool = False
    slant: float = 0.0
    unseen: bool = False
    lights: dict[tuple[Colour, Colour], Colour] = field(default_factory=dict)

    def key(self, name: str, shape: Shape, sign: Shape | None = None, pull: Pull | None = None
            ) -> Part:  # fmt: skip
        """A button, or a trigger, of any shape."""
        traits = self.traits
        ground, alpha, line = self._up(name)
        lit = self._lit(name, ground, alpha)
        colour = self._sign_colour(name, ground)
        neutral = [*self._shadow(shape), *self._plate(shape, ground, alpha, line)]
        press = traits.press
        if pull not in (None, Pull.BUTTON, Pull.FADE):
            press = Press.COLOUR  # what fills does not move
        reading = palette.ink_for(lit)
        if press is Press.SIZE:
            shape_down, fill = shape.grown(self.larger), palette.mixed(ground, lit, self.mix)
            reading = colour if self.mix < 0.5 else reading
        elif press is Press.OFFSET:
            left, top, right, bottom = shape.bounds
            size = min(right - left, bottom - top)
            shape_down = shape.moved(self.away[0] * size, self.away[1] * size)
            fill = palette.mixed(ground, lit, self.mix)
            reading = colour if self.mix < 0.5 else reading
        else:
            shape_down, fill = shape, lit
        if self.ringed and press in (Press.COLOUR, Press.FILL) and pull is None:
            return self._ringed(name, shape, sign, neutral, lit, (ground, alpha, line, colour))
        pressed: list[Ink] = []
        if press is Press.GLOW:
            left, top, right, bottom = shape.bounds
            reach = min(right - left, bottom - top) * 0.22
            pressed.append(Ink(shape, lit, 0.9, glow=reach))
        pressed += self._plate(shape_down, fill, max(alpha, 0.88), line)
        if sign is not None:
            neutral.append(Ink(sign, colour))
            moved = self._with(sign, shape, shape_down)
            pressed.append(Ink(moved, reading))
        if press in (Press.SIZE, Press.OFFSET) and self._socket(alpha):
            neutral.insert(0, Ink(shape, palette.mixed(ground, palette.BLACK, 0.6), 0.8))
            pressed.insert(0, neutral[0])
        place = shape if shape_down is shape else shape | shape_down
        return Part(name, place, tuple(neutral), tuple(pressed), pull)

    def _ringed(
        self, name: str, shape: Shape, sign: Shape | None, neutral: list[Ink], lit: Colour,
        up: tuple[Colour, float, float, Colour],
    ) -> Part:  # fmt: skip
        """A key around which a ring is seen while it is down."""
        ground, alpha, line, colour = up
        left, top, right, bottom = shape.bounds
        wide = min(right - left, bottom - top) * 0.3
        pressed = [
            *self._plate(shape, palette.mixed(ground, lit, 0.25), max(alpha, 0.5), line),
            Ink(shape.grown(0.86), lit, line=wide),
        ]
        if sign is not None:
            neutral.append(Ink(sign, colour))
            pressed.append(Ink(sign, colour))
        return Part(name, shape, tuple(neutral), tuple(pressed))

    def face(self, name: str, shape: Shape, size: float) -> Part:
        """One of the four."""
        return self.key(name, shape, self.sign(name, *shape.middle, size * 1.05))

    def trigger(self, name: str, place: Field, corner: float) -> Part:
        """A bar that fills, or a button."""
        pull = self.traits.pull
        high = place.high
        if place.high > 1.6 * place.wide and pull in (Pull.LEFT, Pull.RIGHT):
            pull = Pull.UP
        elif place.wide > 2.6 * place.high and pull in (Pull.UP, Pull.DOWN):
            pull = Pull.RIGHT
        sign = self.sign(name, place.x, place.y, min(high, place.wide / 2) * 0.5)
        shape = self.leaning(name, place, corner)
        # A bar may empty towards the middle of the pad, or fill towards it, as its mirror image.
        if name.startswith("right") and pull in (Pull.LEFT, Pull.RIGHT):
            pull = Pull.LEFT if pull is Pull.RIGHT else Pull.RIGHT
        part = self.key(name, shape, sign, pull)
        return replace(part, neutral=()) if self.unseen and pull is Pull.FADE else part

    def leaning(self, name: str, place: Field, corner: float) -> Shape:
        """A shoulder or a trigger, that leans outwards on both sides."""
        degrees = self.slant if name.startswith("right") else -self.slant
        return field_shape(place, corner).turned(degrees, (place.x, place.y))

    def dpad(self, spot: Spot, corner: float) -> tuple[list[Ink], list[Part], list[Shape]]:
        """What lies under it, its four ways, and what it covers."""
        kind, traits = self.traits.cross, self.traits
        x, y, reach = spot
        wide = reach * float(self.rng.uniform(0.3, 0.4))
        if kind in (Cross.ONE, Cross.DISC):
            ground, alpha, line = self._up("dpad_up")
            whole = cross_shape(x, y, reach, wide)
            under = []
            if kind is Cross.DISC:
                disc = circle(x, y, reach * 1.12)
                base = palette.mixed(ground, palette.ink_for(ground), 0.15)
                under = self._plate(disc, base, alpha, line)
                whole_alpha = alpha * 0.8
            else:
                whole_alpha = alpha
            under += [*self._shadow(whole), *self._plate(whole, ground, whole_alpha, line)]
            lit = self._lit("dpad_up", ground, alpha)
            parts = []
            for way, shape in arm_shapes(x, y, reach * 0.97, wide * 0.92, wide * 0.85).items():
                sign = self._way_sign(way, shape, wide * 0.36)
                neutral = [Ink(sign, traits.sign, 0.8)] if sign is not None else []
                glow = [Ink(shape, lit, 0.8, glow=wide * 0.3)] if traits.press is Press.GLOW else []
                pressed = [*glow, Ink(shape, lit, 0.95)]
                if sign is not None:
                    pressed.append(Ink(sign, palette.ink_for(lit)))
                parts.append(Part(f"dpad_{way}", shape, tuple(neutral), tuple(pressed)))
            covered = [circle(x, y, reach * 1.12)] if kind is Cross.DISC else [whole]
            return under, parts, covered
        parts = []
        for way, (across, down) in zip(WAYS, ((0, -1), (1, 0), (0, 1), (-1, 0)), strict=True):
            far = reach * 0.68
            at = (x + across * far, y + down * far)
            if kind is Cross.ARROWS:
                shape, sign = arrow(way, *at, reach * 0.33), None
            else:
                side = reach * 0.58
                shape = rounded(at[0] - side / 2, at[1] - side / 2, side, side, corner)
                sign = self._way_sign(way, shape, side * 0.26)
            parts.append(self.key(f"dpad_{way}", shape, sign))
        return [], parts, []

    def sign(self, name: str, x: float, y: float, size: float) -> Shape | None:
        """What is written on a key; None for nothing."""
        return sign_of(self.family, self.traits.signs, name, x, y, size)

    def _up(self, name: str) -> tuple[Colour, float, float]:
        """Of a key that is up: its colour, its alpha, the width of its outline."""
        traits = self.traits
        alpha = traits.key_alpha if traits.key is not None else 0.0
        if traits.press is Press.FILL:
            alpha = min(alpha, 0.25) if traits.key_alpha < 1 or traits.body is None else 0.0
        colour = traits.ground
        if traits.faces is not None and traits.faces_up and name in traits.faces and alpha > 0.5:
            colour = traits.faces[name]
        line = traits.line_width
        if alpha < 0.3 and (traits.body_alpha < 0.3 or traits.press is Press.FILL):
            line = max(line, LINE)
        return colour, alpha, line

    def _lit(self, name: str, ground: Colour, alpha: float) -> Colour:
        traits = self.traits
        wanted = traits.lit
        if traits.faces is not None and name in traits.faces:
            wanted = traits.faces[name]
            if traits.faces_up:
                wanted = palette.mixed(wanted, palette.WHITE, 0.7)
        body = traits.body if traits.body is not None and traits.body_alpha > 0.5 else None
        under = body or palette.MIDDLE
        seen = palette.mixed(under, ground, alpha)
        known = (seen, wanted)
        if known not in self.lights:
            self.lights[known] = palette.lit_against(self.rng, seen, wanted=wanted)
        return self.lights[known]

    def _sign_colour(self, name: str, ground: Colour) -> Colour:
        traits = self.traits
        wanted = traits.sign
        if traits.faces is not None and name in traits.faces:
            wanted = traits.faces[name]
        return wanted if palette.apart(wanted, ground) > 0.2 else palette.ink_for(ground)

    def _plate(self, shape: Shape, colour: Colour, alpha: float, line: float) -> list[Ink]:
        traits = self.traits
        inks = []
        glossy = traits.finish is Finish.GLOSSY
        if alpha:
            below = palette.mixed(colour, palette.BLACK, 0.4) if glossy else None
            top = palette.mixed(colour, palette.WHITE, 0.12) if glossy else colour
            inks.append(Ink(shape, top, alpha, below=below))
        if line:
            inks.append(Ink(shape, traits.line, 1.0, line=line))
        if alpha and glossy:
            _left, top_edge, _right, bottom = shape.bounds
            high = bottom - top_edge
            shine = shape.grown(0.74).moved(0, -0.06 * high)
            inks.append(Ink(upper(shine), palette.WHITE, 0.22))
        return inks

    def _shadow(self, shape: Shape) -> list[Ink]:
        if not self.traits.shadow:
            return []
        left, _, right, _ = shape.bounds
        return [Ink(shape.moved(0, min((right - left) * 0.08, 2.5)), palette.BLACK, 0.4, glow=1.2)]

    def _socket(self, alpha: float) -> bool:
        """Whether a hole stays where a key was."""
        return alpha > 0.8 and self.traits.body_alpha > 0.8

    def _way_sign(self, way: str, shape: Shape, size: float) -> Shape | None:
        if self.traits.signs is Signs.NONE:
            return None
        return arrow(way, *shape.middle, size)

    def _with(self, sign: Shape, up: Shape, down: Shape) -> Shape:
        """A sign that goes with its key."""
        if down is up:
            return sign
        (x0, y0), (x1, y1) = up.middle, down.middle
        moved = sign.moved(x1 - x0, y1 - y0)
        return moved.grown(self.larger) if self.traits.press is Press.SIZE else moved


def keys_of(traits: Traits, rng: Generator) -> Keys:
    """What draws the keys of a controller."""
    family = _FAMILIES.get(traits.build, "xbox")
    if rng.random() < 0.12:
        family = "generic"
    larger = float(rng.uniform(1.25, 1.45) if rng.random() < 0.5 else rng.uniform(0.5, 0.68))
    down = float(rng.uniform(0.2, 0.4))
    away = (down, down) if rng.random() < 0.2 else (0.0, down)
    mix = float(rng.uniform(0.25, 1)) if rng.random() < 0.8 else 0.15
    ringed = bool(rng.random() < 0.12)
    bodied = traits.build in (Build.XBOX, Build.PLAYSTATION, Build.SWITCH)
    slant = float(rng.uniform(4, 16)) if bodied and rng.random() < 0.4 else 0.0
    unseen = bool(rng.random() < 0.3)
    return Keys(traits, rng, family, larger, away, mix, ringed, slant, unseen)
