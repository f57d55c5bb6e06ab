"""``Field``: which edges stand still, and how like those of a skin they are.

The mean over frames of their gradients, in each made about as long as in any other: what stands
still adds the same to every frame, however faint it is; what moves comes and goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nitropilot.dataset.locating.sampling import Shot

    Plane = NDArray[np.float32]

REACH = 3
"""Pixels by which a place may move when the picture is twice as large."""
MARGIN = 8
"""Pixels of nothing around a picture, so that skins may stand out of it a little."""
RIM = 2
"""Pixels around a skin: its outermost edges lie there."""
SOFT = 4.0
"""Levels a pixel: gradients much smaller than that count by their size, others all the same."""
SILENT = 0.03
"""A mean gradient of that size is nothing."""
PARTS = (4, 3)
"""Parts of a skin, across and down, that are compared each by itself."""


@dataclass(frozen=True, eq=False)
class Field:
    """The mean gradient at some size of the picture.

    Attributes:
        vectors: ``h x w x 2`` float32, with ``MARGIN`` pixels of nothing around.
        across: Pixels of what is searched for one of these.
        down: The same.
    """

    vectors: Plane
    across: float
    down: float
    _kept: dict[str, NDArray[Any]] = field(default_factory=dict)

    def everywhere(self, drawn: Plane) -> Plane:
        """How like ``drawn`` (``h x w x 2``) each place is: a cosine by its upper left pixel."""
        height, width = self.vectors.shape[:2]
        high, wide = drawn.shape[:2]
        size = cv2.getOptimalDFTSize(height), cv2.getOptimalDFTSize(width)
        if "spectrum" not in self._kept:
            self._kept["spectrum"] = _transformed(self.vectors, size)
            self._kept["sums"] = cv2.integral(np.square(self.vectors).sum(axis=2))
        both = cv2.mulSpectrums(self._kept["spectrum"], _transformed(drawn, size), 0, conjB=True)
        common = cv2.dft(both, flags=cv2.DFT_INVERSE | cv2.DFT_SCALE)
        common = common[: height - high + 1, : width - wide + 1, 0]
        sums = self._kept["sums"]
        power = (
            sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
        )
        power = power.astype(np.float32) + SILENT**2 * high * wide
        return np.asarray(common / (np.linalg.norm(drawn) * np.sqrt(power)), np.float32)

    def near(self, drawn: Plane, x: float, y: float) -> tuple[float, int, int]:
        """The best place within ``REACH`` pixels of one: how like it is part by part, and it."""
        high, wide = drawn.shape[:2]
        left, top = (max(round(at) + MARGIN - RIM - REACH, 0) for at in (x, y))
        part = self.vectors[top : top + high + 2 * REACH, left : left + wide + 2 * REACH]
        if part.shape[0] < high or part.shape[1] < wide:
            return -1.0, 0, 0
        alike = cv2.matchTemplate(part, drawn, cv2.TM_CCORR_NORMED)
        _, _, _, (right, down) = cv2.minMaxLoc(alike)
        there = part[down : down + high, right : right + wide]
        return _by_parts(drawn, there), left + right + RIM - MARGIN, top + down + RIM - MARGIN


def field_of(shots: Sequence[Shot], width: int) -> Field:
    """The mean gradient of some frames, made smaller to a width."""
    high, wide = shots[0].y.shape
    size = (width, max(round(high * width / wide), 1))
    vectors = np.zeros((size[1], size[0], 2), np.float32)
    for shot in shots:
        grey = shot.y
        if size != (wide, high):
            grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
        vectors += gradients(np.asarray(grey, np.float32))
    vectors /= len(shots)
    # What runs across the whole picture is no controller's: horizons, black bars.
    vectors -= np.median(vectors, axis=1, keepdims=True)
    vectors -= np.median(vectors, axis=0, keepdims=True)
    around = np.pad(vectors, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)))
    return Field(around, wide / size[0], high / size[1])


def gradients(plane: Plane) -> Plane:
    """``h x w x 2``: where brightness grows, to the right and down, of length 0 to 1."""
    right, down = (
        cv2.Sobel(plane, cv2.CV_32F, *which, ksize=3, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
        for which in ((1, 0), (0, 1))
    )
    long = cv2.magnitude(right, down) + SOFT
    return np.asarray(np.stack([right / long, down / long], axis=-1), np.float32)


def _by_parts(drawn: Plane, there: Plane) -> float:
    """The mean of the parts' cosines, those counting more that have more edges: a long line may
    lie along a skin's, but then the rest of it is not there."""
    common, own, other = (
        np.maximum(cv2.resize(each.sum(axis=2), PARTS, interpolation=cv2.INTER_AREA), low)
        for each, low in ((drawn * there, -1.0), (drawn**2, 0.0), (there**2, 0.0))
    )
    counts = np.sqrt(own)
    return float((common / np.sqrt(other + SILENT**2)).sum() / counts.sum())


def _transformed(vectors: Plane, size: tuple[int, int]) -> Plane:
    """The Fourier transform of vectors taken as complex numbers, with nothing around them."""
    whole = np.zeros((*size, 2), np.float32)
    whole[: vectors.shape[0], : vectors.shape[1]] = vectors
    return np.asarray(cv2.dft(whole, nonzeroRows=vectors.shape[0]), np.float32)
