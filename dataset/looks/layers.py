"""Small layers in the planes of a codec, laid over each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.drawing.planes import Colours, Layer, Planes

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


def in_planes(patch: Floats) -> Layer:
    """As ``layer_of``, for many small patches: one product for all four channels."""
    height, width = patch.shape[:2]
    y, u, v, alpha = cv2.split(cv2.transform(patch, _TO_PLANES))
    half = (width // 2, height // 2)
    small = [cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (u, v, alpha)]
    colour = Planes(*(np.asarray(plane, np.float32) for plane in (y, *small[:2])))
    return Layer(colour, np.asarray(alpha, np.float32), np.asarray(small[2], np.float32))


def lay(layer: Layer, patch: Layer, full: tuple[slice, slice]) -> None:
    half = halved(full)
    for plane, over, at in (
        (layer.colour.y, patch.colour.y, full), (layer.alpha, patch.alpha, full),
        (layer.colour.u, patch.colour.u, half), (layer.colour.v, patch.colour.v, half),
        (layer.chroma_alpha, patch.chroma_alpha, half),
    ):  # fmt: skip
        alpha = patch.alpha if at is full else patch.chroma_alpha
        under = plane[at]
        under *= 1 - alpha
        under += over


def copied(layer: Layer) -> Layer:
    colour = Planes(*(plane.copy() for plane in layer.colour))
    return Layer(colour, layer.alpha.copy(), layer.chroma_alpha.copy())


def slices(part: Box, whole: Box) -> tuple[slice, slice]:
    return (
        slice(part.top - whole.top, part.bottom - whole.top),
        slice(part.left - whole.left, part.right - whole.left),
    )


def halved(at: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = at
    return slice(rows.start // 2, rows.stop // 2), slice(columns.start // 2, columns.stop // 2)
