"""What the pocket policy is taught with: the flow of ``training.objective``, and heads beside it.

    flow     masked mean square error of the velocity, at several times of each picture, one from
             each stretch of equal chance; channels that no game uses count little
    head     square error of the actions, and cross-entropy over stretches of each channel
    chart    cross-entropy of what is where, cell by cell; a cell that holds something counts more

Buttons are taught as -0.5 and 1.5 in place of 0 and 1: they are pressed above 0.5 all the same, and
an answer that is a little off is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from nitropilot.pocket.learning.network import BINS
from nitropilot.policy.actions import TOKENS
from nitropilot.training.objective.flow import masked_error, velocities
from nitropilot.training.objective.times import TimeDistribution

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from nitropilot.pocket.learning.network import Head
    from nitropilot.policy.network.policy import Policy

WIDER = 2.0
"""How far apart the two values of a button are taught."""
UNUSED = 0.02
"""What a channel counts that is the same in all data."""


HELD = 6.0
"""What a cell counts that holds something, beside one that does not: most hold nothing."""


@dataclass(frozen=True)
class Look:
    """How a batch of B pictures is looked at, K times each; the first B rows are its first times.

    Attributes:
        noise: ``K*B x T x A``.
        times: K*B.
    """

    noise: Tensor
    times: Tensor


def look(
    rng: np.random.Generator, batch: int, times: int, horizon: int, channels: int,
    distribution: TimeDistribution,
) -> Look:  # fmt: skip
    """Draw noise and times; of the times of a picture each is from another stretch."""
    stretch = np.stack([rng.permutation(times) for _ in range(batch)])
    chance = (stretch + rng.random((batch, times))) / times
    noise = rng.standard_normal((times * batch, horizon, channels), dtype=np.float32)
    return Look(
        torch.from_numpy(noise),
        torch.from_numpy(distribution.at(chance).T.reshape(-1).copy()),
    )


def widened(actions: Tensor) -> Tensor:
    """Actions with their buttons further apart."""
    wide = actions.clone()
    wide[..., : len(TOKENS)] = (wide[..., : len(TOKENS)] - 0.5) * WIDER + 0.5
    return wide


def channel_weights(used: NDArray[np.bool_], sticks: float) -> Tensor:
    """What each channel counts, A.

    Args:
        used: Which are not the same in all data.
        sticks: What a stick's counts beside a button's.  A button goes from -0.5 to 1.5 and a
            stick from 0 to 1: with 4 the error of both is measured alike.
    """
    weights = np.where(used, 1.0, UNUSED).astype(np.float32)
    weights[len(TOKENS) :] *= np.where(used[len(TOKENS) :], sticks, 1.0)
    return torch.from_numpy(weights)


def flow_error(
    policy: Policy, context: Tensor, actions: Tensor, weights: Tensor, seen: Look
) -> Tensor:
    """The flow's loss of a batch.

    Args:
        policy: The network.
        context: ``B x L x W``.
        actions: ``B x T x A`` in [0, 1].
        weights: A.
        seen: Its noise and times.
    """
    many = len(seen.times) // len(actions)
    kvs = [
        None if one is None else (one[0].repeat(many, 1, 1, 1), one[1].repeat(many, 1, 1, 1))
        for one in policy.cross_keys_values(context)
    ]
    target = widened(actions).repeat(many, 1, 1)
    mixed = torch.lerp(seen.noise, target, seen.times[:, None, None])
    answer = velocities(policy, mixed, seen.times, kvs)
    return masked_error(answer, target - seen.noise, weights.expand_as(target))


def head_error(head: Head, context: Tensor, actions: Tensor, used: Tensor) -> Tensor:
    """The head's loss of a batch; ``used`` are the numbers of the channels that it says."""
    wanted = actions[..., used]
    values, logits = head(context)
    bins = (wanted * (BINS - 1)).round().long()
    chosen = F.cross_entropy(logits.flatten(0, 2), bins.flatten())
    return F.mse_loss(values, 2.0 * wanted - 1.0) + 0.5 * chosen


def chart_error(said: Tensor, charts: Tensor) -> Tensor:
    """The loss of what a batch says is where: logits and 0 or 1, ``B x L x KINDS x cells``."""
    return F.binary_cross_entropy_with_logits(said, charts, pos_weight=torch.tensor(HELD))
