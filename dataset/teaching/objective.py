"""What training minimises; what a controller does not show is not taught.

buttons    cross-entropy of each that is shown
sticks     cross-entropy of the grid's cells, and how far the offset in the true one is off
shown      cross-entropy: does it have it
dense      where each element is (cross-entropy with its place, all of it alike), and whether
           what is there is lit
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    smooth_l1_loss,
)

from nitropilot.dataset.parsing.answer import BUTTONS, STICKS, THINGS, cells_of
from nitropilot.dataset.styles.sample import ELEMENTS

if TYPE_CHECKING:
    from torch import Tensor

    from nitropilot.dataset.parsing.answer import Answer
    from nitropilot.dataset.teaching.batches import Batch

SHOWN, OFFSET, GRID, LIT = 0.2, 0.3, 0.25, 1.0
"""What each counts beside the buttons; cells have more to choose from than a button."""
PLACE = 0.4
"""Nothing is read before it is found: with 0.05, 6,000 samples taught next to nothing."""
THUMBS = tuple(
    (ELEMENTS.index(f"{side}_thumb"), ELEMENTS.index(f"{side}_stick")) for side in ("left", "right")
)
"""A stick that is pressed lies where the stick is."""


class Losses(NamedTuple):
    """Means over a batch; 0 where nothing of it is shown."""

    buttons: Tensor
    grid: Tensor
    offset: Tensor
    shown: Tensor
    place: Tensor
    lit: Tensor

    def total(self, dense: float) -> Tensor:
        """What is minimised.

        Args:
            dense: What ``place`` and ``lit`` count.
        """
        sure = self.buttons + GRID * self.grid + OFFSET * self.offset + SHOWN * self.shown
        return sure + dense * (PLACE * self.place + LIT * self.lit)


def losses(answer: Answer, batch: Batch, *, dense: bool = True) -> Losses:
    """How wrong an answer is.

    Args:
        answer: Of the network.
        batch: The truth.
        dense: Whether places are taught; without it the last two are 0.
    """
    shown, sticks = batch.shown_buttons, batch.shown_sticks
    pressed = batch.buttons.to(answer.buttons.dtype)
    button = binary_cross_entropy_with_logits(answer.buttons, pressed, reduction="none")
    cells, offsets = cells_of(batch.sticks.view(-1, STICKS, 2))
    grid = cross_entropy(
        answer.grids.flatten(0, 1).flatten(1), cells.flatten(), reduction="none"
    ).view(-1, STICKS)
    of = cells[:, :, None, None].expand(-1, -1, 2, 1)
    said = answer.offsets.flatten(-2).gather(-1, of).squeeze(-1)
    off = smooth_l1_loss(said, offsets, reduction="none").sum(-1)
    everything = torch.cat([shown, sticks], 1)
    seen = binary_cross_entropy_with_logits(answer.shown, everything.to(answer.shown.dtype))
    place = lit = answer.buttons.new_zeros(())
    if dense:
        where = targets(batch.places, tuple(answer.places.shape[-2:]))
        there = (where.sum((-2, -1)) > 0.5) & everything
        place = _mean(-(where * answer.places).sum((-2, -1)), there)
        both = binary_cross_entropy_with_logits(
            answer.lit[:, None].expand(-1, BUTTONS, -1, -1),
            pressed[..., None, None].expand(-1, -1, *answer.lit.shape[-2:]),
            weight=where[:, :BUTTONS], reduction="none",
        )  # fmt: skip
        lit = _mean(both.sum((-2, -1)), there[:, :BUTTONS])
    return Losses(_mean(button, shown), _mean(grid, sticks), _mean(off, sticks), seen, place, lit)


def targets(places: Tensor, size: tuple[int, ...]) -> Tensor:
    """Where each element is, as a share of all of its place.

    Args:
        places: ``B x H x W`` uint8, as in ``Sample``.
        size: Height and width of the maps; they divide those of ``places``.

    Returns:
        ``B x 19 x h x w``: in the whole picture together 1, or all 0 where it is not.
    """
    (count, tall, wide), (height, width) = places.shape, size
    rows = torch.arange(tall, device=places.device) // (tall // height)
    columns = torch.arange(wide, device=places.device) // (wide // width)
    cells = rows[:, None] * width + columns
    whole = height * width * (THINGS + 1)
    numbers = torch.arange(count, device=places.device)[:, None, None] * whole
    numbers = (numbers + cells * (THINGS + 1) + places).flatten()
    counts = torch.bincount(numbers, minlength=count * whole).float()
    counts = counts.view(count, height, width, THINGS + 1)[..., 1:]
    where = counts.permute(0, 3, 1, 2).contiguous()
    for thumb, stick in THUMBS:
        alone = where[:, thumb].sum((-2, -1), keepdim=True) > 0
        where[:, thumb] = torch.where(alone, where[:, thumb], where[:, stick])
    return where / where.sum((-2, -1), keepdim=True).clamp_min(1e-9)


def _mean(values: Tensor, counts: Tensor) -> Tensor:
    """Of those that count."""
    return torch.where(counts, values, 0).sum() / counts.sum().clamp_min(1)
