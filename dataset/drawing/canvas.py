"""``Painter``: a template in any state, on its own canvas.

Pictures are ``h x w x 4`` float32 from 0 to 1 with alpha multiplied in, so that laying one over
another is a sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.pad import SIDES
from nitropilot.dataset.pose import Box
from nitropilot.dataset.templates.template import (
    DPAD_LOOKS,
    THUMBS,
    TRIGGER_SHOWN,
    Element,
    Fill,
    Kind,
    Template,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.pad import Moment

    Picture = NDArray[np.float32]

_DPAD = frozenset[str]().union(*DPAD_LOOKS)
_OPPOSITE = (frozenset({"dpad_left", "dpad_right"}), frozenset({"dpad_up", "dpad_down"}))


class Sprite(NamedTuple):
    """A picture and where its upper left corner is on the canvas."""

    picture: Picture
    x: float
    y: float


@dataclass(frozen=True, eq=False)
class Painter:
    """Draws one template.

    Args:
        template: Which.
    """

    template: Template

    def __post_init__(self) -> None:
        looks = {
            id(look): _multiplied(look)
            for element in self.template.elements
            for look in element.looks
        }
        object.__setattr__(self, "_looks", looks)

    def paint(self, moment: Moment, box: Box | None = None) -> Picture:
        """The canvas in a state, or a part of it.

        Args:
            moment: The state.
            box: The part, which may reach out of the canvas; None for all.
        """
        box = box or Box(0, 0, self.template.width, self.template.height)
        canvas = np.zeros((box.height, box.width, 4), np.float32)
        for element in self.template.elements:
            for sprite in self.sprites(element, moment):
                _lay(canvas, sprite, box)
        return canvas

    def sprites(self, element: Element, moment: Moment) -> list[Sprite]:
        """What an element shows in a state, in the order in which it is drawn."""
        looks: dict[int, Picture] = self.__dict__["_looks"]
        pictures = [looks[id(look)] for look in element.looks]
        if element.kind is Kind.STICK:
            return [_stick(element, pictures, moment)]
        if element.kind is Kind.TRIGGER:
            return _trigger(element, pictures, moment)
        shown = 0
        if element.kind is Kind.BUTTON:
            shown = int(element.name in moment.buttons)
        elif element.kind is Kind.DPAD:
            shown = dpad_look(moment.buttons)
        return [Sprite(pictures[shown], element.x, element.y)]


def dpad_look(buttons: frozenset[str]) -> int:
    """Which of the nine looks a d-pad of one piece has; of opposite ones up and right win."""
    down = buttons & _DPAD
    for pair, wins in zip(_OPPOSITE, ("dpad_right", "dpad_up"), strict=True):
        if pair <= down:
            down = down - pair | {wins}
    return DPAD_LOOKS.index(down)


def _stick(element: Element, pictures: list[Picture], moment: Moment) -> Sprite:
    side = SIDES.index(element.name)
    x, y = moment.sticks[2 * side : 2 * side + 2]
    pressed = len(pictures) > 1 and THUMBS[element.name] in moment.buttons
    return Sprite(
        pictures[int(pressed)], element.x + x * element.radius, element.y + y * element.radius
    )


def _trigger(element: Element, pictures: list[Picture], moment: Moment) -> list[Sprite]:
    pulled = moment.triggers[SIDES.index(element.name)]
    if element.fill is None:
        return [Sprite(pictures[int(pulled >= TRIGGER_SHOWN)], element.x, element.y)]
    released, pressed = pictures
    height, width = pressed.shape[:2]
    upright = element.fill in (Fill.UP, Fill.DOWN)
    length = int((height if upright else width) * pulled)
    x, y = element.x, element.y
    if element.fill is Fill.UP:
        part, y = pressed[height - length :], y + height - length
    elif element.fill is Fill.DOWN:
        part = pressed[:length]
    elif element.fill is Fill.LEFT:
        part, x = pressed[:, width - length :], x + width - length
    else:
        part = pressed[:, :length]
    shown = [Sprite(released, element.x, element.y)]
    return [*shown, Sprite(part, x, y)] if length else shown


def _multiplied(look: NDArray[np.uint8]) -> Picture:
    picture = look.astype(np.float32) / 255
    picture[..., :3] *= picture[..., 3:]
    return np.asarray(picture, np.float32)


def _lay(canvas: Picture, sprite: Sprite, box: Box) -> None:
    """Draw a sprite over what is there; between pixels as a graphics card does."""
    picture, x, y = sprite
    left, top = int(np.floor(x)), int(np.floor(y))
    if (x, y) != (left, top):
        picture = _shifted(picture, x - left, y - top)
    height, width = picture.shape[:2]
    at = Box(left, top, left + width, top + height)
    cut = Box(
        max(at.left, box.left), max(at.top, box.top),
        min(at.right, box.right), min(at.bottom, box.bottom),
    )  # fmt: skip
    if cut.width <= 0 or cut.height <= 0:
        return
    part = picture[cut.top - top : cut.bottom - top, cut.left - left : cut.right - left]
    under = canvas[
        cut.top - box.top : cut.bottom - box.top, cut.left - box.left : cut.right - box.left
    ]
    under *= 1 - part[..., 3:]
    under += part


def _shifted(picture: Picture, x: float, y: float) -> Picture:
    """Moved right and down by less than a pixel, one pixel larger."""
    height, width = picture.shape[:2]
    moved = cv2.warpAffine(
        picture,
        np.array([[1, 0, x], [0, 1, y]], np.float64),
        (width + 1, height + 1),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )
    return np.asarray(moved, np.float32)
