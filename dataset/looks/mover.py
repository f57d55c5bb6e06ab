"""``Mover``: what of a stick moves, drawn once and then moved."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.looks.forms import circle
from nitropilot.dataset.looks.layers import in_planes, place_of
from nitropilot.dataset.looks.look import Knob
from nitropilot.dataset.looks.raster import Raster
from nitropilot.dataset.pad import BUTTONS, SIDES
from nitropilot.dataset.pose import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.looks.layers import Stack
    from nitropilot.dataset.looks.look import Stick
    from nitropilot.dataset.looks.raster import Ink
    from nitropilot.dataset.pad import PadStates

    Floats = NDArray[np.float32]

TRAIL = 9
"""Frames for which a trail is seen."""
_FINE, _BITS = 4, 4


class Mover:
    """What of a stick moves, drawn beforehand.

    Args:
        stick: Which.
        matrix: From the canvas to the picture.
        within: What of the picture is drawn.
    """

    def __init__(self, stick: Stick, matrix: NDArray[np.float64], within: Box) -> None:
        self.stick = stick
        whole = Raster(matrix, within)
        reach = stick.reach + stick.size * 1.1 + (stick.tail.line if stick.tail else 0)
        self._area = whole.around([circle(*stick.middle, reach)], 1.5).even().within(within)
        self._place = place_of(self._area, within) if self._area is not None else None
        left, top = (self._area.left, self._area.top) if self._area is not None else (0, 0)
        side = SIDES.index(stick.side)
        self._axes, self._thumb = (
            slice(2 * side, 2 * side + 2),
            BUTTONS.index(f"{stick.side}_thumb"),
        )
        self._rest = matrix[:, :2] @ stick.middle + matrix[:, 2] - (left, top)
        self._reach, self._scale = matrix[:, :2] * stick.reach, whole.scale
        self._last: tuple[object, Stack] = None, in_planes(np.zeros((2, 2, 4), np.float32))
        looks = [stick.cap, stick.pressed if stick.pressed is not None else stick.cap]
        size = 2 * (int(stick.size * whole.scale * 1.15) + 3)
        turned = np.concatenate([matrix[:, :2], [[size / 2], [size / 2]]], axis=1)
        still = Raster(turned, Box(0, 0, size, size))
        self._sprites = []
        for look in looks:
            sprite = still.empty()
            still.paint(look, sprite)
            self._sprites.append(sprite)

    def draw(self, stack: Stack, states: PadStates, index: int) -> None:
        """Lay it over what is there."""
        if self._area is None or self._place is None:
            return
        stick = self.stick
        first = max(index - TRAIL, 0) if stick.knob is Knob.TRAIL else index
        way = states.sticks[first : index + 1, self._axes]
        down = stick.pressed is not None and bool(states.buttons[index, self._thumb])
        shows = (way.tobytes(), down)
        if shows != self._last[0]:  # a stick that rests or is held is drawn once
            self._last = shows, in_planes(self._patch(way.astype(np.float64), down, self._area))
        stack.lay(self._last[1], self._place)

    def _patch(self, way: NDArray[np.float64], down: bool, area: Box) -> Floats:
        """What is seen in its area, at the end of a way."""
        points = way @ self._reach.T + self._rest
        sprite = self._sprites[int(down)]
        wide, high = (1 - self.stick.tilt * np.abs(way[-1])).tolist()
        x, y = points[-1].tolist()
        centre = 0.5 - sprite.shape[0] / 2
        matrix = np.array([[wide, 0, wide * centre + x - 0.5], [0, high, high * centre + y - 0.5]])
        patch = cv2.warpAffine(sprite, matrix, (area.width, area.height), flags=cv2.INTER_LINEAR)
        if self.stick.tail is not None:
            patch = patch + (1 - patch[..., 3:]) * self._tail(self.stick.tail, points, area)
        return patch.astype(np.float32, copy=False)

    def _tail(self, tail: Ink, points: NDArray[np.float64], area: Box) -> Floats:
        """A line from the middle, or along where the stick has been."""
        if self.stick.knob is Knob.LINE:
            points = np.stack([self._rest, points[-1]])
        fine = np.zeros((area.height * _FINE, area.width * _FINE), np.uint8)
        corners = np.round((points * _FINE - 0.5) * 2**_BITS).astype(int).tolist()
        width = max(1, round(tail.line * self._scale * _FINE))
        for number, (start, end) in enumerate(pairwise(corners), 1):
            bright = 255 * number // (len(corners) - 1)
            cv2.line(fine, start, end, (bright,), width, cv2.LINE_8, _BITS)
        share = cv2.resize(fine, (area.width, area.height), interpolation=cv2.INTER_AREA)
        colour = np.array([*tail.colour, 1], np.float32) * np.float32(tail.alpha / 255)
        return np.asarray(share.astype(np.float32)[..., None] * colour, np.float32)
