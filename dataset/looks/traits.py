"""``Traits``: what a made-up controller is like, drawn from a seed.

They follow what is seen in videos: photographs of pads with lit buttons, flat icons, thin
outlines, boards with rows of buttons, bare circles and bars, buttons that are only there while
they are pressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from nitropilot.dataset.looks import palette
from nitropilot.dataset.looks.look import Knob, Pull

if TYPE_CHECKING:
    from numpy.random import Generator

    from nitropilot.dataset.looks.raster import Colour


Kind = TypeVar("Kind")


class Finish(StrEnum):
    """How everything is drawn."""

    OPAQUE = "opaque"
    OUTLINE = "outline"
    GLOSSY = "glossy"
    TINY = "tiny"
    MINIMAL = "minimal"
    SPLIT = "split"


class Press(StrEnum):
    """How one sees that a button is down."""

    COLOUR = "colour"
    GLOW = "glow"
    FILL = "fill"
    OFFSET = "offset"
    SIZE = "size"


class Build(StrEnum):
    """What is where."""

    XBOX = "xbox"
    PLAYSTATION = "playstation"
    SWITCH = "switch"
    HALVES = "halves"
    HANDHELD = "handheld"
    RETRO = "retro"
    PANEL = "panel"
    ARCADE = "arcade"
    FREE = "free"


class Cross(StrEnum):
    """What a d-pad is."""

    ONE = "one"
    FOUR = "four"
    DISC = "disc"
    ARROWS = "arrows"


class Signs(StrEnum):
    """What is written on buttons."""

    LETTERS = "letters"
    SYMBOLS = "symbols"
    NONE = "none"


@dataclass(frozen=True)
class Traits:
    """Sizes are in pixels of a canvas about 400 wide.

    Attributes:
        finish: How everything is drawn.
        build: What is where.
        press: How a press is shown.
        knob: What of a stick moves.
        cross: What the d-pad is.
        signs: What is written on buttons.
        pull: How triggers are shown.
        bars: Whether shoulders are bars rather than round.
        square: Whether keys have corners.
        body: Colour of the body; None for none.
        body_alpha: How opaque it is.
        edge: Colour of its outline.
        key: Of a button that is up; None for none.
        key_alpha: How opaque it is.
        line: Outline of keys; its alpha is 1.
        line_width: Of all outlines; 0 for none.
        sign: What is written.
        lit: A pressed button.
        faces: Colours of the four; None for that of others.
        faces_up: Whether these are seen while they are up too.
        well: Under sticks; None for none.
        well_shape: ``circle``, ``square``, ``octagon``, ``cross`` or ``none``.
        cap: What moves.
        thumbs: Whether a pressed stick is seen.
        shadow: Whether keys throw one.
    """

    finish: Finish
    build: Build
    press: Press
    knob: Knob
    cross: Cross
    signs: Signs
    pull: Pull
    bars: bool
    square: bool
    body: Colour | None
    body_alpha: float
    edge: Colour
    key: Colour | None
    key_alpha: float
    line: Colour
    line_width: float
    sign: Colour
    lit: Colour
    faces: dict[str, Colour] | None
    faces_up: bool
    well: Colour | None
    well_shape: str
    cap: Colour
    thumbs: bool
    shadow: bool

    @property
    def ground(self) -> Colour:
        """What a key that is up looks like; a middle grey where the game shows through."""
        return self.key or self.body or palette.MIDDLE


FINISHES = {
    Finish.OPAQUE: 0.32, Finish.OUTLINE: 0.2, Finish.GLOSSY: 0.14, Finish.TINY: 0.08,
    Finish.MINIMAL: 0.18, Finish.SPLIT: 0.08,
}  # fmt: skip
"""How often each is drawn."""
BUILDS = {
    Build.XBOX: 0.25, Build.PLAYSTATION: 0.2, Build.SWITCH: 0.13, Build.HANDHELD: 0.06,
    Build.RETRO: 0.06, Build.PANEL: 0.12, Build.ARCADE: 0.08, Build.FREE: 0.1,
}  # fmt: skip
"""The same; those of halves come with their finish, and bare ones are mostly free."""


def chosen(rng: Generator, weights: dict[Kind, float]) -> Kind:
    """One of some, by their weights."""
    kinds, shares = list(weights), list(weights.values())
    return kinds[int(rng.choice(len(kinds), p=[share / sum(shares) for share in shares]))]


def draw_traits(rng: Generator) -> Traits:
    """What a controller is like."""
    finish = chosen(rng, FINISHES)
    build = Build.HALVES if finish is Finish.SPLIT else chosen(rng, BUILDS)
    if finish in (Finish.MINIMAL, Finish.TINY) and rng.random() < 0.6:
        build = chosen(rng, {Build.FREE: 0.5, Build.PANEL: 0.3, Build.ARCADE: 0.2})
    body, body_alpha = _body(rng, finish)
    key, key_alpha = _key(rng, finish, body)
    ground = key if key is not None and key_alpha > 0.5 else body or palette.MIDDLE
    line = _line(rng, finish, ground)
    faces = _faces(rng)
    wanted = palette.mixed(ground, palette.ink_for(ground), 0.6) if rng.random() < 0.12 else None
    lit = palette.lit_against(rng, ground, wanted=wanted)
    press = chosen(
        rng, {Press.COLOUR: 0.33, Press.FILL: 0.25, Press.GLOW: 0.17, Press.OFFSET: 0.1,
              Press.SIZE: 0.15}
    )  # fmt: skip
    knob = chosen(rng, {Knob.CAP: 0.55, Knob.DOT: 0.24, Knob.LINE: 0.11, Knob.TRAIL: 0.1})
    well = None if rng.random() < 0.35 or finish is Finish.OUTLINE else _apart(rng, ground, 0.12)
    under = well or body or ground
    return Traits(
        finish, build, press, knob,
        chosen(rng, {Cross.ONE: 0.45, Cross.FOUR: 0.27, Cross.DISC: 0.13, Cross.ARROWS: 0.15}),
        _signs(rng, finish, build),
        chosen(rng, {Pull.UP: 0.2, Pull.DOWN: 0.1, Pull.LEFT: 0.06, Pull.RIGHT: 0.06,
                     Pull.FADE: 0.16, Pull.BUTTON: 0.42}),
        bool(rng.random() < 0.5), bool(rng.random() < (0.5 if finish is Finish.TINY else 0.12)),
        body, body_alpha, _apart(rng, body or ground, 0.3), key, key_alpha, line,
        _width(rng, finish), palette.ink_for(ground) if rng.random() < 0.7 else line, lit, faces,
        bool(rng.random() < 0.5), well,
        chosen(rng, {"circle": 0.68, "octagon": 0.08, "square": 0.1, "cross": 0.08, "none": 0.06}),
        _apart(rng, under, 0.16), bool(rng.random() < 0.8),
        finish in (Finish.OPAQUE, Finish.GLOSSY) and bool(rng.random() < 0.4),
    )  # fmt: skip


def _body(rng: Generator, finish: Finish) -> tuple[Colour | None, float]:
    """Its colour, and how opaque it is."""
    if finish is Finish.OUTLINE or (finish in (Finish.MINIMAL, Finish.TINY) and rng.random() < 0.6):
        if rng.random() < 0.25:
            return palette.grey(rng, 0, 1), float(rng.uniform(0.12, 0.5))
        return None, 0.0
    kind = rng.random()
    if kind < 0.45:
        colour = palette.grey(rng, 0.05, 0.4)
    elif kind < 0.68:
        colour = palette.grey(rng, 0.75, 1)
    else:
        colour = palette.any_colour(rng, 0.1)
    translucent = finish is Finish.MINIMAL or rng.random() < 0.06
    return colour, float(rng.uniform(0.4, 0.9)) if translucent else 1.0


def _key(rng: Generator, finish: Finish, body: Colour | None) -> tuple[Colour | None, float]:
    """Colour of keys that are up, and how opaque they are."""
    kind = rng.random()
    if finish is Finish.OUTLINE:
        return (
            (None, 0.0)
            if kind < 0.75
            else (palette.grey(rng, 0, 0.3), float(rng.uniform(0.15, 0.5)))
        )
    if body is None:
        if kind < 0.15:
            return None, 0.0
        alpha = 1.0 if kind < 0.6 else float(rng.uniform(0.3, 0.9))
        colour = palette.grey(rng, 0, 1) if rng.random() < 0.7 else palette.any_colour(rng)
        return colour, alpha
    if kind < 0.12:
        return None, 0.0
    return _apart(rng, body, 0.08), 1.0


def _line(rng: Generator, finish: Finish, ground: Colour) -> Colour:
    if finish is Finish.OUTLINE:
        kind = rng.random()
        return palette.WHITE if kind < 0.6 else palette.BLACK if kind < 0.7 else palette.accent(rng)
    return _apart(rng, ground, 0.2)


def _width(rng: Generator, finish: Finish) -> float:
    if finish is Finish.OUTLINE:
        return float(rng.uniform(1.6, 5))
    return 0.0 if rng.random() < 0.3 else float(rng.uniform(1, 3.5))


def _faces(rng: Generator) -> dict[str, Colour] | None:
    if rng.random() < 0.45:
        return None
    if rng.random() < 0.2:
        return {name: palette.accent(rng) for name in palette.FACES[0]}
    return palette.FACES[int(rng.integers(len(palette.FACES)))]


def _signs(rng: Generator, finish: Finish, build: Build) -> Signs:
    if finish is Finish.TINY or (finish is Finish.MINIMAL and rng.random() < 0.5):
        return Signs.NONE
    if rng.random() < 0.2:
        return Signs.NONE
    symbols = 0.85 if build is Build.PLAYSTATION else 0.12
    return Signs.SYMBOLS if rng.random() < symbols else Signs.LETTERS


def _apart(rng: Generator, other: Colour, least: float) -> Colour:
    """A colour at least so far from another."""
    for _ in range(8):
        kind = rng.random()
        colour = palette.grey(rng, 0, 1) if kind < 0.75 else palette.any_colour(rng)
        if palette.apart(colour, other) >= least:
            return colour
    return palette.ink_for(other)
