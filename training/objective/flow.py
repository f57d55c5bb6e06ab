"""Conditional flow matching (Lipman et al. 2023) over the network of a policy.

    x_t = (1 - t) noise + t actions        what the network is shown, and t
    v   = actions - noise                  what it is to answer
    L   = sum(w (v' - v)^2) / sum(w)       over all real channels and steps, w their weights

``Policy.sample`` integrates the answer from noise at t = 0 to actions at t = 1, so training and
playing share every weight and every module; only the timestep differs here from sample to sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from nitropilot.policy.network.policy import UNCONDITIONAL

if TYPE_CHECKING:
    from torch import Tensor

    from nitropilot.policy.network.policy import Policy
    from nitropilot.policy.network.transformer import KeyValue
    from nitropilot.training.batch import Batch
    from nitropilot.training.objective.draws import Draw

LEAST_WEIGHT = 1e-8
"""Divides the error of a batch in which nothing counts, which is 0 then."""


def flow_loss(policy: Policy, batch: Batch, draw: Draw) -> Tensor:
    """The masked mean squared error of the velocity: a scalar that can be differentiated."""
    return flow_error(answered(policy, batch, draw), batch, draw)


def answered(policy: Policy, batch: Batch, draw: Draw) -> Tensor:
    """The velocity that a policy answers, ``B x T x A`` float32."""
    x = noisy_actions(batch.actions, draw)
    return velocities(policy, x, draw.times, context_of(policy, batch, draw)).float()


def flow_error(answer: Tensor, batch: Batch, draw: Draw) -> Tensor:
    """How far an answer is from the velocity that leads to the actions."""
    return masked_error(answer, batch.actions - draw.noise, batch.weights)


def masked_error(answer: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of squared differences; all three ``B x T x A``."""
    return (weights * (answer - target).square()).sum() / weights.sum().clamp(min=LEAST_WEIGHT)


def noisy_actions(actions: Tensor, draw: Draw) -> Tensor:
    """``x_t``, ``B x T x A``; noise alone where actions are hidden."""
    times = draw.times[:, None, None]
    mixed = torch.lerp(draw.noise, actions, times)
    return torch.where(draw.hide_actions[..., None], draw.noise, mixed)


def context_of(policy: Policy, batch: Batch, draw: Draw) -> list[KeyValue | None]:
    """The keys and values of a batch's frames and games."""
    rows = batch.games
    if rows is not None:
        rows = torch.where(draw.hide_game, UNCONDITIONAL, rows)
    tokens = policy.image_tokens(batch.images().to(policy.action_encoder.W1.W.dtype))
    return policy.cross_keys_values(policy.context(tokens, rows, batch.keep))


def velocities(
    policy: Policy, x: Tensor, times: Tensor, keys_values: list[KeyValue | None]
) -> Tensor:
    """What the network answers at times of their own.

    Args:
        policy: The network.
        x: ``B x T x A``.
        times: B, one a sample, or ``B x T``, one an action; in [0, 1).
        keys_values: Of the context.

    Returns:
        ``B x T x A``.
    """
    model = policy.config.model_cfg
    timesteps = (times * model.num_timestep_buckets).long()
    blocks, out = policy.model.modulations(timesteps.flatten())
    time = policy.action_encoder.time_half(timesteps.flatten())
    tokens = policy.action_encoder(x, _beside(time, timesteps))
    if model.add_pos_embed:
        tokens = tokens + policy.position_embedding.weight[: x.shape[1]]
    modulations = [_beside(block, timesteps) for block in blocks]
    hidden = policy.model(tokens, keys_values, modulations, _beside(out, timesteps))
    answer: Tensor = policy.action_decoder(hidden)
    return answer


def _beside(rows: Tensor, timesteps: Tensor) -> Tensor:
    """Rows of flattened timesteps as ``B x 1 x W`` or ``B x T x W``."""
    shaped = rows.reshape(*timesteps.shape, rows.shape[-1])
    return shaped if timesteps.ndim == 2 else shaped.unsqueeze(1)
