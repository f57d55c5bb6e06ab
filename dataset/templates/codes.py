"""What the numbers in a preset of input-overlay stand for; imports nothing large."""

from __future__ import annotations

import re
from enum import StrEnum


class Codes(StrEnum):
    """What a preset's numbers of the four face buttons mean."""

    POSITION = "position"
    """Where a button is, as SDL has it: 0 is the lowest one."""
    LABEL = "label"
    """What is written on it: 0 is the one with an A, which on a Switch pad is the right one."""


BY_POSITION = (
    "south", "east", "west", "north", "back", "guide", "start", "left_thumb", "right_thumb",
    "left_shoulder", "right_shoulder", "dpad_up", "dpad_down", "dpad_left", "dpad_right",
    "misc1", "paddle1", "paddle2", "paddle3", "paddle4", "touchpad",
)  # fmt: skip
"""SDL's buttons of a game controller by their numbers; no output has the last six."""
SWAPPED = {"south": "east", "east": "south", "west": "north", "north": "west"}
"""Where the button is that carries the label of the one at a position: A, B, X, Y on a Switch."""
FAMILIES = ("xbox", "playstation", "switch", "generic")
_WORDS = {
    "switch": re.compile(r"switch|joy.?con|nintendo|pro.?controller"),
    "playstation": re.compile(
        r"playstation|dual.?sense|dual.?shock|(?<![a-z])(ps[1-5x]?|ds[345])(?![a-z])"
    ),
    "xbox": re.compile(r"x.?box|(?<![a-z])x360"),
}  # fmt: skip


def button_of(code: int, codes: Codes) -> str:
    """The published name of a button by its number; of one that no output has, another name."""
    name = BY_POSITION[code]
    return SWAPPED.get(name, name) if codes is Codes.LABEL else name


def family_of(*names: str) -> str:
    """What kind of pad names of files speak of."""
    text = " ".join(names).lower()
    return next((family for family, word in _WORDS.items() if word.search(text)), "generic")


def usual_codes(family: str, stem: str) -> tuple[Codes, str]:
    """What most presets of a family go by, and why that is taken.

    Args:
        family: One of ``FAMILIES``.
        stem: The name of the preset's file.
    """
    if family != "switch":
        return Codes.POSITION, "as most presets are"
    if "xinput" in stem.lower():
        return Codes.POSITION, "since its name says xinput, which has no labels"
    return Codes.LABEL, "as most presets of Switch pads are"
