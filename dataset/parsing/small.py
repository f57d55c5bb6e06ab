"""The small encoder: convolutions down to 6 x 8 and back up, for a processor without a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import interpolate

if TYPE_CHECKING:
    from torch import Tensor

    from nitropilot.dataset.parsing.shape import Shape


def block(inner: int, outer: int, stride: int = 1, side: int = 3) -> nn.Sequential:
    """A convolution with its normalisation."""
    return nn.Sequential(
        nn.Conv2d(inner, outer, side, stride, side // 2, bias=False), nn.BatchNorm2d(outer),
        nn.ReLU(inplace=True),
    )  # fmt: skip


class Residual(nn.Module):
    """Two convolutions beside what goes past them (He et al. 2015)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = block(width, width)
        last = nn.BatchNorm2d(width)
        nn.init.zeros_(last.weight)  # begins as if it were not there
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), last)

    def forward(self, map_: Tensor) -> Tensor:
        """``B x C x h x w`` to the same."""
        return torch.relu(map_ + self.second(self.first(map_)))


class SmallEncoder(nn.Module):
    """From pictures to a coarse map (a quarter of their sides) and a fine one (half of them).

    Beside the reference it is given what has changed against it: that is what a press is.

    Args:
        shape: Four widths and three depths.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        one, two, three, four = shape.widths
        self.reference = shape.reference
        self.stem = nn.Sequential(block(3 * shape.pictures + 2, one, 2), block(one, one))
        stages = zip((one, two, three), (two, three, four), shape.depths, strict=True)
        self.stages = nn.ModuleList(
            nn.Sequential(block(inner, outer, 2), *(Residual(outer) for _ in range(depth)))
            for inner, outer, depth in stages
        )
        width = shape.features
        self.sides = nn.ModuleList(nn.Conv2d(each, width, 1) for each in (two, three, four))
        self.whole = nn.Linear(four, four)
        self.middle, self.coarse = block(width, width), block(width, width)
        self.down, self.fine = nn.Conv2d(width, shape.fine, 1), block(shape.fine, shape.fine)
        self.past = nn.Conv2d(one, shape.fine, 1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """``B x (3 N) x H x W`` of -0.5 to 0.5: before, now, reference where there is one."""
        pixels = pictures.permute(0, 2, 3, 1)  # as they lie in memory
        before, now = pixels[..., :3], pixels[..., 3:6]
        if self.reference:
            reference = pixels[..., 6:]
            seen = [now, 2 * (now - reference), 2 * (before - reference)]
        else:
            seen = [now, 2 * (now - before)]
        first = self.stem(torch.cat([*seen, _axes(now)], -1).permute(0, 3, 1, 2))
        second = self.stages[0](first)
        third = self.stages[1](second)
        fourth = self.stages[2](third)
        fourth = fourth + self.whole(fourth.mean((2, 3)))[..., None, None]
        up = self.sides[1](third) + _larger(self.sides[2](fourth))
        coarse = self.coarse(self.sides[0](second) + _larger(self.middle(up)))
        return coarse, self.fine(self.past(first) + _larger(self.down(coarse)))


def _axes(pixels: Tensor) -> Tensor:
    """Where each pixel is: ``B x H x W x 2``."""
    height, width = pixels.shape[1:3]
    y = torch.linspace(-1, 1, height, device=pixels.device, dtype=pixels.dtype)
    x = torch.linspace(-1, 1, width, device=pixels.device, dtype=pixels.dtype)
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij"), -1)
    return grid.expand(len(pixels), -1, -1, -1)


def _larger(map_: Tensor) -> Tensor:
    return interpolate(map_, scale_factor=2, mode="nearest")
