"""``Answer``: what a network says of some moments, and how positions of sticks are cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from nitropilot.dataset.styles.sample import ELEMENTS
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from torch import Tensor

CELLS = 11
"""Along a side of the grid that a stick is in, as in the paper; the middle one is rest."""
CELL = 2 / CELLS
"""How wide one is: the grid covers -1 to 1."""
BUTTONS, STICKS = len(PUBLISHED_BUTTONS), 2
THINGS = len(ELEMENTS)
"""Buttons, then sticks, as in ``ELEMENTS``."""


class Answer(NamedTuple):
    """What is said of ``B`` moments.

    Attributes:
        buttons: ``B x 17`` logits: is it down.
        grids: ``B x 2 x 11 x 11`` logits, rows from above: in which cell is the stick.
        offsets: ``B x 2 x 2 x 11 x 11``: if it is in that cell, how many cells right of and below
            its middle.
        shown: ``B x 19`` logits, by ``ELEMENTS``: does this controller have it.
        places: ``B x 19 x h x w``: logarithm of where it is, in the whole picture together 1.
        lit: ``B x h x w`` logits: does what is there look pressed.
    """

    buttons: Tensor
    grids: Tensor
    offsets: Tensor
    shown: Tensor
    places: Tensor
    lit: Tensor


def middles() -> Tensor:
    """``11``: where cells have their middles."""
    return (torch.arange(CELLS, dtype=torch.float32) + 0.5) * CELL - 1


def cells_of(sticks: Tensor) -> tuple[Tensor, Tensor]:
    """Positions as cells.

    Args:
        sticks: ``... x 2``: x and y, -1 to 1.

    Returns:
        ``...`` int64, the number of the cell, row by row; and ``... x 2``: how many cells right of
        and below its middle, -0.5 to 0.5.
    """
    at = (sticks.clamp(-1, 1) + 1) / CELL
    cell = at.floor().clamp(0, CELLS - 1)
    number = cell[..., 1] * CELLS + cell[..., 0]
    return number.long(), at - cell - 0.5


def positions(grids: Tensor, offsets: Tensor) -> Tensor:
    """Where sticks are: the likeliest cell and the offset from it, at most to a neighbour's middle.

    Args:
        grids: ``... x 11 x 11``.
        offsets: ``... x 2 x 11 x 11``.

    Returns:
        ``... x 2``, -1 to 1.
    """
    best = grids.flatten(-2).argmax(-1, keepdim=True)
    x, y = best % CELLS, best // CELLS
    at = torch.cat([x, y], -1).to(offsets.dtype)
    of = best.unsqueeze(-2).expand(*best.shape[:-1], 2, 1)
    within = offsets.flatten(-2).gather(-1, of).squeeze(-1).clamp(-1, 1)
    return ((at + 0.5 + within) * CELL - 1).clamp(-1, 1)


def near(grids: Tensor, at: Tensor, within: float = 0.2) -> Tensor:
    """How probable it is that sticks are close to where they are read.

    Args:
        grids: ``... x 11 x 11`` logits.
        at: ``... x 2``.
        within: How close, of the way from the middle to the end.

    Returns:
        ``...``, 0 to 1.
    """
    share = grids.flatten(-2).softmax(-1).view(grids.shape)
    line = middles().to(grids)
    across = (line - at[..., 0, None])[..., None, :]
    down = (line - at[..., 1, None])[..., :, None]
    # A cell counts by how much of it is close, not all or nothing.
    apart = (across.square() + down.square()).sqrt()
    close = ((within - apart) / CELL + 0.5).clamp(0, 1)
    sure: Tensor = (share * close).sum((-2, -1))
    return sure
