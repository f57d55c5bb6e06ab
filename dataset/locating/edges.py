"""Where skins may be, by their edges: those that are too small or too faint to show points.

An overlay stands still, and a game does not: the mean of the frames' gradients keeps an overlay's
lines and loses a game's.  Against that every skin is held at every size and place, in pictures so
small that it is 34 to 68 pixels wide there; the best places are looked at again at twice the size,
and at twice that, until a pixel is one of what is searched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.locating.candidates import Candidate
from nitropilot.dataset.locating.gradients import MARGIN, RIM, field_of, gradients
from nitropilot.dataset.locating.matching import NARROWEST, WIDEST, plausible
from nitropilot.dataset.locating.neutral import place, smaller
from nitropilot.dataset.pad import NEUTRAL
from nitropilot.dataset.pose import Box, Pose, overlap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from nitropilot.dataset.locating.gradients import Field
    from nitropilot.dataset.locating.sampling import Shots
    from nitropilot.dataset.locating.skins import Skin

    Plane = NDArray[np.float32]

WIDTH = 480
"""Pictures are searched at most so wide: the narrowest skins are 34 pixels there, and edges stand
out as well as at 640."""
NARROW = 34
"""Pixels of width from which on a skin is held against a picture; at twice as many it is held
against one of half the size."""
FULL = 1.2
"""A picture that is larger than ``WIDTH`` by that is looked at as it is, at the end."""
STEP = 1.08
"""From one width to the next: the edges of a skin are then off by 1.3 pixels at most."""
FINER = (-0.06, -0.04, -0.02, 0.0, 0.02, 0.04, 0.06)
"""Widths that are tried around the best one, at twice the size."""
FINEST = (-0.01, 0.0, 0.01)
"""And at twice that again."""
GREY = 110.0
"""What a skin is drawn over, in levels: games are rather dark."""
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
ALIKE = 0.4
"""The cosine from which on a place can be one: right skins reach .44 to .83, games without any .43
and then fail by pixels, skins of another family .36 to .39, and of the same one .57."""


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
    _fields: dict[int, Field] = field(default_factory=dict)

    def candidates(self) -> list[Candidate]:
        """Where skins may be, the likest first."""
        rough = sorted(self._rough(), key=_merit, reverse=True)[:MOST]
        finer = [self._again(spot, FINER) for spot in rough]
        alike = [spot for spot in finer if spot.alike >= ALIKE]
        best = sorted(alike, key=_merit, reverse=True)[:MOST_GIVEN]
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
        finest = -1 if self.shots.size[0] >= FULL * WIDTH else 0
        level = max(spot.level - 1, finest)
        seen = self._field(level)
        by = self._field(spot.level).across / seen.across
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
        return int(self.outlines.drawn(spot.skin, spot.width).shape[0]) - 2 * RIM

    def _place(self, spot: _Spot) -> Box:
        return place(self.outlines.skins[spot.skin].seen, self._pose(spot))

    def _pose(self, spot: _Spot) -> Pose:
        """In pixels of what is searched."""
        seen, at = self.outlines.skins[spot.skin].seen, self._field(spot.level)
        scale = at.across * spot.width / seen.width
        left, top = at.across * spot.x, at.down * spot.y
        return Pose(scale, left - scale * seen.left, top - scale * seen.top)

    def _field(self, level: int) -> Field:
        if level not in self._fields:
            wide = self.shots.size[0]
            width = min(round(min(WIDTH, wide) * 0.5**level), wide)
            self._fields[level] = field_of(self.shots.shots, width)
        return self._fields[level]


def widths(picture: int) -> Iterator[tuple[int, int]]:
    """At which skins are looked for: how often the picture is halved, and their width there."""
    width = max(NARROWEST * picture, NARROW)
    while width <= WIDEST * picture:
        level = int(np.log2(width / NARROW))
        yield level, round(width * 0.5**level)
        width *= STEP


def _worth(drawn: Plane, level: int, alike: float) -> float:
    """What a cosine is worth: by how much likelier it makes edges of that length (a corner of a
    panel is very like a smaller panel's)."""
    length = float(np.square(drawn).sum()) * 2.0**level
    return -length * math.log(1 - min(max(alike, 0.0), 0.99) ** 2)


def _merit(spot: _Spot) -> float:
    return spot.merit
