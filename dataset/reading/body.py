"""``Body``: what of a controller looks the same in all states: it tells whether one is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.pad import NEUTRAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from nitropilot.dataset.pose import Box
    from nitropilot.dataset.reading.eyes import Crops
    from nitropilot.dataset.reading.sight import Sight

    Floats = NDArray[np.float32]

DRAWN = 0.25
"""Where less than this of a pixel is the controller's, it says nothing."""
FEWEST = 32
"""Pixels without which nothing is said."""


@dataclass(frozen=True, eq=False)
class Body:
    """Pixels that never change.

    Attributes:
        fixed: ``h x w`` bool: where they are.
        drawn: Their brightness, from its mean.
    """

    fixed: NDArray[np.bool_]
    drawn: Floats

    def shown(self, crops: Crops) -> Floats:
        """``T``: how well their brightness goes up and down with what is drawn, 0 to 1."""
        if len(self.drawn) < FEWEST or not np.ptp(self.drawn):
            return np.ones(len(crops.y), np.float32)
        seen = crops.y.reshape(len(crops.y), -1)[:, self.fixed.ravel()].astype(np.float32)
        seen -= seen.mean(axis=1, keepdims=True)
        norms = np.linalg.norm(seen, axis=1) * np.linalg.norm(self.drawn)
        agrees = seen @ self.drawn / np.maximum(norms, 1e-6)
        return np.asarray(np.clip(agrees, 0, 1), np.float32)


def body_of(sight: Sight, changing: Iterable[tuple[Box, NDArray[np.bool_]]]) -> Body:
    """What remains of a controller without what changes.

    Args:
        sight: How it looks in a video.
        changing: Boxes, and which pixels of each change.
    """
    whole = sight.box
    layer = sight.layer(NEUTRAL, whole)
    fixed = layer.alpha * sight.opacity > DRAWN
    for box, light in changing:
        top, left = box.top - whole.top, box.left - whole.left
        fixed[top : top + box.height, left : left + box.width] &= ~light
    drawn = layer.colour.y[fixed] / layer.alpha[fixed]
    return Body(fixed, drawn - drawn.mean() if len(drawn) else drawn)
