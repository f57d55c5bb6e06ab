"""Colours of made-up controllers, and which of them can be told apart."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.random import Generator

    from nitropilot.dataset.looks.raster import Colour

BLACK, WHITE = (0.04, 0.04, 0.05), (0.97, 0.97, 0.97)
MIDDLE = (0.45, 0.45, 0.45)
"""What a game that shows through is taken for."""
APART = 0.3
"""Colours that are further apart than this can be told apart in a coded video."""
ACCENTS: tuple[Colour, ...] = (
    (1.0, 1.0, 1.0), (0.95, 0.2, 0.2), (0.2, 0.85, 0.3), (0.15, 0.5, 1.0), (1.0, 0.85, 0.15),
    (1.0, 0.5, 0.1), (0.75, 0.3, 0.95), (0.1, 0.85, 0.9), (1.0, 0.4, 0.7), (0.6, 1.0, 0.2),
)  # fmt: skip
FACES: tuple[dict[str, Colour], ...] = (
    {"south": (0.36, 0.76, 0.25), "east": (0.9, 0.2, 0.2), "west": (0.15, 0.45, 0.95),
     "north": (0.98, 0.8, 0.15)},
    {"south": (0.5, 0.65, 0.95), "east": (0.95, 0.4, 0.4), "west": (0.9, 0.55, 0.8),
     "north": (0.35, 0.8, 0.65)},
    {"south": (0.95, 0.8, 0.2), "east": (0.85, 0.2, 0.25), "west": (0.2, 0.6, 0.3),
     "north": (0.2, 0.35, 0.85)},
    {"south": (0.55, 0.4, 0.75), "east": (0.5, 0.35, 0.7), "west": (0.72, 0.65, 0.85),
     "north": (0.72, 0.65, 0.85)},
)  # fmt: skip
"""What makers paint the four face buttons with."""


def any_colour(rng: Generator, dark: float = 0.0, bright: float = 1.0) -> Colour:
    """Any, of a brightness between two."""
    colourful = float(rng.random()) ** 1.5
    return _hsv(float(rng.random()), colourful, float(rng.uniform(dark, bright)))


def grey(rng: Generator, dark: float, bright: float) -> Colour:
    """Nearly grey."""
    return _hsv(float(rng.random()), float(rng.uniform(0, 0.12)), float(rng.uniform(dark, bright)))


def accent(rng: Generator) -> Colour:
    """What something is lit with."""
    if rng.random() < 0.3:
        return _hsv(float(rng.random()), float(rng.uniform(0.5, 1)), float(rng.uniform(0.75, 1)))
    return ACCENTS[int(rng.integers(len(ACCENTS)))]


def light(colour: Colour) -> float:
    """How bright a colour is, 0 to 1."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def apart(one: Colour, other: Colour) -> float:
    """How far two are apart as a coded video shows it: brightness counts more than colour."""
    brightness = abs(light(one) - light(other))
    widest = max(
        abs((a - light(one)) - (b - light(other))) for a, b in zip(one, other, strict=True)
    )
    return brightness + 0.35 * widest


def lit_against(rng: Generator, *others: Colour, wanted: Colour | None = None) -> Colour:
    """A colour to light with that can be told from others: the wanted one, or another."""
    tried = [wanted] if wanted is not None else []
    tried += [accent(rng) for _ in range(6)]
    for colour in tried:
        if min(apart(colour, other) for other in others) >= APART:
            return colour
    return max((*tried, WHITE, BLACK), key=lambda c: min(apart(c, other) for other in others))


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """So much of the other in one."""
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def ink_for(colour: Colour) -> Colour:
    """What can be read on a colour."""
    return BLACK if light(colour) > 0.5 else WHITE


def _hsv(hue: float, colourful: float, bright: float) -> Colour:
    return colorsys.hsv_to_rgb(hue, colourful, bright)
