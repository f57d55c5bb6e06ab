"""``Sight``: how a template in any state looks in one video, and what of it tells states apart."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.drawing.planes import Colours, Layer, layer_of
from nitropilot.dataset.drawing.projection import Projection
from nitropilot.dataset.pose import Box, Pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.pad import Moment
    from nitropilot.dataset.reading.parts import Part
    from nitropilot.dataset.templates.template import Template

MARGIN = 6
"""Pixels around what changes that are looked at: a codec smears that far."""
SEEN = 2.0
"""Levels of 255 by which a pixel must differ between two states to count as changing."""
AROUND = 4
"""Pixels around changing ones that count, for the same reason."""
NEAR = np.ones((2 * AROUND + 1, 2 * AROUND + 1), np.uint8)
NEAR_CHROMA = np.ones((AROUND + 1, AROUND + 1), np.uint8)


class Area(NamedTuple):
    """Where in a picture a part is looked at.

    Attributes:
        box: From an even pixel on, of even sides.
        light: ``h x w`` bool: which pixels of ``y`` count.
        chroma: ``h / 2 x w / 2`` bool: the same of ``u`` and ``v``.
    """

    box: Box
    light: NDArray[np.bool_]
    chroma: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Sight:
    """A template where it is in a video.

    Attributes:
        template: Which.
        pose: Where.
        colours: How the video writes colours.
        opacity: With which it is drawn.
        size: Width and height of the picture.
    """

    template: Template
    pose: Pose
    colours: Colours
    opacity: float
    size: tuple[int, int]

    @functools.cached_property
    def box(self) -> Box:
        """The whole canvas and a margin, as far as the picture reaches."""
        return self._even(self.pose.box(self.template.width, self.template.height).wider(MARGIN))

    @functools.cached_property
    def _painter(self) -> Painter:
        return Painter(self.template)

    def layer(self, moment: Moment, box: Box) -> Layer:
        """What is drawn over a part of the picture in a state.

        Args:
            moment: The state.
            box: From an even pixel on, of even sides.
        """
        projection = Projection(self.pose, box)
        seen = projection.seen()
        canvas = self._painter.paint(moment, seen)
        return layer_of(projection.project(canvas, seen), self.colours)

    def where(self, part: Part) -> Box:
        """The pixels in which a part's states may differ, and a margin, as far as ``box`` goes."""
        corners: list[Box] = []
        for number in part.elements:
            element = self.template.elements[number]
            width, height = element.size
            reach = element.radius * 1.3
            left, top = element.x - reach, element.y - reach
            at = Pose(1.0, left, top).matrix()
            whole = self.pose.matrix()
            moved = whole[:, :2] @ at[:, 2] + whole[:, 2]
            pose = Pose(self.pose.scale, moved[0], moved[1], self.pose.angle, self.pose.stretch)
            corners.append(pose.box(width + 2 * reach, height + 2 * reach))
        box = Box(
            min(c.left for c in corners), min(c.top for c in corners),
            max(c.right for c in corners), max(c.bottom for c in corners),
        )  # fmt: skip
        box, limit = self._even(box.wider(MARGIN)), self.box
        return Box(
            max(box.left, limit.left), max(box.top, limit.top),
            min(box.right, limit.right), min(box.bottom, limit.bottom),
        )  # fmt: skip

    def _even(self, box: Box) -> Box:
        """Of even sides from an even pixel on, in the picture."""
        width, height = (side - side % 2 for side in self.size)
        box = Box(
            box.left - box.left % 2, box.top - box.top % 2,
            box.right + box.right % 2, box.bottom + box.bottom % 2,
        )  # fmt: skip
        return box.inside(width, height)


def changing(layers: list[Layer], opacity: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pixels of ``y`` and of the colours are not the same in all states.

    Args:
        layers: A part's states, the released one first.
        opacity: With which they are drawn.
    """
    first = layers[0]
    light = np.zeros(first.alpha.shape, bool)
    chroma = np.zeros(first.chroma_alpha.shape, bool)
    for layer in layers[1:]:
        light |= _differs(layer.colour.y, layer.alpha, first.colour.y, first.alpha, opacity)
        for one, other in zip(layer.colour[1:], first.colour[1:], strict=True):
            chroma |= _differs(one, layer.chroma_alpha, other, first.chroma_alpha, opacity)
    return light, chroma


def _differs(
    one: NDArray[np.float32],
    one_alpha: NDArray[np.float32],
    other: NDArray[np.float32],
    other_alpha: NDArray[np.float32],
    opacity: float,
) -> NDArray[np.bool_]:
    """Over grey, so that what is clear in both is the same."""
    by = opacity * np.abs((one - 128 * one_alpha) - (other - 128 * other_alpha))
    found: NDArray[np.bool_] = (by > SEEN) | (opacity * np.abs(one_alpha - other_alpha) > 0.03)
    return found


def areas(
    boxes: list[Box], changes: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]], whole: Box
) -> list[Area]:
    """What of each part's box counts: what changes and its surroundings, but none of another's.

    Where nothing would be left, what the others change counts too.

    Args:
        boxes: Of each part.
        changes: ``changing`` of each.
        whole: Holds them all.
    """
    count = np.zeros((whole.height, whole.width), np.int16)
    count_chroma = np.zeros((whole.height // 2, whole.width // 2), np.int16)
    for box, (light, chroma) in zip(boxes, changes, strict=True):
        count[_cut(box, whole)] += light
        count_chroma[_cut(box, whole, 2)] += chroma
    found = []
    for box, (light, chroma) in zip(boxes, changes, strict=True):
        others = count[_cut(box, whole)] - light > 0
        others_chroma = count_chroma[_cut(box, whole, 2)] - chroma > 0
        near = cv2.dilate(light.astype(np.uint8), NEAR).astype(bool)
        near_chroma = cv2.dilate(chroma.astype(np.uint8), NEAR_CHROMA).astype(bool)
        alone = bool((light & ~others).sum() >= 0.15 * light.sum())
        if alone:
            near, near_chroma = near & ~others, near_chroma & ~others_chroma
        found.append(Area(box, near, near_chroma))
    return found


def _cut(box: Box, whole: Box, smaller: int = 1) -> tuple[slice, slice]:
    return (
        slice((box.top - whole.top) // smaller, (box.bottom - whole.top) // smaller),
        slice((box.left - whole.left) // smaller, (box.right - whole.left) // smaller),
    )
