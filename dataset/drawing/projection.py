"""``Projection``: what is on a canvas as the pixels of a video's picture show it.

A pixel is the mean of what lies under it, as programs that make pictures smaller have it.  Upright,
that is two products with matrices of overlaps, exact at any fraction of a pixel; turned, it is the
mean of points closer together than the canvas's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.pose import Box, Pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

UPRIGHT = math.radians(0.05)
"""Turned by less, it is upright: an edge of 400 pixels moves by a third of one."""


@dataclass(frozen=True)
class Projection:
    """From canvas to picture.

    Attributes:
        pose: Where the canvas lies.
        box: The pixels of the picture that are wanted; may reach out of it.
    """

    pose: Pose
    box: Box

    def seen(self) -> Box:
        """The part of the canvas that these pixels show; may reach out of it."""
        matrix = cv2.invertAffineTransform(self.pose.matrix())
        corners = np.array(
            [[x, y, 1] for x in (self.box.left, self.box.right)
             for y in (self.box.top, self.box.bottom)]
        )  # fmt: skip
        at = corners @ matrix.T
        low, high = np.floor(at.min(axis=0)) - 1, np.ceil(at.max(axis=0)) + 1
        return Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))

    def project(self, canvas: NDArray[np.float32], part: Box) -> NDArray[np.float32]:
        """``box`` as it looks.

        Args:
            canvas: ``h x w x 4``, alpha multiplied in.
            part: Which part of the canvas that is; beyond it there is nothing.
        """
        if abs(self.pose.angle) < UPRIGHT:
            across, down = self.overlaps(part)
            wide = np.einsum("oi,jic->joc", across, canvas, optimize=True)
            return np.asarray(np.einsum("oj,jic->oic", down, wide, optimize=True), np.float32)
        return self._turned(canvas, part)

    def overlaps(self, part: Box) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How much of each column (and row) of the picture each one of the canvas covers."""
        pose, box = self.pose, self.box
        across = _overlaps(box.left, box.width, part.left, part.width, pose.scale, pose.x)
        down = _overlaps(
            box.top, box.height, part.top, part.height, pose.scale * pose.stretch, pose.y
        )
        return across, down

    def _turned(self, canvas: NDArray[np.float32], part: Box) -> NDArray[np.float32]:
        pose, box = self.pose, self.box
        finer = max(2, math.ceil(1.5 / (pose.scale * min(pose.stretch, 1.0))))
        matrix = pose.matrix()
        matrix[:, 2] += matrix[:, :2] @ (part.left, part.top) - (box.left, box.top)
        # OpenCV counts from the middle of the first pixel, a pose from its corner.
        matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5)
        matrix *= finer
        matrix[:, 2] -= 0.5
        fine = cv2.warpAffine(
            canvas, matrix, (box.width * finer, box.height * finer), flags=cv2.INTER_LINEAR
        )
        blocks = fine.reshape(box.height, finer, box.width, finer, 4)
        return np.asarray(blocks.mean(axis=(1, 3)), np.float32)


def _overlaps(
    first: int, count: int, begins: int, length: int, scale: float, offset: float
) -> NDArray[np.float32]:
    """``count x length``: the share of each pixel of the picture that one of the canvas covers."""
    left = (np.arange(begins, begins + length) * scale + offset)[None, :]
    at = np.arange(first, first + count)[:, None]
    covered = np.minimum(at + 1, left + scale) - np.maximum(at, left)
    return np.asarray(np.clip(covered, 0, None), np.float32)
