"""``Sheet``: shapes become pixels, four times finer than they are kept."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.pose import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.skinmaking.shapes import Shape

    Mask = NDArray[np.uint8]

FINER = 4
_BITS = 4
"""OpenCV takes corners as whole 16ths."""


class Sheet:
    """A part of a canvas that is drawn on.

    Args:
        width: In pixels of the canvas.
        height: The same.
        left: Where it lies on the canvas.
        top: The same.
    """

    def __init__(self, width: int, height: int, left: int = 0, top: int = 0) -> None:
        self.width, self.height, self.left, self.top = width, height, left, top
        self._picture = np.zeros((height, width, 4), np.float64)

    def fill(
        self, shape: Shape, colour: str, alpha: float = 1.0, below: str | None = None
    ) -> Sheet:
        """Lay colour over a shape; ``below`` is the colour at its lower end."""
        part = self._around(shape, 1)
        share = _means(_mask(shape, part).astype(np.float64))
        return self._lay(part, share, _tone(shape, part, colour, below), alpha)

    def line(self, shape: Shape, width: float, colour: str, alpha: float = 1.0) -> Sheet:
        """Draw a shape's outline, half of it inside."""
        if width <= 0:
            return self
        part = self._around(shape, width)
        band = np.abs(_distance(shape, part)) <= width * FINER / 2
        return self._lay(part, _means(band.astype(np.float64)), _rgb(colour), alpha)

    def glow(self, shape: Shape, reach: float, colour: str, alpha: float = 1.0) -> Sheet:
        """Light around a shape that fades over ``reach`` pixels."""
        part = self._around(shape, reach)
        far = np.clip(1 - _distance(shape, part) / (reach * FINER), 0, 1)
        return self._lay(part, _means(far**2), _rgb(colour), alpha)

    def look(self) -> NDArray[np.uint8]:
        """``h x w x 4`` RGBA, alpha not multiplied in; black where nothing is."""
        alpha = self._picture[..., 3:]
        colour = np.divide(
            self._picture[..., :3], alpha, out=np.zeros_like(self._picture[..., :3]),
            where=alpha > 0,
        )  # fmt: skip
        look = np.rint(np.concatenate([colour, alpha], axis=2) * 255).astype(np.uint8)
        look[look[..., 3] == 0] = 0
        return look

    def _around(self, shape: Shape, margin: float) -> Box:
        """The part of the canvas that a shape and what is around it touch, on this sheet."""
        left, top, right, bottom = shape.bounds
        return Box(
            max(math.floor(left - margin), self.left),
            max(math.floor(top - margin), self.top),
            min(math.ceil(right + margin), self.left + self.width),
            min(math.ceil(bottom + margin), self.top + self.height),
        )

    def _lay(
        self, part: Box, share: NDArray[np.float64], colour: NDArray[np.float64], alpha: float
    ) -> Sheet:
        under = self._picture[
            part.top - self.top : part.bottom - self.top,
            part.left - self.left : part.right - self.left,
        ]
        over = (share * alpha)[..., None]
        under *= 1 - over
        under += over * np.concatenate([colour, np.ones((*colour.shape[:-1], 1))], axis=-1)
        return self


def _tone(shape: Shape, part: Box, colour: str, below: str | None) -> NDArray[np.float64]:
    if below is None:
        return _rgb(colour)
    _, top, _, bottom = shape.bounds
    down = np.clip((np.arange(part.top, part.bottom) + 0.5 - top) / max(bottom - top, 1), 0, 1)
    # Bands of one colour, so that the file stays small.
    down = np.round(down * 24)[:, None, None] / 24
    return np.asarray(_rgb(colour) * (1 - down) + _rgb(below) * down, np.float64)


def _mask(shape: Shape, part: Box) -> Mask:
    mask = np.zeros((part.height * FINER, part.width * FINER), np.uint8)
    for points in shape.parts:
        # A pixel is filled when its middle is inside; OpenCV counts from middles.
        fine = (points - (part.left, part.top)) * FINER - 0.5
        corners = np.round(fine * 2**_BITS).astype(np.int32)
        cv2.fillPoly(mask, [corners.reshape(-1, 1, 2)], 1, cv2.LINE_8, _BITS)
    return mask


def _distance(shape: Shape, part: Box) -> NDArray[np.float64]:
    """From the edge outwards, in fine pixels; negative inside."""
    mask = _mask(shape, part)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(outside, np.float64) - inside - np.where(mask > 0, -0.5, 0.5)


def _means(fine: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = fine.shape
    blocks = fine.reshape(height // FINER, FINER, width // FINER, FINER)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float64)


def _rgb(colour: str) -> NDArray[np.float64]:
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
