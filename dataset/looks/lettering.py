"""What is written on the keys of made-up controllers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from nitropilot.dataset.looks.traits import Signs
from nitropilot.dataset.skinmaking.drawing import LETTERS
from nitropilot.dataset.skinmaking.signs import symbol, text

if TYPE_CHECKING:
    from nitropilot.dataset.skinmaking.shapes import Shape

_SYMBOLS = {"south": "*cross", "east": "*ring", "west": "*square", "north": "*triangle"}


def sign_of(family: str, signs: Signs, name: str, x: float, y: float, size: float) -> Shape | None:
    """What is written on a key; None for nothing.

    Args:
        family: Whose letters.
        signs: Letters, symbols or nothing.
        name: Of the key.
        x: Its middle.
        y: The same.
        size: How high it is, about, in pixels of the canvas.
    """
    if signs is Signs.NONE:
        return None
    written = LETTERS[family].get(name)
    if name in _SYMBOLS and signs is Signs.SYMBOLS:
        written = _SYMBOLS[name]
    if written is None:
        return None
    if written.startswith("*"):
        large = size * 0.42
        sign = _signed(written[1:], round(max(1.4, size * 0.15) / large, 1))
        return sign.grown(large, (0, 0)).moved(x, y)
    height = size * (0.95 if len(written) == 1 else 0.8)
    return _written(written, round(1.0 + 2 / max(height, 4), 1)).grown(height, (0, 0)).moved(x, y)


@lru_cache(maxsize=256)
def _written(letters: str, weight: float) -> Shape:
    """Letters one pixel high around (0, 0)."""
    return text(letters, 0, 0, 1, weight)


@lru_cache(maxsize=256)
def _signed(name: str, width: float) -> Shape:
    """A symbol around (0, 0), one pixel from its middle to its edge."""
    return symbol(name, 0, 0, 1, width)
