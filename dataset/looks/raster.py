"""``Ink`` and ``Raster``: shapes become pixels of a picture, wherever a controller lies in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.pose import Box

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from nitropilot.dataset.skinmaking.shapes import Shape

    Patch = NDArray[np.float32]
    Colour = tuple[float, float, float]

FINE, COARSE = 4, 2
"""How many times finer than pixels small and large shapes are drawn."""
LARGE = 40_000
"""Pixels from which a shape is large."""
_BITS = 4
"""OpenCV takes corners as whole 16ths."""


@dataclass(frozen=True, eq=False)
class Ink:
    """Something of one colour on a canvas.

    Attributes:
        shape: In pixels of the canvas.
        colour: Red, green and blue of 0 to 1.
        alpha: How much it covers.
        line: Width of its outline, half of it inside; 0 fills it.
        glow: How far light reaches around it; 0 for none.
        below: The colour at its lower end, if it is another.
    """

    shape: Shape
    colour: Colour
    alpha: float = 1.0
    line: float = 0.0
    glow: float = 0.0
    below: Colour | None = None

    def changed(self, shape: Shape) -> Ink:
        """The same of another shape."""
        return replace(self, shape=shape)

    @property
    def reach(self) -> float:
        """How far it goes beyond its shape."""
        return self.line / 2 + 2 * self.glow


class _Placed(NamedTuple):
    """A shape in a picture.

    Attributes:
        shape: Which; kept so that its number is nobody else's.
        points: ``n x 2``: the corners of all of its polygons.
        parts: Which of these are each polygon's.
        low: The least of them.
        high: The greatest.
    """

    shape: Shape
    points: NDArray[np.float64]
    parts: list[slice]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Raster:
    """Draws what lies on a canvas.

    Attributes:
        matrix: ``2 x 3``: from the canvas to the picture, both counted from the corner.
        box: The pixels of the picture that are drawn.
        known: Where shapes are in the picture that have been drawn before.
    """

    matrix: NDArray[np.float64]
    box: Box
    known: dict[int, _Placed] = field(default_factory=dict, repr=False)

    @cached_property
    def scale(self) -> float:
        """Pixels of the picture to one of the canvas."""
        (a, b, _), (c, d, _) = self.matrix.tolist()
        return math.sqrt(abs(a * d - b * c))

    def part(self, box: Box) -> Raster:
        """Draws other pixels of the same."""
        return Raster(self.matrix, box, self.known)

    def empty(self) -> Patch:
        """``h x w x 4`` of nothing: red, green, blue with alpha multiplied in, and alpha."""
        return np.zeros((self.box.height, self.box.width, 4), np.float32)

    def paint(self, inks: Iterable[Ink], over: Patch) -> None:
        """Draw over a patch of ``box``, in place."""
        for ink in inks:
            part = self.around([ink.shape], ink.reach).within(self.box)
            if part is None:
                continue
            share = self._share(ink, part) * np.float32(ink.alpha)
            left, top = self.box.left, self.box.top
            under = over[part.top - top : part.bottom - top, part.left - left : part.right - left]
            wide = cv2.merge([share] * 4)  # as numpy spreads it, rows of four are slow
            if ink.below is None:
                added = cv2.merge([*(share * np.float32(value) for value in ink.colour), share])
            else:
                added = wide * self._tones(ink, part)
            under *= 1 - wide
            under += added

    def mask(self, shapes: Iterable[Shape]) -> NDArray[np.uint8]:
        """``box``: 255 inside any of them."""
        whole = np.zeros((self.box.height, self.box.width), np.uint8)
        for shape in shapes:
            placed = self._placed(shape)
            _fill(whole, placed, _corners(placed.points - (self.box.left, self.box.top), 1))
        return whole

    def around(self, shapes: Iterable[Shape], margin: float) -> Area:
        """The whole pixels that shapes touch, and ``margin`` pixels of the canvas around them."""
        found = [self._placed(shape) for shape in shapes]
        low, high = found[0].low, found[0].high
        for placed in found[1:]:
            low, high = np.minimum(low, placed.low), np.maximum(high, placed.high)
        away = margin * self.scale + 1
        (left, top), (right, bottom) = (low - away).tolist(), (high + away).tolist()
        return Area(Box(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)))

    def _placed(self, shape: Shape) -> _Placed:
        placed = self.known.get(id(shape))
        if placed is None:
            points = np.concatenate(shape.parts) if len(shape.parts) > 1 else shape.parts[0]
            points = points @ self.matrix[:, :2].T + self.matrix[:, 2]
            ends = [0, *accumulate(len(part) for part in shape.parts)]
            parts = [slice(first, last) for first, last in pairwise(ends)]
            placed = _Placed(shape, points, parts, points.min(axis=0), points.max(axis=0))
            self.known[id(shape)] = placed
        return placed

    def _share(self, ink: Ink, part: Box) -> Patch:
        """How much of each pixel of a part is covered."""
        finer = COARSE if part.width * part.height > LARGE else FINE
        fine = np.zeros((part.height * finer, part.width * finer), np.uint8)
        placed = self._placed(ink.shape)
        corners = _corners(placed.points - (part.left, part.top), finer)
        if ink.line:
            width = max(1, round(ink.line * self.scale * finer))
            lines = [corners[each] for each in placed.parts]
            cv2.polylines(fine, lines, True, 255, width, cv2.LINE_8, _BITS)
        else:
            _fill(fine, placed, corners)
        share = cv2.resize(fine, (part.width, part.height), interpolation=cv2.INTER_AREA)
        covered = share.astype(np.float32) * np.float32(1 / 255)
        if ink.glow:
            spread = max(ink.glow * self.scale, 0.6)
            covered = cv2.GaussianBlur(covered, (0, 0), spread).astype(np.float32)
            covered = np.minimum(covered * np.float32(1.7), 1)
        return covered

    def _tones(self, ink: Ink, part: Box) -> Patch:
        """``h x 1 x 4``: from an ink's colour to that at its lower end."""
        assert ink.below is not None
        placed = self._placed(ink.shape)
        first, last = float(placed.low[1]), float(placed.high[1])
        down = (np.arange(part.top, part.bottom) + 0.5 - first) / max(last - first, 1e-6)
        down = np.clip(down, 0, 1)[:, None]
        tones = (1 - down) * np.array(ink.colour) + down * np.array(ink.below)
        return np.concatenate([tones, np.ones_like(down)], axis=1)[:, None].astype(np.float32)


@dataclass(frozen=True)
class Area:
    """Pixels that something touches; may reach out of a picture."""

    box: Box

    def within(self, whole: Box) -> Box | None:
        """What of it lies in a box; None where nothing does."""
        cut = Box(
            max(self.box.left, whole.left), max(self.box.top, whole.top),
            min(self.box.right, whole.right), min(self.box.bottom, whole.bottom),
        )  # fmt: skip
        return cut if cut.width > 0 and cut.height > 0 else None

    def even(self) -> Area:
        """Widened to even pixels: colour has one for two."""
        box = self.box
        left, top = box.left - box.left % 2, box.top - box.top % 2
        return Area(Box(left, top, box.right + box.right % 2, box.bottom + box.bottom % 2))


def _corners(points: NDArray[np.float64], finer: int) -> NDArray[np.int32]:
    """A pixel is filled when its middle is inside; OpenCV counts from middles."""
    fine = (points * finer - 0.5) * 2**_BITS
    return np.asarray(np.round(fine).reshape(-1, 1, 2), np.int32)


def _fill(mask: NDArray[np.uint8], placed: _Placed, corners: NDArray[np.int32]) -> None:
    """Each polygon on its own: together, what is in two of them would be empty."""
    for each in placed.parts:
        cv2.fillPoly(mask, [corners[each]], 255, cv2.LINE_8, _BITS)
