"""In which frames something is seen whose look nobody knows: by its edges, which stay.

Where most of some frames show it, the median of their slopes is its own; the game's change.  The
share of it that another frame has is near 1 where it is there, and near 0 where it is not
(``locating.presence`` does the same for a skin that is known).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.detecting.view import slopes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Plane = NDArray[np.uint8]

CLEAR = 2.0
"""A slope lasts if its median is so many times as large as what single frames differ from it."""
FAINT = 1.5
"""Levels a pixel: slopes up to here are noise."""
MAYBE = 0.25
"""The share from which on it may be there: more than chance gives."""
HALF = 0.5
"""Of its usual share: from there on it is there."""
ROUNDS = 3
"""Times that frames are chosen by the edges of those that were chosen before."""


@dataclass(frozen=True, eq=False)
class Lasting:
    """The edges of something.

    Attributes:
        across: ``h x w``: slopes to the right that last; 0 where none does.
        down: The same, downwards.
        usual: The share that frames usually have in which it is.
    """

    across: NDArray[np.float32]
    down: NDArray[np.float32]
    usual: float = 1.0

    def share(self, plane: Plane) -> float:
        """The share of these edges that a frame has, ``h x w`` of brightness."""
        across, down = slopes(plane)
        size = float((self.across * self.across + self.down * self.down).sum())
        return float((across * self.across + down * self.down).sum()) / size if size else 0.0

    def there(self, plane: Plane) -> bool:
        """Whether it is in a frame."""
        return self.share(plane) >= max(MAYBE, HALF * self.usual)


def edges_of(planes: Sequence[Plane]) -> Lasting:
    """The edges that most of some frames have, ``h x w`` of brightness each."""
    across, down = (np.stack(each) for each in zip(*map(slopes, planes), strict=True))
    kept = [_median(across), _median(down)]
    noise = _median(np.hypot(across - kept[0], down - kept[1]))
    strength = np.hypot(*kept)
    lasts = strength >= np.maximum(CLEAR * noise, FAINT)
    right, below = (np.where(lasts, each, 0).astype(np.float32) for each in kept)
    return Lasting(right, below)


def followed(planes: Sequence[Plane], which: Sequence[int]) -> tuple[Lasting, NDArray[np.bool_]]:
    """The edges of something, and in which frames it is.

    Args:
        planes: ``T`` frames' part, ``h x w`` of brightness.
        which: Numbers of those among them most of which show it.

    Returns:
        The edges, and ``T`` bool.
    """
    chosen = list(which)
    for _ in range(ROUNDS):
        edges = edges_of([planes[index] for index in chosen])
        shares = np.array([edges.share(plane) for plane in planes])
        maybe = shares[chosen] >= MAYBE
        usual = float(np.median(shares[chosen][maybe])) if maybe.any() else 1.0
        edges = replace(edges, usual=usual)
        there = shares >= max(MAYBE, HALF * usual)
        now = np.flatnonzero(there).tolist()
        if now == chosen or not now:
            break
        chosen = now
    return edges, np.asarray(there, np.bool_)


def _median(stack: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.median(stack, axis=0), np.float32)
