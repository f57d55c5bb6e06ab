"""``Neutral``: a skin with nothing pressed, as it stands in a picture.

Its canvas is made smaller once, to some pixels for each one of the picture: what is drawn from it
differs from the canvas's own by less than video codecs do, and is drawn tens of times as fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.drawing.planes import Layer, Planes, layer_of
from nitropilot.dataset.drawing.projection import UPRIGHT, Projection
from nitropilot.dataset.pad import NEUTRAL
from nitropilot.dataset.pose import Box, Pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.drawing.planes import Colours
    from nitropilot.dataset.templates.template import Template

    Plane = NDArray[np.float32]

FINER = 2.5
"""Pixels of the canvas for each one of the picture."""
SHOWS = 0.02
"""Less alpha than this is nothing."""
NEAR, FAR = 4.0, 24.0
"""How far, in pixels, what is around a skin is taken for what lies behind it, and where there is
nothing so near."""
FAINT = 1e-3


@dataclass(frozen=True, eq=False)
class Neutral:
    """A skin with nothing pressed.

    Attributes:
        template: Which.
        picture: Its canvas, ``h x w x 4`` float32, alpha multiplied in, made smaller or as it is.
        seen: The part of the whole canvas that shows anything.
    """

    template: Template
    picture: Plane
    seen: Box

    def layer(self, pose: Pose, box: Box, colours: Colours) -> Layer:
        """It at a pose, in a box of even sides that begins at even pixels."""
        height, width = self.picture.shape[:2]
        across, down = self.template.width / width, self.template.height / height
        stretch = pose.stretch * down / across
        nearer = Pose(pose.scale * across, pose.x, pose.y, pose.angle, stretch)
        projection, whole = Projection(nearer, box), Box(0, 0, width, height)
        if abs(pose.angle) >= UPRIGHT:
            return layer_of(projection.project(self.picture, whole), colours)
        return self._upright(projection.overlaps(whole), colours)

    def _upright(self, overlaps: tuple[Plane, Plane], colours: Colours) -> Layer:
        """As ``layer_of`` has it, but colours are changed once, and halved before the products."""
        across, down = overlaps
        y, u, v, alpha = self._in_colours(colours)
        half_across, half_down = (
            np.asarray(0.5 * (each[::2] + each[1::2]), np.float32) for each in (across, down)
        )
        bright, shown = (np.asarray(down @ plane @ across.T, np.float32) for plane in (y, alpha))
        blue, red, chroma = (
            np.asarray(half_down @ plane @ half_across.T, np.float32) for plane in (u, v, alpha)
        )
        return Layer(Planes(bright, blue, red), shown, chroma)

    def _in_colours(self, colours: Colours) -> tuple[Plane, Plane, Plane, Plane]:
        """Its canvas as planes of whole size; kept, since they are the same for every pose."""
        kept: dict[Colours, tuple[Plane, Plane, Plane, Plane]]
        kept = self.__dict__.setdefault("_planes", {})
        if colours not in kept:
            rows, offset = colours.matrix_and_offset()
            alpha = self.picture[..., 3]
            seen = self.picture[..., :3] @ rows.T.astype(np.float32)
            seen += alpha[..., None] * offset.astype(np.float32)
            y, u, v = (np.ascontiguousarray(seen[..., index]) for index in range(3))
            kept[colours] = y, u, v, np.ascontiguousarray(alpha)
        return kept[colours]

    def place(self, pose: Pose) -> Box:
        """The pixels in which it shows anything."""
        return place(self.seen, pose)


def place(part: Box, pose: Pose) -> Box:
    """The pixels that a part of a canvas touches."""
    x, y = pose.matrix() @ (part.left, part.top, 1.0)
    moved = Pose(pose.scale, float(x), float(y), pose.angle, pose.stretch)
    return moved.box(part.width, part.height)


def neutral(template: Template, scale: float) -> Neutral:
    """A skin for poses of about a scale."""
    whole = Painter(template).paint(NEUTRAL)
    return Neutral(template, smaller(whole, FINER * scale), seen(whole))


def smaller(picture: Plane, factor: float) -> Plane:
    """A picture with about ``factor`` times as many pixels in a row; never with more."""
    if factor >= 1:
        return picture
    height, width = picture.shape[:2]
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def seen(picture: Plane) -> Box:
    """The part of a picture that shows anything; all of it where nothing does."""
    shows = picture[..., 3] > SHOWS
    rows, columns = np.flatnonzero(shows.any(axis=1)), np.flatnonzero(shows.any(axis=0))
    if not len(rows):
        return Box(0, 0, picture.shape[1], picture.shape[0])
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def even(box: Box, width: int, height: int) -> Box:
    """The box in a picture of that size, made larger to even pixels, or smaller at its end."""
    inside = box.inside(width // 2 * 2, height // 2 * 2)
    left, top = inside.left // 2 * 2, inside.top // 2 * 2
    return Box(left, top, -(-inside.right // 2) * 2, -(-inside.bottom // 2) * 2)


class Ground(NamedTuple):
    """Where a skin is empty, so that a picture's own pixels are seen.

    Attributes:
        free: ``h x w`` float32, 1 where it is and else 0.
        chroma_free: The same for the planes of colour.
    """

    free: Plane
    chroma_free: Plane

    def behind_y(self, y: Plane) -> Plane:
        """``behind``, of brightness alone."""
        return _spread(y, self.free, 1.0)

    def behind(self, picture: Planes) -> Planes:
        """What may lie behind the skin: its surroundings, blurred into it."""
        return Planes(
            self.behind_y(picture.y),
            _spread(picture.u, self.chroma_free, 0.5),
            _spread(picture.v, self.chroma_free, 0.5),
        )


def ground(layer: Layer, margin: int = 2) -> Ground:
    """The pixels of a layer that are free, and further than ``margin`` from those that are not."""
    kernel = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    small = np.ones((margin + 1 | 1, margin + 1 | 1), np.uint8)
    return Ground(
        np.asarray(cv2.erode((layer.alpha <= SHOWS).astype(np.float32), kernel), np.float32),
        np.asarray(cv2.erode((layer.chroma_alpha <= SHOWS).astype(np.float32), small), np.float32),
    )


def _spread(plane: Plane, free: Plane, size: float) -> Plane:
    """A normalised blur: the near surroundings, where there are none the far, else the mean."""
    plane = np.asarray(plane, np.float32)
    if not free.any():
        return np.full_like(plane, plane.mean())
    weights = np.full_like(plane, FAINT**2)
    sums = weights * float(plane[free > 0].mean())
    for reach, share in ((NEAR, 1.0), (FAR, FAINT)):
        sums += share * cv2.GaussianBlur(plane * free, (0, 0), reach * size)
        weights += share * cv2.GaussianBlur(free, (0, 0), reach * size)
    return np.asarray(sums / weights, np.float32)
