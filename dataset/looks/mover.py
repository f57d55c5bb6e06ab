"""``Mover``: what of a stick moves, drawn once and then moved."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.looks.layers import in_planes, lay, slices
from nitropilot.dataset.looks.look import Knob
from nitropilot.dataset.looks.raster import Raster
from nitropilot.dataset.pad import BUTTONS, SIDES
from nitropilot.dataset.pose import Box
from nitropilot.dataset.skinmaking.shapes import circle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.drawing.planes import Layer
    from nitropilot.dataset.looks.look import Stick
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
        self.stick, self.matrix, self._within = stick, matrix, within
        whole = Raster(matrix, within)
        reach = stick.reach + stick.size * 1.1 + (stick.tail.line if stick.tail else 0)
        self._area = whole.around([circle(*stick.middle, reach)], 1.5).even().within(within)
        looks = [stick.cap, stick.pressed if stick.pressed is not None else stick.cap]
        size = 2 * (int(stick.size * whole.scale * 1.15) + 3)
        turned = np.concatenate([matrix[:, :2], [[size / 2], [size / 2]]], axis=1)
        still = Raster(turned, Box(0, 0, size, size))
        self._sprites = []
        for look in looks:
            sprite = still.empty()
            still.paint(look, sprite)
            self._sprites.append(sprite)

    def draw(self, layer: Layer, states: PadStates, index: int) -> None:
        """Lay it over what is there."""
        if self._area is None:
            return
        stick, area = self.stick, self._area
        side = SIDES.index(stick.side)
        first = max(index - TRAIL, 0) if stick.knob is Knob.TRAIL else index
        way = states.sticks[first : index + 1, 2 * side : 2 * side + 2].astype(np.float64)
        points = np.array(stick.middle) + way * stick.reach
        points = points @ self.matrix[:, :2].T + self.matrix[:, 2] - (area.left, area.top)
        down = bool(states.buttons[index, BUTTONS.index(f"{stick.side}_thumb")])
        sprite = self._sprites[int(down and stick.pressed is not None)]
        narrow = 1 - stick.tilt * np.abs(way[-1])
        centre = sprite.shape[0] / 2
        matrix = np.array([
            [narrow[0], 0, narrow[0] * (0.5 - centre) + points[-1, 0] - 0.5],
            [0, narrow[1], narrow[1] * (0.5 - centre) + points[-1, 1] - 0.5],
        ])  # fmt: skip
        patch = cv2.warpAffine(sprite, matrix, (area.width, area.height), flags=cv2.INTER_LINEAR)
        patch = patch.astype(np.float32, copy=False)
        if stick.tail is not None:
            patch = patch + (1 - patch[..., 3:]) * self._tail(points)
        lay(layer, in_planes(patch), slices(area, self._within))

    def _tail(self, points: NDArray[np.float64]) -> Floats:
        """A line from the middle, or along where the stick has been."""
        tail, area, stick = self.stick.tail, self._area, self.stick
        assert tail is not None
        assert area is not None
        scale = Raster(self.matrix, area).scale
        if stick.knob is Knob.LINE:
            middle = self.matrix[:, :2] @ stick.middle + self.matrix[:, 2]
            points = np.stack([middle - (area.left, area.top), points[-1]])
        fine = np.zeros((area.height * _FINE, area.width * _FINE), np.uint8)
        corners = np.round((points * _FINE - 0.5) * 2**_BITS).astype(int).tolist()
        width = max(1, round(tail.line * scale * _FINE))
        for number, (start, end) in enumerate(pairwise(corners), 1):
            bright = 255 * number // (len(corners) - 1)
            cv2.line(fine, start, end, (bright,), width, cv2.LINE_8, _BITS)
        share = cv2.resize(fine, (area.width, area.height), interpolation=cv2.INTER_AREA)
        colour = np.array([*tail.colour, 1], np.float32) * np.float32(tail.alpha / 255)
        return np.asarray(share.astype(np.float32)[..., None] * colour, np.float32)
