"""``Parser``: the network as a whole, of either kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from nitropilot.dataset.parsing.answer import BUTTONS, STICKS, Answer
from nitropilot.dataset.parsing.heads import Heads
from nitropilot.dataset.parsing.segformer import SegformerEncoder
from nitropilot.dataset.parsing.small import SmallEncoder

if TYPE_CHECKING:
    from torch import Tensor

    from nitropilot.dataset.parsing.shape import Shape


class Parser(nn.Module):
    """Says what is pressed on a controller that it has never seen.

    Args:
        shape: What it is made of.

    Attributes:
        sharpness: ``17 + 2``: by what logits of buttons and of grids are divided so that they are
            as sure as they are right; see ``calibration``.
        bias: What is added to buttons' logits, so that 0 divides best.
    """

    sharpness: Tensor
    bias: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kind = SegformerEncoder if shape.encoder == "segformer" else SmallEncoder
        self.encoder = kind(shape)
        self.heads = Heads(shape.features, shape.fine)
        self.register_buffer("sharpness", torch.ones(BUTTONS + STICKS))
        self.register_buffer("bias", torch.zeros(()))
        for each in self.parameters():
            if each.ndim == 4:  # as its convolutions are quickest
                each.data = each.data.contiguous(memory_format=torch.channels_last)

    def forward(self, pictures: Tensor, reference: Tensor) -> Answer:
        """What is pressed in the second of each pair.

        Args:
            pictures: ``B x 2 x H x W x 3`` uint8, RGB.
            reference: ``B x H x W x 3`` uint8.
        """
        parts = [pictures[:, 0], pictures[:, 1], reference][: self.shape.pictures]
        # Side by side in each pixel they already are as channels-last convolutions want them.
        seen = torch.cat(parts, -1).float().mul_(1 / 255).sub_(0.5)
        coarse, fine = self.encoder(seen.permute(0, 3, 1, 2))
        with torch.autocast(seen.device.type, enabled=False):  # places need all digits
            answer: Answer = self.heads(coarse.float(), fine.float())
        return answer

    @torch.inference_mode()
    def say(self, pictures: Tensor, reference: Tensor) -> Answer:
        """The same, as sure as it is right, on the processor and in full precision."""
        device = self.bias.device
        answer = self.calibrated(self(pictures.to(device), reference.to(device)))
        return Answer(*(each.float().cpu() for each in answer))

    def calibrated(self, answer: Answer) -> Answer:
        """The same, as sure as it is right."""
        buttons = answer.buttons / self.sharpness[:BUTTONS] + self.bias
        grids = answer.grids / self.sharpness[BUTTONS:, None, None]
        return answer._replace(buttons=buttons, grids=grids)


def fresh(shape: Shape, seed: int) -> Parser:
    """A network before it has learned anything."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Parser(shape)
