"""A stick's cap, found in pictures in which it is moved.

Between the neutral picture and one with the cap fully to one side, all that changes lies where the
cap was or is: a box as long as the cap and its way together.  The way is the shift by which one
picture's part of that box looks most like the other's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.pose import Box
from nitropilot.dataset.templates.changes import LEVELS, as_drawn, box_of, changed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

SMALLEST = 3
"""Of a cap, in pixels."""
ALIKE = 1.0
"""Levels by which a shift may be worse than the best one and still be as good."""


class Move(NamedTuple):
    """A picture with the stick fully to one side.

    Attributes:
        axis: 0 for x, 1 for y.
        sign: 1 for right or down, -1 for left or up.
        picture: The whole of it, RGBA.
    """

    axis: int
    sign: int
    picture: Picture


@dataclass(frozen=True, eq=False)
class Cap:
    """What moves.

    Attributes:
        box: Where it rests.
        radius: How far it goes, in pixels.
        look: ``h x w x 4`` RGBA of the box; clear where it is not.
        under: ``h x w x 4`` RGBA of the box as it is without the cap.
    """

    box: Box
    radius: int
    look: Picture
    under: Picture


def find_cap(neutral: Picture, moves: Sequence[Move]) -> Cap | None:
    """The cap of a stick; None where the pictures show none that moves.

    Args:
        neutral: RGBA, with the stick at rest.
        moves: At least one; with more of them more of what is below the cap is known.
    """
    found = [each for each in (_way(neutral, move) for move in moves) if each is not None]
    if not found:
        return None
    radius = round(float(np.median([way for _, way in found])))
    rest = np.median([box for box, _ in found], axis=0).round().astype(int).tolist()
    box = Box(*rest)
    if min(box.width, box.height) < SMALLEST:
        return None
    cap = _cap(neutral, moves, box, radius)
    look = _cut(neutral, box).copy()
    look[~cap] = 0
    return Cap(box, radius, look, _under(neutral, moves, box, radius, cap))


def _way(neutral: Picture, move: Move) -> tuple[Box, int] | None:
    """Where the cap rests, and how far it goes, by one picture."""
    mask = changed(neutral, move.picture)
    if not mask.any():
        return None
    box = box_of(mask)
    before, after = (_along(as_drawn(_cut(each, box)), move) for each in (neutral, move.picture))
    length = before.shape[1]
    errors = [
        float(np.abs(before[:, : length - way] - after[:, way:]).mean())
        for way in range(1, length - SMALLEST + 1)
    ]
    if not errors:
        return None
    way = 1 + next(way for way, error in enumerate(errors) if error <= min(errors) + ALIKE)
    left, top, right, bottom = box
    if move.axis == 0:
        rest = Box(left, top, right - way, bottom) if move.sign > 0 else \
            Box(left + way, top, right, bottom)  # fmt: skip
    else:
        rest = Box(left, top, right, bottom - way) if move.sign > 0 else \
            Box(left, top + way, right, bottom)  # fmt: skip
    return rest, way


def _along(part: NDArray[np.float32], move: Move) -> NDArray[np.float32]:
    """Turned so that the cap goes to the right."""
    turned = part.transpose(1, 0, 2) if move.axis else part
    return turned if move.sign > 0 else turned[:, ::-1]


def _moved(box: Box, move: Move, radius: int) -> Box:
    """Where the cap's box is in a picture."""
    x, y = ((move.sign * radius, 0), (0, move.sign * radius))[move.axis]
    return Box(box.left + x, box.top + y, box.right + x, box.bottom + y)


def _cap(neutral: Picture, moves: Sequence[Move], box: Box, radius: int) -> NDArray[np.bool_]:
    """Which pixels of the box are the cap: those that go along, and are not what is below it."""
    rest = as_drawn(_cut(neutral, box))
    cap = np.ones(rest.shape[:2], bool)
    for move in moves:
        there = as_drawn(_cut(move.picture, _moved(box, move, radius)))
        cap &= np.abs(rest - there).max(axis=2) <= LEVELS
        bare = as_drawn(_cut(move.picture, box))
        same = np.abs(rest - bare).max(axis=2) <= LEVELS
        cap &= ~(same & _uncovered(rest.shape[:2], move, radius))
    return cap


def _uncovered(shape: tuple[int, ...], move: Move, radius: int) -> NDArray[np.bool_]:
    """Which pixels of the box the cap's whole box has left."""
    bare = np.zeros(shape, bool)
    way = min(radius, shape[1 - move.axis])
    strip = slice(0, way) if move.sign > 0 else slice(shape[1 - move.axis] - way, None)
    if move.axis == 0:
        bare[:, strip] = True
    else:
        bare[strip] = True
    return bare


def _under(
    neutral: Picture, moves: Sequence[Move], box: Box, radius: int, cap: NDArray[np.bool_]
) -> Picture:
    """The box without the cap: from pictures in which it has left; the rest is guessed.

    What no picture shows bare is mostly what no state shows bare.
    """
    found = _cut(neutral, box).copy()
    unknown = cap.copy()
    high, wide = cap.shape
    for move in moves:
        covered = np.zeros_like(cap)
        at = _moved(Box(0, 0, wide, high), move, radius)
        inside = at.inside(wide, high)
        covered[inside.top : inside.bottom, inside.left : inside.right] = cap[
            inside.top - at.top : inside.bottom - at.top,
            inside.left - at.left : inside.right - at.left,
        ]
        bare = unknown & ~covered
        found[bare] = _cut(move.picture, box)[bare]
        unknown &= covered
    if unknown.any() and not unknown.all():
        holes = unknown.astype(np.uint8)
        for part in (slice(0, 3), slice(3, 4)):
            plane = np.ascontiguousarray(found[..., part]).squeeze()
            found[..., part] = cv2.inpaint(plane, holes, 3, cv2.INPAINT_TELEA).reshape(
                high, wide, -1
            )
    return found


def _cut(picture: Picture, box: Box) -> Picture:
    """A part of a picture, clear where it reaches out of it."""
    high, wide = picture.shape[:2]
    cut = np.zeros((box.height, box.width, 4), np.uint8)
    inside = box.inside(wide, high)
    cut[
        inside.top - box.top : inside.bottom - box.top,
        inside.left - box.left : inside.right - box.left,
    ] = picture[inside.top : inside.bottom, inside.left : inside.right]
    return cut
