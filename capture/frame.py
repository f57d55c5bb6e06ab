"""``Frame``: one picture of a game's window."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLACK_LEVEL = 8
"""Brightest channel value (0 to 255) at which a whole frame still counts as black."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One grabbed picture.

    Attributes:
        pixels: ``H x W x 3`` uint8, RGB, C-contiguous.  Owned by the frame.
        time: When the grab began, in seconds of ``time.perf_counter``.
        index: How many frames the same grabber had delivered before.
    """

    pixels: NDArray[np.uint8]
    time: float
    index: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @cached_property
    def black(self) -> bool:
        """Whether nothing is visible: exclusive fullscreen and protected windows look so."""
        return int(self.pixels.max(initial=0)) <= BLACK_LEVEL
