"""Boxes as a grid of cells says them, and back.

As in CenterNet (Zhou and others 2019) a cell says how near it is to the middle of a controller, and
as in FCOS (Tian and others 2019) how far the four sides are.  Beside that each says how much of it
lies in the box: where this falls from one to nothing, over all rows of the box, is its side, to a
part of a cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.pose import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.float32]

CELL = 4
"""Pixels of a view, along either side of a cell."""
NEAR = 0.25
"""Of a box's sides: where a cell's nearness to the middle has fallen to 0.6."""
SAME = 0.6
"""Intersection over union from which on two cells mean one box."""
CORE = 0.2
"""Of a box's height, that is left out above and below where its left and right sides are sought:
controllers have round corners."""
REACH = 0.3
"""Of a box's width or height, how far off its sides may be."""
ABOUT = 2
"""Cells on either side of a box's side that say where it is."""
SIDES = 4


class Sides(NamedTuple):
    """A box in parts of pixels, counted from the corner of the first one."""

    left: float
    top: float
    right: float
    bottom: float

    def moved(self, x: float, y: float, scale: float) -> Sides:
        """Moved by that, then made larger by ``scale``."""
        return Sides((self.left + x) * scale, (self.top + y) * scale,
                     (self.right + x) * scale, (self.bottom + y) * scale)  # fmt: skip

    def whole(self) -> Box:
        """The nearest whole pixels; at least one of them."""
        left, top = round(self.left), round(self.top)
        return Box(left, top, max(round(self.right), left + 1), max(round(self.bottom), top + 1))


class Said(NamedTuple):
    """What a grid of cells says of one view.

    Attributes:
        near: ``h x w``, 0 to 1: how near to the middle of a controller.
        sides: ``4 x h x w``: pixels from a cell's middle to the left, upper, right and lower side.
        inside: ``h x w``, 0 to 1: how much of a cell lies in the box.
    """

    near: Plane
    sides: Plane
    inside: Plane


def said_of(box: Sides | None, height: int, width: int) -> Said:
    """What cells should say.

    Args:
        box: In pixels of the view; None where there is none.
        height: Of the view, in pixels.
        width: The same.
    """
    across, down = (
        (np.arange(size // CELL, dtype=np.float32) + 0.5) * CELL for size in (width, height)
    )
    shape = len(down), len(across)
    if box is None:
        nothing = np.zeros(shape, np.float32)
        return Said(nothing, np.zeros((SIDES, *shape), np.float32), nothing.copy())
    wide, high = max(box.right - box.left, 1e-3), max(box.bottom - box.top, 1e-3)
    x = (across - (box.left + box.right) / 2) / (NEAR * wide)
    y = (down - (box.top + box.bottom) / 2) / (NEAR * high)
    near = np.exp(-0.5 * (x[None, :] ** 2 + y[:, None] ** 2))
    sides = np.empty((SIDES, *shape), np.float32)
    sides[0], sides[2] = across[None] - box.left, box.right - across[None]
    sides[1], sides[3] = (down - box.top)[:, None], (box.bottom - down)[:, None]
    covered = np.outer(_covered(down, box.top, box.bottom), _covered(across, box.left, box.right))
    near = np.where(sides.min(axis=0) > 0, near, 0)
    return Said(near.astype(np.float32), sides, covered.astype(np.float32))


def box_of(said: Said) -> tuple[Sides, float]:
    """The likeliest box, in pixels of the view, and its score.

    Cells about the best one that mean the same box say together where it is.
    """
    height, width = said.near.shape
    best = int(said.near.argmax())
    score = float(said.near.flat[best])
    down, across = np.mgrid[:height, :width].astype(np.float32)
    x, y = (across.ravel() + 0.5) * CELL, (down.ravel() + 0.5) * CELL
    left, top, right, bottom = said.sides.reshape(SIDES, -1)
    boxes = np.stack([x - left, y - top, x + right, y + bottom], axis=1)
    weights = said.near.ravel() * (said.near.ravel() >= score / 2) + 1e-9
    weights *= _overlaps(boxes, boxes[best]) >= SAME
    weights[best] += 1e-9
    mean = (boxes * weights[:, None]).sum(axis=0) / weights.sum()
    return Sides(*mean.tolist()), score


def sharpened(box: Sides, inside: Plane) -> Sides:
    """A box whose sides are where ``Said.inside`` has them; a side that it has not stays."""
    left, right = _ends(inside, box.left, box.right, box.top, box.bottom)
    top, bottom = _ends(inside.T, box.top, box.bottom, box.left, box.right)
    return Sides(left, top, right, bottom)


def _ends(inside: Plane, low: float, high: float, top: float, bottom: float) -> tuple[float, float]:
    """Where a box begins and ends along the second axis; along the first: from top to bottom."""
    margin = CORE * (bottom - top)
    rows = slice(max(int((top + margin) / CELL), 0), max(int((bottom - margin) / CELL) + 1, 1))
    core = inside[rows]
    if not core.size or high - low < 2 * CELL:
        return low, high
    profile = core.mean(axis=0)
    middle = int(np.clip((low + high) / 2 / CELL, 1, len(profile) - 1))
    reach = REACH * (high - low)
    ends = _end(profile[middle:], high - CELL * middle, reach)
    begins = _end(profile[:middle][::-1], CELL * middle - low, reach)
    return CELL * middle - begins, CELL * middle + ends


def _end(profile: Plane, guess: float, reach: float) -> float:
    """How far something goes from the first cell on, in pixels; ``guess`` if that is too far off.

    Where shares fall below a half, those of the cells about it add up to a part of a cell.
    """
    beyond = int((np.append(profile, 0.0) < 0.5).argmax())
    first = max(beyond - ABOUT, 0)
    end = CELL * (first + float(profile[first : beyond + ABOUT].sum()))
    return end if abs(end - guess) <= reach else guess


def _covered(middles: Plane, low: float, high: float) -> Plane:
    """How much of each cell along an axis lies between two places."""
    within = np.minimum(middles + CELL / 2, high) - np.maximum(middles - CELL / 2, low)
    return np.asarray(np.clip(within / CELL, 0, 1), np.float32)


def _overlaps(boxes: Plane, one: Plane) -> Plane:
    """Intersection over union of each box with one."""
    low, high = np.maximum(boxes[:, :2], one[:2]), np.minimum(boxes[:, 2:], one[2:])
    common = np.clip(high - low, 0, None).prod(axis=1)
    areas = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
    whole = areas + np.clip(one[2:] - one[:2], 0, None).prod() - common
    return np.asarray(common / np.maximum(whole, 1e-6), np.float32)
