"""Many made-up controllers on one page, neutral and pressed, for looking at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.looks.shown import Shown
from nitropilot.dataset.pad import BUTTONS, NEUTRAL, Moment, states_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nitropilot.dataset.looks.look import Pad

WIDE, HIGH = 176, 132
"""Pixels of one controller."""
ACROSS = 4
"""Controllers in a row, each twice."""
CAPTION = 14
PRESSED = Moment(frozenset(BUTTONS), (0.7, -0.7, -0.7, 0.7), (0.6, 0.6))


def page(pads: Sequence[Pad], across: int = ACROSS) -> NDArray[np.uint8]:
    """``h x w x 3`` RGB: each neutral, and with everything pressed, over a board."""
    cells = [
        np.hstack([_cell(pad, moment) for moment in (NEUTRAL, PRESSED)]) for pad in pads
    ]  # fmt: skip
    cells = [_titled(cell, pad) for cell, pad in zip(cells, pads, strict=True)]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % across)
    rows = [np.hstack(cells[first : first + across]) for first in range(0, len(cells), across)]
    return np.vstack(rows)


def _cell(pad: Pad, moment: Moment) -> NDArray[np.uint8]:
    left, top, width, height = pad.canvas
    scale = min((WIDE - 6) / width, (HIGH - 6) / height)
    matrix = np.array([
        [scale, 0, WIDE / 2 - scale * (left + width / 2)],
        [0, scale, HIGH / 2 - scale * (top + height / 2)],
    ])  # fmt: skip
    board = np.add.outer(np.arange(HIGH) // 12, np.arange(WIDE) // 12) % 2
    y = np.where(board == 1, 92, 128).astype(np.uint8)
    u, v = (np.full((HIGH // 2, WIDE // 2), value, np.uint8) for value in (128, 128))
    states = states_of([moment._replace(sticks=(0, 0, 0, 0))] * 5 + [moment])
    Shown(pad, matrix, WIDE, HIGH).over((y, u, v), states, len(states) - 1)
    flat = np.concatenate([y.ravel(), u.ravel(), v.ravel()]).reshape(HIGH * 3 // 2, WIDE)
    return np.asarray(cv2.cvtColor(flat, cv2.COLOR_YUV2RGB_I420), np.uint8)


def _titled(cell: NDArray[np.uint8], pad: Pad) -> NDArray[np.uint8]:
    facts = pad.facts
    words = f"{pad.seed} {facts['finish']} {facts['build']} {facts['press']} {facts['knob']} " \
        f"{facts['pull']}"  # fmt: skip
    titled = np.full((cell.shape[0] + CAPTION, cell.shape[1], 3), 255, np.uint8)
    titled[CAPTION:] = cell
    cv2.putText(titled, words, (3, 10), cv2.FONT_HERSHEY_SIMPLEX, 0.33, (0, 0, 0), 1, cv2.LINE_AA)
    return titled
