"""``Objective``: all that a step minimises, as one module."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from nitropilot.training.objective.flow import flow_loss

if TYPE_CHECKING:
    from nitropilot.policy.network.policy import Policy
    from nitropilot.training.batch import Batch
    from nitropilot.training.objective.anchor import Anchor
    from nitropilot.training.objective.draws import Draw


class Shares(NamedTuple):
    """How much a process's errors count: 1 where one process has the whole batch.

    Attributes:
        flow: That of the flow, a mean over what counts.
        anchor: The distance to the base, a mean over samples.
    """

    flow: float = 1.0
    anchor: float = 1.0


class Objective(torch.nn.Module):
    """What a step minimises, as one module: that is what processes share.

    Args:
        policy: Is trained.
        anchor: What it is held near to; None for nothing.
    """

    def __init__(self, policy: Policy, anchor: Anchor | None = None) -> None:
        super().__init__()
        self.policy = policy
        self._anchor = anchor

    def forward(self, batch: Batch, drawn: Draw, shares: Shares) -> torch.Tensor:
        """A scalar.

        Args:
            batch: What is learned from.
            drawn: What it is looked at with.
            shares: How much this process's errors count.
        """
        if self._anchor is None:
            return flow_loss(self.policy, batch, drawn) * shares.flow
        error, distance = self._anchor.errors(self.policy, batch, drawn)
        return error * shares.flow + distance * (self._anchor.weight * shares.anchor)
