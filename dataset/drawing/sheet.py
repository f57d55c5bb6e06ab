"""A template on one page, for looking at: neutral, and everything pressed that it can show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.pad import BUTTONS, NEUTRAL, SIDES, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nitropilot.dataset.templates.template import Template

WIDE, HIGH = 320, 240
"""Pixels of one state at most."""
ACROSS, CAPTION, EDGE = 5, 22, 8
SQUARE = 16
"""Of the board that shows where a template is clear."""


class Shown(NamedTuple):
    """One state on the page."""

    title: str
    moment: Moment


def states(template: Template) -> Iterator[Shown]:
    """What is worth seeing of it."""
    yield Shown("neutral", NEUTRAL)
    for name in BUTTONS:
        if name in template.outputs:
            yield Shown(name, Moment(frozenset({name})))
    sticks = [side for side in SIDES if f"j_{side}" in template.outputs]
    if sticks:
        far = math.sqrt(0.5)
        for up, left in ((1, 1), (1, 0), (0, 1), (0, 0)):
            x, y = -far if left else far, -far if up else far
            title = f"sticks {'up' if up else 'down'} {'left' if left else 'right'}"
            yield Shown(title, Moment(sticks=(x, y, x, y)))
    for side in SIDES:
        if f"{side}_trigger" in template.outputs:
            for share, word in ((0.5, "half"), (1.0, "full")):
                pulled = (share, 0.0) if side == "left" else (0.0, share)
                yield Shown(f"{side}_trigger {word}", Moment(triggers=pulled))


def sheet(template: Template) -> NDArray[np.uint8]:
    """The page: ``h x w x 3`` RGB."""
    painter = Painter(template)
    scale = min(WIDE / template.width, HIGH / template.height)
    size = (max(1, round(template.width * scale)), max(1, round(template.height * scale)))
    cells = [_cell(painter, shown, size) for shown in states(template)]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % ACROSS)
    rows = [np.hstack(cells[first : first + ACROSS]) for first in range(0, len(cells), ACROSS)]
    return np.vstack(rows)


def _cell(painter: Painter, shown: Shown, size: tuple[int, int]) -> NDArray[np.uint8]:
    """One state over a board, with its name above."""
    width, height = size
    canvas = cv2.resize(painter.paint(shown.moment), size, interpolation=cv2.INTER_AREA)
    places = np.add.outer(np.arange(height) // SQUARE, np.arange(width) // SQUARE) % 2
    board = np.where(places[..., None] == 1, 0.45, 0.6)
    seen = canvas[..., :3] + (1 - canvas[..., 3:]) * board
    cell = np.full((height + CAPTION + EDGE, max(width, 150) + EDGE, 3), 255, np.uint8)
    cell[CAPTION : CAPTION + height, :width] = np.clip(np.round(255 * seen), 0, 255)
    cv2.putText(
        cell, shown.title, (2, CAPTION - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1,
        cv2.LINE_AA,
    )  # fmt: skip
    return cell
