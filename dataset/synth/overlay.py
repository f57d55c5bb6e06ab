"""``Overlay``: a template over moving pictures, drawn anew only where something changed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.drawing.canvas import Painter, dpad_look
from nitropilot.dataset.drawing.projection import Projection
from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.pad import NEUTRAL, SIDES
from nitropilot.dataset.pose import Box
from nitropilot.dataset.templates.template import THUMBS, TRIGGER_SHOWN, Element, Kind, Template

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from numpy.typing import NDArray

    from nitropilot.dataset.pad import Moment, PadStates
    from nitropilot.dataset.pose import Pose

    Picture = NDArray[np.uint8]


class _Place(NamedTuple):
    """Where an element can change the picture, and what of the canvas that shows."""

    pixels: Box
    projection: Projection
    part: Box


class Overlay:
    """A controller that stands in one place of a video.

    Args:
        template: How it looks.
        pose: Where it is.
        width: Of the video, in pixels.
        height: The same.
        opacity: How much of it is seen, 0 to 1.
    """

    def __init__(
        self, template: Template, pose: Pose, width: int, height: int, opacity: float = 1.0
    ) -> None:
        self.template, self.pose, self.opacity = template, pose, opacity
        self.box = pose.box(template.width, template.height).inside(width, height)
        self._painter = Painter(template)
        # What does not change in a stretch of frames is known by its place among the elements.
        self._places = [self._place(element) for element in template.elements]
        self._shown: list[Hashable] = [shown(element, NEUTRAL) for element in template.elements]
        self._layer = np.zeros((self.box.height, self.box.width, 4), np.float32)
        if self.box.width > 0 and self.box.height > 0:
            self._draw(NEUTRAL, self._of(self.box))

    def layer(self, moment: Moment) -> NDArray[np.float32]:
        """``box`` in a state: ``h x w x 4`` of 0 to 1, alpha multiplied in; not to be changed."""
        for index, element in enumerate(self.template.elements):
            shows, place = shown(element, moment), self._places[index]
            if shows != self._shown[index] and place is not None:
                self._draw(moment, place)
            self._shown[index] = shows
        return self._layer

    def over(self, picture: Picture, moment: Moment) -> None:
        """Draw it over a picture ``h x w x 3``, in place."""
        layer = self.layer(moment)
        box = self.box
        under = picture[box.top : box.bottom, box.left : box.right]
        mixed = under * (1 - self.opacity * layer[..., 3:])
        mixed += layer[..., :3] * np.float32(255 * self.opacity)
        under[:] = np.rint(mixed).astype(np.uint8)

    def _draw(self, moment: Moment, place: _Place) -> None:
        canvas = self._painter.paint(moment, place.part)
        drawn = place.projection.project(canvas, place.part)
        left, top, right, bottom = place.pixels
        self._layer[
            top - self.box.top : bottom - self.box.top, left - self.box.left : right - self.box.left
        ] = drawn

    def _place(self, element: Element) -> _Place | None:
        """None where it changes nothing that is seen."""
        if element.kind is Kind.PICTURE:
            return None
        width, height = element.size
        reach = math.ceil(element.radius) + 2
        matrix = self.pose.matrix()
        corners = np.array(
            [[x, y, 1] for x in (element.x - reach, element.x + width + reach)
             for y in (element.y - reach, element.y + height + reach)]
        ) @ matrix.T  # fmt: skip
        low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
        at = Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
        pixels = Box(
            max(at.left, self.box.left), max(at.top, self.box.top),
            min(at.right, self.box.right), min(at.bottom, self.box.bottom),
        )  # fmt: skip
        return self._of(pixels) if pixels.width > 0 and pixels.height > 0 else None

    def _of(self, pixels: Box) -> _Place:
        projection = Projection(self.pose, pixels)
        part = projection.seen().inside(self.template.width, self.template.height)
        return _Place(pixels, projection, part)


def shown(element: Element, moment: Moment) -> Hashable:
    """What an element shows of a state: equal for states in which it looks the same."""
    if element.kind is Kind.BUTTON:
        return element.name in moment.buttons
    if element.kind is Kind.DPAD:
        return dpad_look(moment.buttons)
    if element.kind is Kind.STICK:
        side = SIDES.index(element.name)
        pressed = len(element.looks) > 1 and THUMBS[element.name] in moment.buttons
        return (*moment.sticks[2 * side : 2 * side + 2], pressed)
    if element.kind is Kind.TRIGGER:
        pulled = moment.triggers[SIDES.index(element.name)]
        return pulled if element.fill is not None else pulled >= TRIGGER_SHOWN
    return None


def overlaid(
    pictures: Iterable[Picture],
    template: Template,
    pose: Pose,
    states: PadStates,
    opacity: float = 1.0,
) -> Iterator[Picture]:
    """Pictures with a controller drawn over each, one for each state.

    Args:
        pictures: ``h x w x 3`` each, of red, green and blue, as many at least; drawn into.
        template: How the controller looks.
        pose: Where it is.
        states: What it shows.
        opacity: How much of it is seen, 0 to 1.

    Raises:
        NotExtracted: There are fewer pictures than states.
    """
    overlay: Overlay | None = None
    rest = iter(pictures)
    for index in range(len(states)):
        picture = next(rest, None)
        if picture is None:
            raise NotExtracted(f"there are {index} pictures for {len(states)} states of the pad")
        if overlay is None:
            height, width = picture.shape[:2]
            overlay = Overlay(template, pose, width, height, opacity)
        overlay.over(picture, states.moment(index))
        yield picture
