"""What the detector is taught with.

near     quality focal loss (Li and others 2020): cross-entropy with the share that is wanted,
         by the square of how far off it is, so that the many empty cells do not count
sides    1 - generalised intersection over union (Rezatofighi and others 2019), and how far
         sides are off by the box's own; only of cells near to the middle
inside   cross-entropy with the share of a cell that lies in the box
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from nitropilot.dataset.detecting.boxes import Said
    from nitropilot.dataset.detecting.network import Answer

TOLD = 0.3
"""Nearness to the middle from which on a cell is taught where the sides are."""
OFF, INSIDE = 4.0, 2.0
"""What a side's distance and ``inside`` count beside the rest."""


class Wanted(NamedTuple):
    """What a batch should say: ``Said``, stacked."""

    near: Tensor
    sides: Tensor
    inside: Tensor


def wanted(said: Sequence[Said]) -> Wanted:
    """Stack what each view should say."""
    return Wanted(*(torch.from_numpy(np.stack(each)) for each in zip(*said, strict=True)))


def loss(answer: Answer, target: Wanted) -> Tensor:
    """The loss of a batch."""
    amount = target.near.sum().clamp(min=1.0)
    apart = (torch.sigmoid(answer.near) - target.near).square()
    crossed = F.binary_cross_entropy_with_logits(answer.near, target.near, reduction="none")
    near = (apart * crossed).sum() / amount
    inside = F.binary_cross_entropy_with_logits(answer.inside, target.inside)
    weights = target.near * (target.near >= TOLD)
    sides = (weights * _sides(answer.sides, target.sides)).sum() / weights.sum().clamp(min=1.0)
    return near + sides + INSIDE * inside


def _sides(said: Tensor, true: Tensor) -> Tensor:
    """Of each cell, ``B x h x w``."""
    true = true.clamp(min=0.0)
    wide, high = true[:, 0] + true[:, 2], true[:, 1] + true[:, 3]
    common = _area(torch.minimum(said, true))
    union = _area(said) + wide * high - common
    around = _area(torch.maximum(said, true))
    overlap = common / union.clamp(min=1.0) - (around - union) / around.clamp(min=1.0)
    own = torch.stack([wide, high, wide, high], dim=1).clamp(min=1.0)
    off = ((said - true).abs() / own).clamp(max=1.0).mean(dim=1)
    return 1 - overlap + OFF * off


def _area(sides: Tensor) -> Tensor:
    return (sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3])
