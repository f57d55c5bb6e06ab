"""Where skins may be, by their edges: those that are too small or too faint to show points.

An overlay stands still.  What it draws adds the same edges to every frame, however faint it is, and
a game's come and go: so the mean over the frames of their gradients, in each made about as long as
in any other, keeps an overlay's lines and loses a game's.  Against that every skin is held at every
size and place, by Fourier transforms, in pictures so small that it is 40 to 80 pixels wide there;
the best places are looked at again at twice the size, and twice that, until a pixel is one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.locating.candidates import Candidate
from nitropilot.dataset.locating.matching import NARROWEST, WIDEST, plausible
from nitropilot.dataset.locating.neutral import place, smaller
from nitropilot.dataset.pad import NEUTRAL
from nitropilot.dataset.pose import Box, Pose, overlap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from nitropilot.dataset.locating.sampling import Shots
    from nitropilot.dataset.locating.skins import Skin

    Plane = NDArray[np.float32]

WIDTH = 640
"""Pictures are searched at most so wide: the narrowest skins are 45 pixels there."""
NARROW = 40
"""Pixels of width from which on a skin is held against a picture; at twice as many it is held
against one of half the size."""
STEP = 1.08
"""From one width to the next: the edges of a skin are then off by 1.6 pixels at most."""
FINER = (-0.06, -0.04, -0.02, 0.0, 0.02, 0.04, 0.06)
"""Widths that are tried around the best one, at twice the size."""
FINEST = (-0.01, 0.0, 0.01)
"""And at twice that again."""
REACH = 3
"""Pixels by which a place may move when the picture is twice as large."""
MARGIN = 8
"""Pixels of nothing around a picture, so that skins may stand out of it a little."""
RIM = 2
"""Pixels around a skin: its outermost edges lie there."""
GREY = 110.0
"""What a skin is drawn over, in levels: games are rather dark."""
SOFT = 4.0
"""Levels a pixel: gradients much smaller than that count by their size, others all the same."""
SILENT = 0.03
"""A mean gradient of that size is nothing."""
PARTS = (4, 3)
"""Parts of a skin, across and down, that are compared each by itself."""
DRAWN = 320
"""Pixels of width to which canvases are made smaller, once."""
APART = 0.3
"""Intersection over union of two places of one skin from which on they are one."""
PLACES = 5
"""For each skin."""
MOST = 40
"""That are looked at again."""
MOST_GIVEN = 6
"""That are held against the picture itself."""
ALIKE = 0.2
"""The cosine from which on a place can be one."""


class _Spot(NamedTuple):
    """A skin at a place of a picture of some size.

    Attributes:
        skin: Its index.
        level: The picture's: halved so many times.
        width: Of the skin, in whole pixels of that picture.
        x: Of its left edge, there.
        y: Of its upper edge.
        alike: Cosine between the skin's gradients and those of the picture.
        merit: How much that is worth: the more, the more edges agree so well.
    """

    skin: int
    level: int
    width: int
    x: float
    y: float
    alike: float
    merit: float


@dataclass(frozen=True, eq=False)
class _Field:
    """The mean gradient at some size of the picture.

    Attributes:
        vectors: ``h x w x 2`` float32, with ``MARGIN`` pixels of nothing around.
        across: Pixels of what is searched for one of these.
        down: The same.
    """

    vectors: Plane
    across: float
    down: float
    _kept: dict[str, NDArray[np.float64]] = field(default_factory=dict)

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


@dataclass(eq=False)
class Outlines:
    """The skins of a library as they are drawn for their edges; each canvas is painted once.

    Args:
        skins: Which.
    """

    skins: Sequence[Skin]
    _canvases: dict[int, Plane] = field(default_factory=dict)
    _drawn: dict[tuple[int, int], Plane] = field(default_factory=dict)

    def drawn(self, index: int, width: int) -> Plane:
        """The gradients of a skin of that width and a rim around it: ``h x w x 2``."""
        if (index, width) not in self._drawn:
            canvas = self._canvas(index)
            high = max(round(canvas.shape[0] * width / canvas.shape[1]), 1)
            way = cv2.INTER_AREA if width < canvas.shape[1] else cv2.INTER_LINEAR
            small = np.asarray(cv2.resize(canvas, (width, high), interpolation=way), np.float32)
            over = np.pad(small[..., 0] + GREY * (1 - small[..., 1]), RIM, constant_values=GREY)
            self._drawn[index, width] = gradients(over)
        return self._drawn[index, width]

    def _canvas(self, index: int) -> Plane:
        """Brightness in levels, alpha multiplied in, and alpha, of what a skin shows."""
        if index not in self._canvases:
            skin = self.skins[index]
            seen = skin.seen
            whole = Painter(skin.template).paint(NEUTRAL)
            part = smaller(
                np.ascontiguousarray(whole[seen.top : seen.bottom, seen.left : seen.right]),
                DRAWN / seen.width,
            )
            light = part[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32)
            self._canvases[index] = np.stack([255 * light, part[..., 3]], axis=-1)
        return self._canvases[index]


@dataclass(eq=False)
class Edges:
    """The edges of some frames.

    Args:
        shots: The frames.
        outlines: What they are compared with.
    """

    shots: Shots
    outlines: Outlines
    _fields: dict[int, _Field] = field(default_factory=dict)

    def candidates(self) -> list[Candidate]:
        """Where skins may be, the likest first."""
        rough = sorted(self._rough(), key=_merit, reverse=True)[:MOST]
        finer = [self._again(spot, FINER) for spot in rough]
        best = sorted(finer, key=_merit, reverse=True)[:MOST_GIVEN]
        found = []
        for spot in best:
            at = spot
            while at.level > 0:
                at = self._again(at, FINEST)
            skin, pose = self.outlines.skins[at.skin], self._pose(at)
            if plausible(pose, skin.seen, *self.shots.size):
                found.append(Candidate(skin, pose, 0, spot.alike))
        return found

    def _rough(self) -> Iterator[_Spot]:
        """The best places of each skin."""
        wide = min(WIDTH, self.shots.size[0])
        for index in range(len(self.outlines.skins)):
            spots = [
                spot
                for level, width in widths(wide)
                if (spot := self._best(index, level, width)) is not None
            ]
            kept: list[_Spot] = []
            for spot in sorted(spots, key=_merit, reverse=True):
                here = self._place(spot)
                if all(overlap(here, self._place(other)) < APART for other in kept):
                    kept.append(spot)
            yield from kept[:PLACES]

    def _best(self, index: int, level: int, width: int) -> _Spot | None:
        """The best place for a skin of some width; none where it does not fit in."""
        seen, drawn = self._field(level), self.outlines.drawn(index, width)
        if any(side < own for side, own in zip(seen.vectors.shape, drawn.shape, strict=True)):
            return None
        _, best, _, (x, y) = cv2.minMaxLoc(seen.everywhere(drawn))
        merit = _worth(drawn, level, best)
        return _Spot(index, level, width, x + RIM - MARGIN, y + RIM - MARGIN, best, merit)

    def _again(self, spot: _Spot, changes: Sequence[float]) -> _Spot:
        """A place looked at again in a picture of twice the size, where there is one."""
        level = spot.level - 1
        by = 2
        if level < 0 and self.shots.size[0] < 2 * WIDTH:
            level, by = spot.level, 1
        seen = self._field(level)
        middle = by * (spot.x + spot.width / 2), by * (spot.y + self._high(spot) / 2)
        best = spot._replace(level=level, alike=-1.0)
        for change in changes:
            width = round(by * spot.width * (1 + change))
            drawn = self.outlines.drawn(spot.skin, width)
            high = drawn.shape[0] - 2 * RIM
            alike, x, y = seen.near(drawn, middle[0] - width / 2, middle[1] - high / 2)
            if alike > best.alike:
                merit = _worth(drawn, level, alike)
                best = _Spot(spot.skin, level, width, x, y, alike, merit)
        return best

    def _high(self, spot: _Spot) -> int:
        return self.outlines.drawn(spot.skin, spot.width).shape[0] - 2 * RIM

    def _place(self, spot: _Spot) -> Box:
        return place(self.outlines.skins[spot.skin].seen, self._pose(spot))

    def _pose(self, spot: _Spot) -> Pose:
        """In pixels of what is searched."""
        seen, at = self.outlines.skins[spot.skin].seen, self._field(spot.level)
        scale = at.across * spot.width / seen.width
        left, top = at.across * spot.x, at.down * spot.y
        return Pose(scale, left - scale * seen.left, top - scale * seen.top)

    def _field(self, level: int) -> _Field:
        if level not in self._fields:
            width, height = self.shots.size
            wide = round(min(WIDTH, width) * 0.5**level)
            size = (wide, max(round(height * wide / width), 1))
            vectors = np.zeros((size[1], size[0], 2), np.float32)
            for shot in self.shots.shots:
                grey = shot.y
                if size != (width, height):
                    grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
                vectors += gradients(np.asarray(grey, np.float32))
            vectors /= len(self.shots.shots)
            # What runs across the whole picture is no controller's: horizons, black bars.
            vectors -= np.median(vectors, axis=1, keepdims=True)
            vectors -= np.median(vectors, axis=0, keepdims=True)
            around = np.pad(vectors, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)))
            self._fields[level] = _Field(around, width / size[0], height / size[1])
        return self._fields[level]


def widths(picture: int) -> Iterator[tuple[int, int]]:
    """At which skins are looked for: how often the picture is halved, and their width there."""
    width = max(NARROWEST * picture, NARROW)
    while width <= WIDEST * picture:
        level = int(np.log2(width / NARROW))
        yield level, round(width * 0.5**level)
        width *= STEP


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


def _transformed(vectors: Plane, size: tuple[int, int]) -> NDArray[np.float64]:
    """The Fourier transform of vectors taken as complex numbers, with nothing around them."""
    whole = np.zeros((*size, 2), np.float32)
    whole[: vectors.shape[0], : vectors.shape[1]] = vectors
    return cv2.dft(whole, nonzeroRows=vectors.shape[0])


def _worth(drawn: Plane, level: int, alike: float) -> float:
    """What a cosine is worth: by how much likelier it makes edges of that length (a corner of a
    panel is very like a smaller panel's)."""
    length = float(np.square(drawn).sum()) * 2.0**level
    return -length * math.log(1 - min(max(alike, 0.0), 0.99) ** 2)


def _merit(spot: _Spot) -> float:
    return spot.merit
