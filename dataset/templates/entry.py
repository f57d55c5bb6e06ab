"""``Entry``: an element as a preset's file has it, every value of which may be anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.dataset.errors import BadTemplate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

PITCH = 3
"""Pixels between two sprites of an element in the atlas."""
FARTHEST = 1 << 15
"""Of a place in the atlas or on the canvas."""
LONGEST = 60
"""Of a value in a message, in characters."""


@dataclass(frozen=True)
class Entry:
    """One element of a preset.

    Attributes:
        where: The file and which element of it that is, for messages.
        values: What the file says.
        atlas: ``h x w x 4``, all of its sprites.
    """

    where: str
    values: dict[str, Any]
    atlas: Picture

    @property
    def ident(self) -> str:
        """The name that its maker gave it."""
        return str(self.values.get("id", ""))

    def wrong(self, what: str, hint: str) -> BadTemplate:
        """An error that names it."""
        return BadTemplate(f"{self.where} {what}", hint)

    def whole(self, key: str, low: int, high: int, hint: str = "") -> int:
        """A whole number.

        Raises:
            BadTemplate: It is missing, is no whole number, or is out of range.
        """
        if key not in self.values:
            raise self.wrong(f"has no {key}", hint or f"give it one from {low} to {high}")
        value = whole_number(self.values[key])
        if value is None or not low <= value <= high:
            raise self.wrong(
                f"has the {key} {short(self.values[key])}, which is out of range",
                hint or f"a whole number from {low} to {high}",
            )
        return value

    def wholes(self, key: str, count: int) -> tuple[int, ...]:
        """Several of them, such as a place.

        Raises:
            BadTemplate: There are not that many, or one is no whole number.
        """
        listed = self.values.get(key)
        found = [whole_number(each) for each in listed] if isinstance(listed, list) else []
        plain = tuple(each for each in found if each is not None and abs(each) <= FARTHEST)
        if len(found) != count or len(plain) != count:
            raise self.wrong(
                f"has the {key} {short(listed)}", f"{count} whole numbers belong there"
            )
        return plain

    def flag(self, key: str) -> bool:
        """Yes or no; no where nothing is said.

        Raises:
            BadTemplate: It is neither.
        """
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(f"has the {key} {short(value)}", "true or false belongs there")
        return value

    def sprite(self, right: int = 0, down: int = 0) -> Picture:
        """A picture of it out of the atlas.

        Args:
            right: How many sprites right of its first one.
            down: How many below it.

        Raises:
            BadTemplate: It has no size, or lies outside of the atlas.
        """
        left, top, width, height = self.wholes("mapping", 4)
        if width < 1 or height < 1:
            raise self.wrong(f"has a mapping of {width} x {height} pixels", "it needs a size")
        left += right * (width + PITCH)
        top += down * (height + PITCH)
        high, wide = self.atlas.shape[:2]
        if left < 0 or top < 0 or left + width > wide or top + height > high:
            look = "pressed look" if right or down else "mapping"
            raise self.wrong(
                f"has its {look} at [{left}, {top}, {width}, {height}], which lies outside of the "
                f"atlas of {wide} x {high} pixels",
                "the picture is smaller than what is mapped on it: name the right one with --atlas",
            )
        return self.atlas[top : top + height, left : left + width].copy()


def short(value: object) -> str:
    """A value for a message: of a long one the beginning."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def whole_number(value: object) -> int | None:
    """A whole number, also one that is written as text or with a point; None for all else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.lstrip("-").isdecimal() and len(text) < 12 else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None
