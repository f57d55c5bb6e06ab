"""``Shown``: a made-up controller in a picture, drawn once and then only put together.

Everything is drawn in its place beforehand: what nobody touches, and what each press changes.  A
frame is a sum of these and two sticks, mixed in the planes that a codec has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.looks.forms import rounded
from nitropilot.dataset.looks.layers import in_planes, place_of, slices
from nitropilot.dataset.looks.look import Knob, Pull
from nitropilot.dataset.looks.mover import TRAIL, Mover
from nitropilot.dataset.looks.raster import Raster
from nitropilot.dataset.pad import BUTTONS, PULLED, SIDES
from nitropilot.dataset.pose import Box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from nitropilot.dataset.looks.layers import Place, Stack
    from nitropilot.dataset.looks.look import Pad, Part
    from nitropilot.dataset.pad import PadStates
    from nitropilot.dataset.skinmaking.shapes import Shape

    Floats = NDArray[np.float32]
    Bytes = NDArray[np.uint8]

Planes8 = tuple["Bytes", "Bytes", "Bytes"]
"""A picture as a codec has it, of whole numbers."""
_WAYS = {Pull.UP: (1, -1), Pull.DOWN: (1, 1), Pull.LEFT: (0, -1), Pull.RIGHT: (0, 1)}
"""Along which axis a bar fills, and which way."""


class _Change(NamedTuple):
    """What a press adds to the neutral picture."""

    of: Callable[[list[bool], list[float], bool], float]
    place: Place
    added: Stack
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
        self._raster = whole.part(around)
        drawn = self._raster.empty()
        self._raster.paint(pad.body, drawn)
        for stick in pad.sticks:
            self._raster.paint(stick.well, drawn)
        self._changes = [change for part in pad.parts for change in self._change(part, drawn)]
        self._neutral = in_planes(drawn)
        self._trails = any(stick.knob is Knob.TRAIL for stick in pad.sticks)
        self._last: tuple[object, ...] = ()
        self._mix: list[tuple[Floats, Floats]] = []
        self._knobs = [Mover(stick, matrix, around) for stick in pad.sticks]

    def over(self, picture: Planes8, states: PadStates, index: int, lit: bool = False) -> None:
        """Draw it over a picture, in place.

        Args:
            picture: Its planes, of which the controller is drawn over.
            states: What the pad does; what went before ``index`` leaves trails.
            index: Which of them is shown.
            lit: Whether what no action has is pressed.
        """
        trail = max(index - TRAIL, 0) if self._trails else index
        key = (states.buttons[index].tobytes(), states.triggers[index].tobytes(),
               states.sticks[trail : index + 1].tobytes(), lit)  # fmt: skip
        if key != self._last:  # what rests or is held is put together once
            self._last, self._mix = key, self._mixing(self.layer(states, index, lit))
        box = self.box
        half = (slice(box.top // 2, box.bottom // 2), slice(box.left // 2, box.right // 2))
        full = (slice(box.top, box.bottom), slice(box.left, box.right))
        for plane, (through, colour), at in zip(
            picture, self._mix, (full, half, half), strict=True
        ):
            mixed = plane[at] * through
            mixed += colour
            plane[at] = cv2.convertScaleAbs(mixed)  # rounds, and stays below 256

    def _mixing(self, stack: Stack) -> list[tuple[Floats, Floats]]:
        """By what each plane is multiplied, and what is added to it."""
        seen = np.float32(self.opacity)
        full, half = stack if self.opacity == 1 else (seen * stack.full, seen * stack.half)
        through = 1 - half[2]
        return [(1 - full[1], full[0]), (through, half[0]), (through, half[1])]

    def layer(self, states: PadStates, index: int, lit: bool = False) -> Stack:
        """What is drawn over ``box``."""
        stack = self._neutral.copied()
        down, pulled = states.buttons[index].tolist(), states.triggers[index].tolist()
        for change in self._changes:
            amount = change.of(down, pulled, lit)
            if amount > 0:
                _add(stack, change, amount)
        for knob in self._knobs:
            knob.draw(stack, states, index)
        return stack

    def _change(self, part: Part, drawn: Floats) -> Iterator[_Change]:
        """Draws a part as it is while nobody touches it, and gives what a press adds."""
        whole = self._raster
        inks = (*part.neutral, *part.pressed)
        reach = max((ink.reach for ink in inks), default=0.0)
        area = whole.around([part.place, *(ink.shape for ink in inks)], reach).even()
        box = area.within(self.box)
        if box is None:
            return
        raster, at = whole.part(box), slices(box, self.box)
        pressed = drawn[at].copy()
        raster.paint(part.neutral, drawn[at])
        raster.paint(part.pressed, pressed)
        added = in_planes(pressed - drawn[at])
        shares, length = None, 0.0
        if part.pull in _WAYS:
            axis, way = _WAYS[part.pull]
            shares = self._shares(part.place, box, axis, way)
            length = float(np.ptp([corner[axis] for corner in _corners(part.place)])) * whole.scale
        yield _Change(_amount(part), place_of(box, self.box), added, shares, length)

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


def canvas_of(pad: Pad) -> Shape:
    """All of a pad's canvas."""
    left, top, width, height = pad.canvas
    return rounded(left, top, width, height, 0)


def _amount(part: Part) -> Callable[[list[bool], list[float], bool], float]:
    """How much of its pressed look is seen, from buttons, triggers and what is lit by itself."""
    if not part.name:
        return lambda down, pulled, lit: float(lit)
    if part.pull is None:
        column = BUTTONS.index(part.name)
        return lambda down, pulled, lit: float(down[column])
    side = SIDES.index(part.name.removesuffix("_trigger"))
    if part.pull is Pull.BUTTON:
        return lambda down, pulled, lit: float(pulled[side] > PULLED)
    return lambda down, pulled, lit: pulled[side]


def _add(stack: Stack, change: _Change, amount: float) -> None:
    full: Floats | float = amount
    half: Floats | float = amount
    if change.shares is not None:
        full, half = (
            np.clip((amount - share) * np.float32(length) + 0.5, 0, 1)
            for share, length in zip(change.shares, (change.length, change.length / 2), strict=True)
        )
    for under, added, place, share in (
        (stack.full, change.added.full, change.place.full, full),
        (stack.half, change.added.half, change.place.half, half),
    ):
        part = under[place]
        part += added if change.shares is None and amount == 1 else share * added


def _corners(shape: Shape) -> list[tuple[float, float]]:
    left, top, right, bottom = shape.bounds
    return [(left, top), (right, bottom)]
