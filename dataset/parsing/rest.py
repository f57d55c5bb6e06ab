"""Where a stick rests, and how far it goes: found in what it did over a whole video."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

CLOSE = 0.06
"""Positions so far from each other are one."""
OFTEN = 0.05
"""Share of the frames that a stick is at its resting point, at least."""
OFF = 0.4
"""A resting point is not further from the middle than this."""
SEARCHED = 600
"""Frames among which it is looked for."""
HIGH = 99.0
"""The percentile of the further axis that is as far as a stick goes."""
MOVED = 0.35
"""A stick that never goes further has not been pushed to its end."""
SMALLEST, LARGEST = 0.6, 2.0
"""What positions are multiplied by lies between these."""


def normalised(sticks: Floats) -> Floats:
    """Positions such that a stick at rest is at 0, and one at its end at 1.

    Args:
        sticks: ``T x 2``, of one stick, as they were read.

    Returns:
        ``T x 2``, -1 to 1.
    """
    if not len(sticks):
        return sticks
    moved = sticks - resting(sticks)
    high = float(np.percentile(np.abs(moved).max(axis=1), HIGH))
    by = float(np.clip(1 / high, SMALLEST, LARGEST)) if high >= MOVED else 1.0
    return np.asarray(np.clip(moved * by, -1, 1), np.float32)


def resting(sticks: Floats) -> Floats:
    """``2``: the point close to the middle where it is most often; 0 where there is none."""
    few = sticks[np.linspace(0, len(sticks) - 1, min(len(sticks), SEARCHED)).round().astype(int)]
    apart = np.linalg.norm(few[:, None] - few[None], axis=2)
    beside = (apart <= CLOSE).sum(axis=1) * (np.linalg.norm(few, axis=1) <= OFF)
    best = int(beside.argmax())
    if beside[best] < OFTEN * len(few):
        return np.zeros(2, np.float32)
    return np.asarray(np.median(few[apart[best] <= CLOSE], axis=0), np.float32)
