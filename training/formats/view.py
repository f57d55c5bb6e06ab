"""``View``: the part of a picture that is the game, and what of it is blackened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Box(NamedTuple):
    """A part of a picture, in shares of its width and height from the top left corner."""

    left: float
    top: float
    right: float
    bottom: float

    def pixels(self, height: int, width: int) -> tuple[slice, slice]:
        """Its rows and columns in a picture; every pixel that it touches is inside."""
        return (
            slice(int(self.top * height), -int(-self.bottom * height // 1)),
            slice(int(self.left * width), -int(-self.right * width // 1)),
        )


@dataclass(frozen=True)
class View:
    """What of a picture is looked at.

    Attributes:
        crop: The game; None: all of the picture.
        masks: What is blackened, in shares of the whole picture.
    """

    crop: Box | None = None
    masks: tuple[Box, ...] = ()

    def of(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of a picture, ``H x W x 3``; the picture itself stays as it is."""
        height, width = picture.shape[:2]
        if self.masks:
            picture = picture.copy()
            for mask in self.masks:
                picture[mask.pixels(height, width)] = 0
        if self.crop is None:
            return picture
        return np.ascontiguousarray(picture[self.crop.pixels(height, width)])


WHOLE = View()
