"""What differs between two pictures of one controller: the areas that a button lights up."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.pose import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

LEVELS = 24
"""A colour that differs by more, of 255, has changed: less is what compressing leaves."""
SPECK = 6
"""Changed pixels that hang together, fewer of which are no element."""
GAP = 4
"""Changed pixels that are not farther apart belong to one area."""


class Area(NamedTuple):
    """One area that has changed.

    Attributes:
        box: Around it.
        mask: ``h x w`` of the whole picture.
    """

    box: Box
    mask: Mask


def as_drawn(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``h x w x 4`` of 0 to 255, alpha multiplied in: clear pixels are alike, whatever colour."""
    drawn = picture.astype(np.float32)
    drawn[..., :3] *= drawn[..., 3:] / 255
    return drawn


def changed(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Mask:
    """Which pixels differ, without specks.

    Args:
        one: ``h x w x 4`` RGBA.
        other: Of the same size.
    """
    differs = np.abs(as_drawn(one) - as_drawn(other)).max(axis=2) > LEVELS
    count, labels, facts, _ = cv2.connectedComponentsWithStats(differs.astype(np.uint8))
    large = np.zeros(count, bool)
    large[1:] = facts[1:, cv2.CC_STAT_AREA] >= SPECK
    return np.asarray(large[labels], bool)


def areas(mask: Mask) -> list[Area]:
    """What of it hangs together, the largest first."""
    count, labels = cv2.connectedComponents(grown(mask, GAP // 2).astype(np.uint8))
    parts = (mask & (labels == label) for label in range(1, count))
    found = [Area(box_of(part), part) for part in parts]
    return sorted(found, key=lambda area: -int(area.mask.sum()))


def box_of(mask: Mask) -> Box:
    """The box around what is set, of which there must be something."""
    down, across = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Box(int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1)


def grown(mask: Mask, by: int) -> Mask:
    """It and what is not farther from it than so many pixels."""
    kernel = np.ones((2 * by + 1, 2 * by + 1), np.uint8)
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel) > 0, bool)
