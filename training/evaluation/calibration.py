"""Whether buttons are pressed as often as a policy's chunks say."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Buttons of which a similar share of noises said that they are pressed.

    Attributes:
        low, high: Between which shares.
        count: How many pairs of an action and a button.
        predicted: Their mean share of noises.
        labelled: Share of them that the labels press.
    """

    low: float
    high: float
    count: int
    predicted: float
    labelled: float


def reliability(
    chance: NDArray[np.float64], pressed: NDArray[np.bool_], bins: int = BINS
) -> tuple[Bin, ...]:
    """What becomes of what is said to be so likely (a reliability diagram: Niculescu-Mizil and
    Caruana 2005), in bins of equal width.

    Args:
        chance: Said, n in [0, 1].
        pressed: What was so, n.
        bins: How many.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.minimum((chance * bins + 1e-9).astype(int), bins - 1)
    return tuple(
        Bin(float(low), float(high), int(there.sum()), float(chance[there].mean()),
            float(pressed[there].mean()))
        for number, (low, high) in enumerate(pairwise(edges))
        if (there := place == number).any()
    )  # fmt: skip


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Expected calibration error (Guo et al. 2017): the mean distance of said and seen, weighted by
    how many a bin holds; None without any."""
    count = sum(each.count for each in bins)
    off = sum(each.count * abs(each.predicted - each.labelled) for each in bins)
    return off / count if count else None
