"""``Heads``: from maps of features to what is pressed.

Each element is looked for in the picture first (one map says where it is), and is read off what is
there: so what lit means is learned once, and for all of them.  A stick's cap is looked for where
that stick may be, and its place is measured against the middle and the spread of that area.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import interpolate

from nitropilot.dataset.parsing.answer import BUTTONS, CELL, CELLS, STICKS, THINGS, Answer, middles

if TYPE_CHECKING:
    from torch import Tensor

HIDDEN = 64
TINY = 1e-6
POINT = 0.005
"""Half widths of the picture: nothing is smaller, so nothing is divided by less."""
WIDEST = math.log(0.7)
"""Logarithms: how unsure a stick's place is at most, and at least, in ways from middle to end."""
NARROWEST = math.log(0.04)


class Heads(nn.Module):
    """Reads all elements off two maps.

    Args:
        features: Channels of the coarse map.
        fine: Channels of the fine one.
    """

    def __init__(self, features: int, fine: int) -> None:
        super().__init__()
        self.where = nn.Conv2d(features, THINGS, 1)
        self.lit = nn.Conv2d(features, 1, 1)
        self.caps = nn.Conv2d(fine, STICKS, 1)
        self.element = nn.Parameter(torch.randn(THINGS, HIDDEN) * 0.1)
        self.pooled = nn.Linear(features + 3, HIDDEN)
        self.pressed = nn.Sequential(nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(),
                                     nn.Linear(HIDDEN, 2))  # fmt: skip
        self.lit_counts = nn.Parameter(torch.ones(()))
        self.stick = nn.Sequential(nn.Linear(features + fine + 8, HIDDEN), nn.ReLU(),
                                   nn.Linear(HIDDEN, HIDDEN), nn.ReLU())  # fmt: skip
        self.measured = nn.Linear(HIDDEN, 5)
        self.cells = nn.Linear(HIDDEN, CELLS * CELLS)
        self._begin()

    def _begin(self) -> None:
        """Begin where a picture's plain measure is a sensible answer."""
        for layer in (self.measured, self.cells, self.pressed[-1]):
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)

    def forward(self, coarse: Tensor, fine: Tensor) -> Answer:
        """``coarse``: ``B x C x h x w``; ``fine``: ``B x F x 2h x 2w``."""
        scores = self.where(coarse)
        places = scores.flatten(2).log_softmax(-1)
        weights = places.exp()
        lit = self.lit(coarse)
        seen = coarse.flatten(2).transpose(1, 2)
        pooled = weights @ seen
        glow = (weights @ lit.flatten(2).transpose(1, 2)).squeeze(-1)
        height, width = scores.shape[-2:]
        peaks = scores.flatten(2).amax(-1)
        spread = (weights * places).sum(-1) / math.log(height * width)
        told = torch.cat([pooled, torch.stack([glow, peaks, spread], -1)], -1)
        said = self.pressed(self.pooled(told) + self.element)
        buttons = said[:, :BUTTONS, 0] + self.lit_counts * glow[:, :BUTTONS]
        where = places.view(scores.shape)
        grids, offsets = self._sticks(where[:, BUTTONS:], pooled[:, BUTTONS:], fine)
        return Answer(buttons, grids, offsets, said[..., 1], where, lit.squeeze(1))

    def _sticks(self, places: Tensor, pooled: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
        area = interpolate(places, fine.shape[-2:], mode="bilinear", align_corners=False)
        area = area.flatten(2).log_softmax(-1)
        caps = self.caps(fine).flatten(2)
        # Far from the stick nothing is its cap, however much it looks like one.
        cap = (caps + area).softmax(-1)
        lines = _lines(fine)
        middle, spread = _moments(area.exp(), lines)
        at, width = _moments(cap, lines)
        moved = (at - middle) / spread
        beside = torch.cat([moved, spread.log(), middle, width / spread], -1)
        seen = cap @ fine.flatten(2).transpose(1, 2)
        told = self.measured(hidden := self.stick(torch.cat([pooled, seen, beside], -1)))
        # A disc's spread is half of its radius; its cap covers some of that.
        position = 0.8 * moved * told[..., :2].exp() + told[..., 2:4]
        unsure = (told[..., 4:] - 1.5).clamp(NARROWEST, WIDEST).exp()
        line = middles().to(position)
        across, down = line - position[..., :1], line - position[..., 1:]
        apart = across.square()[..., None, :] + down.square()[..., :, None]
        grids = -apart / (2 * unsure.square()[..., None])
        grids = grids + self.cells(hidden).view(grids.shape)
        right = (-across / CELL)[..., None, :].expand(grids.shape)
        below = (-down / CELL)[..., :, None].expand(grids.shape)
        offsets = torch.stack([right, below], -3)
        return grids, offsets


def _lines(fine: Tensor) -> Tensor:
    """``hw x 2``: x and y of each pixel; the picture's width is 2, its middle 0."""
    height, width = fine.shape[-2:]
    x = (torch.arange(width, device=fine.device) + 0.5) * (2 / width) - 1
    y = (torch.arange(height, device=fine.device) + 0.5) * (2 / width) - height / width
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([columns, rows], -1).flatten(0, 1)


def _moments(weights: Tensor, lines: Tensor) -> tuple[Tensor, Tensor]:
    """Middle and spread, along x and y, of what lies around.

    Args:
        weights: ``B x 2 x hw``, together 1.
        lines: ``hw x 2``.
    """
    middle = weights @ lines
    spread = (weights @ lines.square() - middle.square()).clamp_min(TINY).sqrt()
    return middle, spread + POINT
