"""All that is random in the objective, as a pure function of seed and step.

What is drawn depends on nothing that was drawn before, so a run that is gone on with draws what
the uninterrupted one would, on every device, and several processes can each take their rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from nitropilot.training.objective.times import TimeDistribution

FLOW, VALIDATION = 1, 2
"""Streams: different purposes never share their numbers."""


@dataclass(frozen=True)
class Dropout:
    """What is hidden from the network, so that it can be guided, or has to look.

    Attributes:
        game: Share of samples whose game is hidden (the unconditional row), which is what
            classifier-free guidance needs (Ho and Salimans 2022).
        actions: Share of steps whose noisy action is replaced by its noise alone: what they
            should be has to be seen in the frame, and not in their neighbours.
    """

    game: float = 0.0
    actions: float = 0.0


@dataclass(frozen=True)
class Draw:
    """What a batch is looked at with.

    Attributes:
        noise: ``B x T x A`` standard normal.
        times: B in [0, 1): 0 is noise, 1 would be the actions.
        hide_game: B bool.
        hide_actions: ``B x T`` bool.
    """

    noise: Tensor
    times: Tensor
    hide_game: Tensor
    hide_actions: Tensor

    def to(self, device: torch.device) -> Draw:
        """The same on a device."""
        return Draw(
            self.noise.to(device),
            self.times.to(device),
            self.hide_game.to(device),
            self.hide_actions.to(device),
        )

    def first(self, count: int) -> Draw:
        """Of the first ``count`` samples."""
        return self.rows(slice(0, count))

    def only(self, place: int) -> Draw:
        """Of one sample."""
        return self.rows(slice(place, place + 1))

    def rows(self, part: slice) -> Draw:
        """Of some samples."""
        return Draw(
            self.noise[part], self.times[part], self.hide_game[part], self.hide_actions[part]
        )


def draw(
    key: tuple[int, ...],
    shape: tuple[int, int, int],
    distribution: TimeDistribution,
    dropout: Dropout | None = None,
) -> Draw:
    """Draw for a batch.

    Args:
        key: Seed, stream and step: the same key draws the same.
        shape: B, T and A.
        distribution: Of the times.
        dropout: What to hide; nothing when None.
    """
    hidden = dropout or Dropout()
    rng = np.random.default_rng(key)
    noise = rng.standard_normal(shape, dtype=np.float32)
    times = distribution.draw(rng, shape[:1])
    hide_game = rng.random(shape[0]) < hidden.game
    hide_actions = rng.random(shape[:2]) < hidden.actions
    return Draw(
        torch.from_numpy(noise),
        torch.from_numpy(times),
        torch.from_numpy(hide_game),
        torch.from_numpy(hide_actions),
    )
