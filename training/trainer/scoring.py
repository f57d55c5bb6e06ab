"""How well a policy answers what was held out: loss, buttons, sticks.

None of it says how well it plays: of two policies the one with the lower loss is often not the
better player.  It says whether a run learns at all, and where it fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from nitropilot.policy.actions import TOKENS
from nitropilot.training.objective.draws import VALIDATION, draw
from nitropilot.training.objective.flow import flow_loss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nitropilot.policy.actions import Layout
    from nitropilot.policy.network.policy import Policy
    from nitropilot.training.batch import Batch
    from nitropilot.training.data.dataset import Dataset
    from nitropilot.training.objective.times import TimeDistribution

STICKS = ("left_x", "left_y", "right_x", "right_y")
LEAST_VARIANCE = 1e-6
"""Of a stick's axis; one that hardly moves has no meaningful R2."""


@dataclass(frozen=True)
class Scores:
    """What was found.

    Attributes:
        loss: The objective's, with noise and times that are always the same.
        f1: F1 of each button that was pressed, in truth or by the policy.
        r2: Coefficient of determination of each axis that moved; 0 is always the mean.
        samples: Over how many.
    """

    loss: float
    f1: dict[str, float]
    r2: dict[str, float]
    samples: int

    @property
    def mean_f1(self) -> float | None:
        """Mean over the buttons; None without any."""
        return float(np.mean([*self.f1.values()])) if self.f1 else None

    @property
    def mean_r2(self) -> float | None:
        """Mean over the axes; None without any."""
        return float(np.mean([*self.r2.values()])) if self.r2 else None


def score(
    policy: Policy,
    dataset: Dataset,
    samples: Sequence[int],
    distribution: TimeDistribution,
    batch_size: int,
    device: torch.device,
) -> Scores:
    """Ask a policy about samples.

    Args:
        policy: Whose averaged weights are asked; on ``device``.
        dataset: Has the samples.
        samples: Their numbers, at least one.
        distribution: Of the times.
        batch_size: Samples at a time.
        device: Where it computes.
    """
    total, counted = 0.0, 0.0
    wanted, found, known = [], [], []
    for start in range(0, len(samples), batch_size):
        batch = dataset.batch(samples[start : start + batch_size]).to(device)
        loss, chunk = _ask(policy, batch, start, distribution)
        weight = float(batch.weights.sum())
        total, counted = total + loss * weight, counted + weight
        wanted.append(batch.actions.cpu().numpy())
        found.append(chunk)
        known.append((batch.weights.sum(-1) > 0).cpu().numpy())
    truth, said, there = map(np.concatenate, (wanted, found, known))
    f1, r2 = compare(truth[there], said[there], dataset.wish.layout)
    return Scores(total / max(counted, 1e-8), f1, r2, len(samples))


@torch.no_grad()
def _ask(
    policy: Policy, batch: Batch, start: int, distribution: TimeDistribution
) -> tuple[float, NDArray[np.float32]]:
    shape = (len(batch), policy.horizon, policy.action_dim)
    drawn = draw((0, VALIDATION, start), shape, distribution).to(batch.frames.device)
    loss = float(flow_loss(policy, batch, drawn))
    games = None if batch.games is None else batch.games.tolist()
    dropped = None if batch.keep is None else ~batch.keep
    chunk = policy.sample(batch.images(), drawn.noise, game=games, dropped=dropped)
    return loss, chunk.cpu().numpy()


def compare(
    truth: NDArray[np.float32], said: NDArray[np.float32], layout: Layout
) -> tuple[dict[str, float], dict[str, float]]:
    """F1 of each button and R2 of each axis.

    Args:
        truth: ``n x A`` actions as they were.
        said: ``n x A`` actions as the policy has them.
        layout: Of both.
    """
    if not len(truth):
        return {}, {}
    one, other = layout.read(truth), layout.read(said)
    f1 = {}
    for place, name in enumerate(TOKENS):
        pressed, presses = one.buttons[:, place], other.buttons[:, place]
        right = int((pressed & presses).sum())
        wrong = int((pressed ^ presses).sum())
        if right + wrong:
            f1[name] = 2 * right / (2 * right + wrong)
    axes = zip(
        STICKS,
        np.concatenate([one.j_left, one.j_right], -1).T.astype(np.float64),
        np.concatenate([other.j_left, other.j_right], -1).T.astype(np.float64),
        strict=True,
    )
    r2 = {
        name: 1.0 - float(((was - is_) ** 2).mean() / was.var())
        for name, was, is_ in axes
        if was.var() > LEAST_VARIANCE
    }
    return f1, r2
