"""Small layers in the planes of a codec, laid over each other: as ``drawing.planes``, for speed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.drawing.planes import Colours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.pose import Box

    Floats = NDArray[np.float32]

COLOURS = Colours("bt601")


def _to_planes() -> NDArray[np.float64]:
    """``4 x 4``: from red, green, blue with alpha multiplied in, and alpha, to y, u, v, alpha."""
    rows, offset = COLOURS.matrix_and_offset()
    return np.block([[rows, offset[:, None]], [np.zeros((1, 3)), np.ones((1, 1))]])


_TO_PLANES = _to_planes()


class Stack(NamedTuple):
    """As ``Layer``, in two arrays, so that what is done to all planes is done at once.

    Attributes:
        full: ``2 x h x w``: brightness with alpha multiplied in, and alpha.
        half: ``3 x h/2 x w/2``: both colours likewise, and alpha.
    """

    full: Floats
    half: Floats

    def copied(self) -> Stack:
        """The same, that may be changed."""
        return Stack(self.full.copy(), self.half.copy())

    def lay(self, over: Stack, at: Place) -> None:
        """Draw something over a part of it, in place."""
        for under, patch, place in (
            (self.full, over.full, at.full),
            (self.half, over.half, at.half),
        ):
            part = under[place]
            part *= 1 - patch[-1]
            part += patch


def in_planes(patch: Floats) -> Stack:
    """Red, green, blue with alpha multiplied in, and alpha, ``h x w x 4``, as planes."""
    height, width = patch.shape[:2]
    whole = cv2.transform(patch, _TO_PLANES)
    small = cv2.resize(whole, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    small = small.reshape(height // 2, width // 2, 4)
    return Stack(np.ascontiguousarray(whole[..., ::3].transpose(2, 0, 1), np.float32),
                 np.ascontiguousarray(small[..., 1:].transpose(2, 0, 1), np.float32))  # fmt: skip


class Place(NamedTuple):
    """Where a part of a stack is, in both of its arrays."""

    full: tuple[slice, slice, slice]
    half: tuple[slice, slice, slice]


def place_of(part: Box, whole: Box) -> Place:
    """Where a part is; both have even sides and begin at even pixels."""
    rows, columns = slices(part, whole)
    every = slice(None)
    return Place((every, rows, columns), (every, _halved(rows), _halved(columns)))


def slices(part: Box, whole: Box) -> tuple[slice, slice]:
    """Rows and columns of a part."""
    return (
        slice(part.top - whole.top, part.bottom - whole.top),
        slice(part.left - whole.left, part.right - whole.left),
    )


def _halved(at: slice) -> slice:
    return slice(at.start // 2, at.stop // 2)
