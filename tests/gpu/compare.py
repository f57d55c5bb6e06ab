"""What the tests and the benchmark on a card share: examples, errors, the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nitropilot.engines.base import Prefix, Request
from nitropilot.policy.actions import decode

if TYPE_CHECKING:
    from nitropilot.engines.base import Array, PolicySpec
    from nitropilot.policy.network.policy import Policy


def example(policy: Policy | PolicySpec, seed: int = 0, **options: Any) -> Request:
    """A made-up frame and noise that fit the policy."""
    rng = np.random.default_rng(seed)
    shape = (policy.frames, 3, policy.image_size, policy.image_size)
    images = rng.uniform(-1, 1, shape).astype(np.float32)
    noise = rng.standard_normal((policy.horizon, policy.action_dim), np.float32)
    return Request(images, noise, **options)


def prefix(policy: Policy, kept: int) -> Prefix:
    """The first actions of a chunk, fixed."""
    weights = np.zeros(policy.horizon, np.float32)
    weights[:kept] = 1
    actions = np.full((policy.horizon, policy.action_dim), 0.25, np.float32)
    return Prefix(actions, weights)


def reference(policy: Policy, request: Request) -> Array:
    """What the policy itself makes of a request, in float32 on the processor."""
    images = torch.from_numpy(request.observation)[None]
    answer: Array = policy.sample(
        images, torch.from_numpy(request.noise)[None], game=request.game,
        dropped=request.dropped, cfg_scale=request.cfg_scale,
    )[0].numpy()  # fmt: skip
    return answer


def relative(found: Array, wanted: Array, start: Array | float = 0.0) -> float:
    """Relative L2 error; with the noise as the start, of the movement away from it."""
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted - start))


def same_buttons(found: Array, wanted: Array) -> float:
    """The share of button decisions that are the same, from 0 to 1."""
    return float((decode(found).buttons == decode(wanted).buttons).mean())
