"""How well a reading is right, beside what is right without looking."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.pad import SIDES
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.pad import PadStates

MOVED = 1e-4
"""Variance of an axis below which its R2 has no meaning."""
FEWEST = 3
"""Frames in which a button must be down for its F1 to count."""


class Score(NamedTuple):
    """Of one clip.

    Attributes:
        accuracy: Share of buttons and frames that are right.
        f1: Mean of the buttons' F1.
        r2: Mean of the axes' R2.
        always_off: Accuracy of a reader that says nothing is pressed; its F1 is 0.
        worst: The button with the lowest F1, and that.
    """

    accuracy: float
    f1: float
    r2: float
    always_off: float
    worst: tuple[str, float]


def score(read: PadStates, truth: PadStates, outputs: frozenset[str]) -> Score:
    """Hold a reading against the truth, in what the skin shows."""
    shown = np.array([name in outputs for name in PUBLISHED_BUTTONS])
    said, true = read.published()[:, shown], truth.published()[:, shown]
    names = np.array(PUBLISHED_BUTTONS)[shown]
    axes = np.repeat([f"j_{side}" in outputs for side in SIDES], 2)
    f1 = _f1(said, true)
    counts = true.sum(axis=0) >= FEWEST
    f1, names = f1[counts], names[counts]
    lowest = int(f1.argmin()) if len(f1) else -1
    return Score(
        float((said == true).mean()),
        float(f1.mean()) if len(f1) else float("nan"),
        _r2(read.sticks[:, axes], truth.sticks[:, axes]),
        float(1 - true.mean()),
        (str(names[lowest]), float(f1[lowest])) if len(f1) else ("", float("nan")),
    )


def by_button(
    read: PadStates, truth: PadStates, outputs: frozenset[str]
) -> dict[str, tuple[float, int]]:
    """Of each button that the skin shows and that is down in some frame: F1, and in how many."""
    said, true = read.published(), truth.published()
    f1, counts = _f1(said, true), true.sum(axis=0)
    return {
        name: (float(f1[index]), int(counts[index]))
        for index, name in enumerate(PUBLISHED_BUTTONS)
        if name in outputs and counts[index]
    }


def _f1(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> NDArray[np.float64]:
    both, either = (said & true).sum(axis=0), said.sum(axis=0) + true.sum(axis=0)
    return np.asarray(2 * both / np.maximum(either, 1), np.float64)


def _r2(read: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """Mean of the axes that move."""
    spread = truth.var(axis=0)
    missed = np.square(read - truth).mean(axis=0)
    moved = spread > MOVED
    return float((1 - missed[moved] / spread[moved]).mean()) if moved.any() else float("nan")
