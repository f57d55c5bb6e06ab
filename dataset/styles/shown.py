"""``Shown``: a made-up controller in a picture, drawn once and then only put together.

Everything is drawn in its place beforehand: what nobody touches, and what each press changes.  A
frame is a sum of these and two sticks, mixed in the planes that a codec has.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.drawing.planes import Colours, Layer, Planes
from nitropilot.dataset.pad import BUTTONS, PULLED, SIDES
from nitropilot.dataset.pose import Box
from nitropilot.dataset.skinmaking.shapes import Shape, circle
from nitropilot.dataset.styles.look import Knob, Pull
from nitropilot.dataset.styles.raster import Raster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nitropilot.dataset.pad import PadStates
    from nitropilot.dataset.styles.look import Pad, Part, Stick

    Floats = NDArray[np.float32]
    Bytes = NDArray[np.uint8]

COLOURS = Colours("bt601")
TRAIL = 9
"""Frames for which a trail is seen."""
_FINE, _BITS = 4, 4
_WAYS = {Pull.UP: (1, -1), Pull.DOWN: (1, 1), Pull.LEFT: (0, -1), Pull.RIGHT: (0, 1)}
"""Along which axis a bar fills, and which way."""


def _to_planes() -> NDArray[np.float64]:
    """``4 x 4``: from red, green, blue with alpha multiplied in, and alpha, to y, u, v, alpha."""
    rows, offset = COLOURS.matrix_and_offset()
    return np.block([[rows, offset[:, None]], [np.zeros((1, 3)), np.ones((1, 1))]])


_TO_PLANES = _to_planes()


class _Change(NamedTuple):
    """What a press adds to the neutral picture."""

    part: Part
    area: Box
    layer: Layer
    shares: tuple[Floats, Floats] | None
    length: float


class Shown:
    """A controller somewhere in a picture.

    Args:
        pad: Which.
        matrix: ``2 x 3``: from its canvas to the picture.
        width: Of the picture, even.
        height: The same.
        opacity: How much of it is seen, 0 to 1.
    """

    def __init__(
        self, pad: Pad, matrix: NDArray[np.float64], width: int, height: int, opacity: float = 1.0
    ) -> None:
        self.pad, self.matrix, self.opacity = pad, matrix, opacity
        whole = Raster(matrix, Box(0, 0, width, height))
        around = whole.around([canvas_of(pad)], 12).even().within(whole.box)
        if around is None:
            raise ValueError("the controller is not in the picture")
        self.box = around
        drawn = Raster(matrix, around).empty()
        Raster(matrix, around).paint(pad.body, drawn)
        for stick in pad.sticks:
            Raster(matrix, around).paint(stick.well, drawn)
        self._changes = [change for part in pad.parts for change in self._change(part, drawn)]
        self._neutral = _layer(drawn)
        self._knobs = [_Knob(stick, matrix, around) for stick in pad.sticks]

    def over(self, picture: Planes8, states: PadStates, index: int, lit: bool = False) -> None:
        """Draw it over a picture, in place.

        Args:
            picture: Its planes, of which the controller is drawn over.
            states: What the pad does; what went before ``index`` leaves trails.
            index: Which of them is shown.
            lit: Whether what no action has is pressed.
        """
        layer = self.layer(states, index, lit)
        box, seen = self.box, np.float32(self.opacity)
        half = (slice(box.top // 2, box.bottom // 2), slice(box.left // 2, box.right // 2))
        full = (slice(box.top, box.bottom), slice(box.left, box.right))
        alphas = (layer.alpha, layer.chroma_alpha, layer.chroma_alpha)
        for plane, colour, alpha, at in zip(
            picture, layer.colour, alphas, (full, half, half), strict=True
        ):
            under = plane[at]
            mixed = under * (1 - seen * alpha)
            mixed += seen * colour
            np.clip(mixed + 0.5, 0, 255, out=mixed)
            under[:] = mixed

    def layer(self, states: PadStates, index: int, lit: bool = False) -> Layer:
        """What is drawn over ``box``."""
        layer = _copy(self._neutral)
        for change in self._changes:
            amount = _amount(change.part, states, index, lit)
            if amount > 0:
                _add(layer, change, amount, self.box)
        for knob in self._knobs:
            knob.draw(layer, states, index)
        return layer

    def _change(self, part: Part, drawn: Floats) -> Iterator[_Change]:
        """Draws a part as it is while nobody touches it, and gives what a press adds."""
        whole = Raster(self.matrix, self.box)
        inks = (*part.neutral, *part.pressed)
        reach = max((ink.reach for ink in inks), default=0.0)
        area = whole.around([part.place, *(ink.shape for ink in inks)], reach).even()
        box = area.within(self.box)
        if box is None:
            return
        raster, at = Raster(self.matrix, box), _slices(box, self.box)
        pressed = drawn[at].copy()
        raster.paint(part.neutral, drawn[at])
        raster.paint(part.pressed, pressed)
        added = _layer(pressed - drawn[at])
        shares, length = None, 0.0
        if part.pull in _WAYS:
            axis, way = _WAYS[part.pull]
            shares = self._shares(part.place, box, axis, way)
            length = float(np.ptp([b[axis == 1] for b in _corners(part.place)])) * whole.scale
        yield _Change(part, box, added, shares, length)

    def _shares(self, place: Shape, box: Box, axis: int, way: int) -> tuple[Floats, Floats]:
        """How far along a bar each pixel is: 0 where it begins to fill, 1 at its other end."""
        ends = [corner[axis] for corner in _corners(place)]
        first, last = (min(ends), max(ends)) if way > 0 else (max(ends), min(ends))
        inverse = cv2.invertAffineTransform(self.matrix)
        found = []
        for step in (1, 2):
            y, x = np.mgrid[box.top : box.bottom : step, box.left : box.right : step] + step / 2
            along = inverse[axis, 0] * x + inverse[axis, 1] * y + inverse[axis, 2]
            found.append(((along - first) / (last - first)).astype(np.float32))
        return found[0], found[1]


Planes8 = tuple["Bytes", "Bytes", "Bytes"]
"""A picture as a codec has it, of whole numbers."""


class _Knob:
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
        _lay(layer, _layer(patch), _slices(area, self._within))

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


def canvas_of(pad: Pad) -> Shape:
    """All of a pad's canvas."""
    return Shape((np.array([[0, 0], [pad.width, 0], [pad.width, pad.height], [0, pad.height]]),))


def _amount(part: Part, states: PadStates, index: int, lit: bool) -> float:
    """How much of its pressed look is seen."""
    if not part.name:
        return float(lit)
    if part.pull is None:
        return float(states.buttons[index, BUTTONS.index(part.name)])
    pulled = float(states.triggers[index, SIDES.index(part.name.removesuffix("_trigger"))])
    return float(pulled > PULLED) if part.pull is Pull.BUTTON else pulled


def _add(layer: Layer, change: _Change, amount: float, box: Box) -> None:
    full, half = _slices(change.area, box)[0:2], _halved(_slices(change.area, box))
    added = change.layer
    shares: tuple[Floats | float, Floats | float] = (amount, amount)
    if change.shares is not None:
        lengths = (change.length, change.length / 2)
        shares = (
            np.clip((amount - change.shares[0]) * np.float32(lengths[0]) + 0.5, 0, 1),
            np.clip((amount - change.shares[1]) * np.float32(lengths[1]) + 0.5, 0, 1),
        )
    layer.colour.y[full] += shares[0] * added.colour.y
    layer.alpha[full] += shares[0] * added.alpha
    layer.colour.u[half] += shares[1] * added.colour.u
    layer.colour.v[half] += shares[1] * added.colour.v
    layer.chroma_alpha[half] += shares[1] * added.chroma_alpha


def _lay(layer: Layer, patch: Layer, full: tuple[slice, slice]) -> None:
    half = _halved(full)
    for plane, over, at in (
        (layer.colour.y, patch.colour.y, full), (layer.alpha, patch.alpha, full),
        (layer.colour.u, patch.colour.u, half), (layer.colour.v, patch.colour.v, half),
        (layer.chroma_alpha, patch.chroma_alpha, half),
    ):  # fmt: skip
        alpha = patch.alpha if at is full else patch.chroma_alpha
        under = plane[at]
        under *= 1 - alpha
        under += over


def _layer(patch: Floats) -> Layer:
    """As ``layer_of``, for many small patches: one product for all four channels."""
    height, width = patch.shape[:2]
    y, u, v, alpha = cv2.split(cv2.transform(patch, _TO_PLANES))
    half = (width // 2, height // 2)
    small = [cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (u, v, alpha)]
    colour = Planes(*(np.asarray(plane, np.float32) for plane in (y, *small[:2])))
    return Layer(colour, np.asarray(alpha, np.float32), np.asarray(small[2], np.float32))


def _copy(layer: Layer) -> Layer:
    colour = Planes(*(plane.copy() for plane in layer.colour))
    return Layer(colour, layer.alpha.copy(), layer.chroma_alpha.copy())


def _slices(part: Box, whole: Box) -> tuple[slice, slice]:
    return (
        slice(part.top - whole.top, part.bottom - whole.top),
        slice(part.left - whole.left, part.right - whole.left),
    )


def _halved(at: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = at
    return slice(rows.start // 2, rows.stop // 2), slice(columns.start // 2, columns.stop // 2)


def _corners(shape: Shape) -> list[tuple[float, float]]:
    left, top, right, bottom = shape.bounds
    return [(left, top), (right, bottom)]
