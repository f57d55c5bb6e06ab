"""``MovingAverage``: the weights that play.  The raw ones serve to train on, and nothing else.

The average of n updates decays by ``min(decay, (1 + n) / (10 + n))``: the first updates count
much, so that the average of a short run is of trained weights and not of those it began with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from nitropilot.policy.network.policy import Policy
from nitropilot.training.optimise.lora import merged
from nitropilot.training.processes.sharing import part_like, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


class MovingAverage:
    """An exponential moving average of a policy's weights.

    Args:
        policy: Where it begins; the weights that are trained are copied, the others never move.
        decay: How much of the average an update leaves, once it is warm.

    Attributes:
        updates: How many there were.
    """

    def __init__(self, policy: Policy, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self._average = {
            name: parameter.detach().clone()
            for name, parameter in policy.named_parameters()
            if parameter.requires_grad
        }

    def decay_now(self) -> float:
        """The decay of the next update."""
        return min(self.decay, (1 + self.updates) / (10 + self.updates))

    @torch.no_grad()
    def update(self, policy: Policy) -> None:
        """Take a policy's weights into the average; those that are frozen stay."""
        share = 1.0 - self.decay_now()
        for name, parameter in policy.named_parameters():
            if parameter.requires_grad:
                self._average[name].lerp_(parameter.detach(), share)
        self.updates += 1

    def policy(self, like: Policy) -> Policy:
        """A policy with the averaged weights, which it shares: it is to be used, not trained.

        Adapters are added to the weights that they belong to.  Of weights that are spread over
        several processes each gets the whole, and all of them have to ask.

        Args:
            like: What it is a policy of: sizes, names and buffers are taken from there.
        """
        with torch.device("meta"):
            averaged = Policy(like.config, like.sizes)
        weights = dict(like.state_dict()) | self._average
        plain = merged(like, {name: whole(weight) for name, weight in weights.items()})
        averaged.load_state_dict(plain, strict=True, assign=True)
        averaged.name, averaged.games, averaged.raw_config = like.name, like.games, like.raw_config
        return averaged.requires_grad_(False).eval()

    def state(self) -> dict[str, Tensor]:
        """The averaged weights by name: those that are trained."""
        return self._average

    @torch.no_grad()
    def load(self, weights: Mapping[str, Tensor], updates: int) -> None:
        """Go on with an average that was kept."""
        for name, average in self._average.items():
            average.copy_(part_like(weights[name], average))
        self.updates = updates
