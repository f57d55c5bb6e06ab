"""The network that sees controllers: cues of a view in, what its cells say out.

Strided convolutions with a shortcut each (He and others 2016) down to a thirty-second, so that a
cell knows all about it, and back up to a quarter by adding what is finer (Lin and others 2017).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from nitropilot.dataset.detecting.boxes import CELL, SIDES, Said
from nitropilot.dataset.detecting.view import CHANNELS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

WIDTHS = (16, 32, 64, 96, 96)
"""Channels at a half, a quarter, ... a thirty-second of the view."""
JOINED = 32
"""Channels at which these are added."""
RARE = 0.01
"""What cells say at first of being near to a controller: hardly any is."""
LARGEST = 5.0
"""Largest power of e, in cells, that a side can be away: more than any view is wide."""


class Answer(NamedTuple):
    """What a batch of views is said to hold: as ``Said``, logits where shares are meant.

    Attributes:
        near: ``B x h x w`` logits.
        sides: ``B x 4 x h x w`` pixels.
        inside: ``B x h x w`` logits.
    """

    near: Tensor
    sides: Tensor
    inside: Tensor


class Network(nn.Module):
    """Fully convolutional; sides of a view are multiples of 32.

    Args:
        widths: As ``WIDTHS``; smaller in tests.
        joined: As ``JOINED``.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS, joined: int = JOINED) -> None:
        super().__init__()
        self.widths, self.joined = widths, joined
        self.stem = _Step(CHANNELS, widths[0], around=False)
        self.steps = nn.ModuleList(_Step(before, after) for before, after in pairwise(widths))
        self.sideways = nn.ModuleList(nn.Conv2d(width, joined, 1) for width in widths[1:])
        self.last = _Block(joined)
        self.out = nn.Conv2d(joined, 2 + SIDES, 1)
        nn.init.zeros_(self.out.weight)
        rare = float(np.log(RARE / (1 - RARE)))
        self.out.bias = nn.Parameter(torch.tensor([rare, *[2.0] * SIDES, -2.0]))

    def forward(self, cues: Tensor) -> Answer:
        """``cues``: ``B x CHANNELS x H x W`` uint8."""
        seen = self.stem(cues.float() / 127.5 - 1)
        levels = []
        for step in self.steps:
            seen = step(seen)
            levels.append(seen)
        joined = self.sideways[-1](levels[-1])
        for level, sideways in zip(levels[-2::-1], list(self.sideways)[-2::-1], strict=True):
            larger = F.interpolate(joined, scale_factor=2.0, mode="nearest")
            joined = larger + sideways(level)
        said = self.out(self.last(joined))
        sides = torch.exp(said[:, 1 : 1 + SIDES].clamp(max=LARGEST)) * CELL
        return Answer(said[:, 0], sides, said[:, -1])

    @torch.no_grad()
    def say(self, cues: NDArray[np.uint8]) -> Said:
        """What is in one view, ``CHANNELS x H x W``."""
        answer = self(torch.from_numpy(np.ascontiguousarray(cues))[None])
        near, inside = (torch.sigmoid(each)[0].numpy() for each in (answer.near, answer.inside))
        return Said(near, answer.sides[0].numpy(), inside)


class _Step(nn.Module):
    """Half as large, and looked around."""

    def __init__(self, before: int, after: int, *, around: bool = True) -> None:
        super().__init__()
        self.down = nn.Conv2d(before, after, 3, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.around = _Block(after) if around else nn.Identity()

    def forward(self, seen: Tensor) -> Tensor:
        found: Tensor = self.around(F.relu(self.norm(self.down(seen)), inplace=True))
        return found


class _Block(nn.Module):
    """Two convolutions, added to what they were made of."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)

    def forward(self, seen: Tensor) -> Tensor:
        found = F.relu(self.first_norm(self.first(seen)), inplace=True)
        return F.relu(seen + self.second_norm(self.second(found)), inplace=True)
