"""What moves between two pictures that follow on each other, in a few numbers.

Pictures are scaled to ``WIDTH x HEIGHT`` grey pixels.  In each cell of a coarse grid, and in the
whole picture, the displacement is estimated by one step of Lucas and Kanade (1981), and beside it
stands how much the cell changed, with and without its sign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nitropilot.records.errors import DamagedRecording
from nitropilot.records.pairs import pairs
from nitropilot.records.timeline import Timeline

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.training.formats.take import Take

WIDTH, HEIGHT = 48, 27
COLUMNS, LINES = 6, 4
FLAT = 1e-2
"""Added to the gradients' squares: where a cell is flat nothing seems to move."""


def motion_of(take: Take) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """What moved in each tick.

    Returns:
        ``rows x features``, and of which rows these are known: they and the row before them are of
        one stretch and have pictures of their own.

    Raises:
        DamagedRecording: The video cannot be decoded.
    """
    rows = take.rows.num_rows
    frames, stretch = take.column("frame_index").astype(np.int64), take.column("stretch")
    shown = np.full(rows, -1, np.int64)
    for picture in pairs(take.rows, Timeline(0, 1)):
        shown[picture.first] = frames[picture.frame]
    wanted = np.unique(shown[shown >= 0])
    small = _small(take, wanted)
    known = np.zeros(rows, bool)
    known[1:] = (shown[1:] >= 0) & (shown[:-1] >= 0) & (stretch[1:] == stretch[:-1])
    places = np.searchsorted(wanted, shown[known])
    before = np.searchsorted(wanted, shown[np.flatnonzero(known) - 1])
    moved = _moved(small[before], small[places])
    found = np.zeros((rows, moved.shape[1]), np.float32)
    found[known] = moved
    return found, known


def _small(take: Take, wanted: NDArray[np.int64]) -> NDArray[np.float32]:
    """Frames of the video, ``N x HEIGHT x WIDTH`` from 0 to 1."""
    import cv2

    from nitropilot.training.formats.video import decoded

    found = np.zeros((len(wanted), HEIGHT, WIDTH), np.float32)
    count = 0
    for picture in decoded(take.video, wanted):
        grey = cv2.cvtColor(take.view.of(picture), cv2.COLOR_RGB2GRAY)
        scaled = cv2.resize(grey, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        found[count] = scaled.astype(np.float32) / 255.0
        count += 1
    if count < len(wanted):
        raise DamagedRecording(f"{take.video} ends before frame {wanted[count]}")
    return found


def _moved(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """``N x features`` of N pairs of pictures."""
    if not len(one):
        return np.zeros((0, 4 * COLUMNS * LINES + 2), np.float32)
    change = other - one
    down, right = np.gradient((one + other) / 2.0, axis=(1, 2))
    products = (right * right, down * down, right * down, right * change, down * change)
    cells = [_cells(product) for product in products]
    whole = [cell.sum(axis=1, keepdims=True) for cell in cells]
    parts = [
        *_displacement(cells), *_displacement(whole),
        np.sqrt(_cells(np.abs(change))), _cells(change),
    ]  # fmt: skip
    return np.concatenate(parts, axis=1).astype(np.float32)


def _cells(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums over each cell, ``N x cells``."""
    lines = np.linspace(0, HEIGHT, LINES + 1).astype(int)[:-1]
    columns = np.linspace(0, WIDTH, COLUMNS + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(values, lines, axis=1), columns, axis=2)
    return np.asarray(sums.reshape(len(values), -1), np.float32)


def _displacement(sums: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """To the right and down, by least squares over each cell."""
    xx, yy, xy, xt, yt = sums
    xx, yy = xx + FLAT, yy + FLAT
    area = xx * yy - xy * xy
    right, down = (xy * yt - yy * xt) / area, (xy * xt - xx * yt) / area
    return [np.asarray(right, np.float32), np.asarray(down, np.float32)]
