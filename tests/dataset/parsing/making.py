"""Crude controllers: a square for each button, a disc in a ring for each stick."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.parsing.shape import Shape
from nitropilot.dataset.styles.sample import ELEMENTS, Sample
from nitropilot.dataset.teaching.presets import PRESETS, Recipe
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SIZE = (32, 64)
SHAPE = Shape(widths=(6, 8, 12, 16), features=12, fine=8, height=SIZE[0], width=SIZE[1])
RECIPE: Recipe = replace(
    PRESETS["tiny"], shape=SHAPE, minutes=None, samples=64, batch=8, block=32, mixed=8, trials=2,
    held_out=16, warm_up=1,
)  # fmt: skip
STICKS = ((20, 16), (20, 48))
"""Row and column of their middles."""
REACH, CAP = 6, 2
BUTTON = 4


def spots() -> list[tuple[int, int]]:
    """Row and column of each button's upper left corner."""
    return [(2 if index < 9 else 28, 1 + 7 * (index % 9)) for index in range(17)]


def drawn(buttons: NDArray[np.bool_], sticks: NDArray[np.float32], light: int) -> NDArray[np.uint8]:
    """A controller in a state, ``SIZE x 3``, over a ground of some brightness."""
    picture = np.full((*SIZE, 3), light, np.uint8)
    for (row, column), down in zip(spots(), buttons, strict=True):
        picture[row : row + BUTTON, column : column + BUTTON] = (240, 200, 60) if down else 90
    rows, columns = np.indices(SIZE)
    for side, (row, column) in enumerate(STICKS):
        x, y = sticks[2 * side : 2 * side + 2] * (REACH - CAP)
        picture[np.hypot(rows - row, columns - column) <= REACH] = 60
        picture[np.hypot(rows - row - y, columns - column - x) <= CAP] = 220
    return picture


def places() -> NDArray[np.uint8]:
    """Where elements are, as in ``Sample``; thumbs are where their sticks are."""
    found = np.zeros(SIZE, np.uint8)
    rows, columns = np.indices(SIZE)
    for index, (row, column) in enumerate(spots()):
        found[row : row + BUTTON, column : column + BUTTON] = index + 1
    for side, (row, column) in enumerate(STICKS):
        at = ELEMENTS.index(("left_stick", "right_stick")[side]) + 1
        found[np.hypot(rows - row, columns - column) <= REACH] = at
    return found


def sample(rng: np.random.Generator, style: int = 0) -> Sample:
    """Something pressed, something pushed."""
    states = [(rng.random(17) < 0.3, rng.uniform(-0.9, 0.9, 4).astype(np.float32))
              for _ in range(2)]  # fmt: skip
    light = int(rng.integers(20, 60))
    still = drawn(np.zeros(17, bool), np.zeros(4, np.float32), light)
    return Sample(
        np.stack([drawn(*state, light) for state in states]), still, states[1][0], states[1][1],
        np.ones(len(PUBLISHED_BUTTONS), bool), np.ones(2, bool), places(), places() > 0,
        bool(style % 2), style,
    )  # fmt: skip


def stream(seed: int) -> Iterator[Sample]:
    """Without an end."""
    rng = np.random.default_rng(seed)
    style = 0
    while True:
        yield sample(rng, style)
        style += 1
