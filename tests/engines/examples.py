"""Observations and errors that the engines' tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.engines.base import PolicySpec
    from nitropilot.policy.network.policy import Policy

    Array = NDArray[np.float32]


def example(policy: Policy | PolicySpec, seed: int = 0) -> tuple[Array, Array]:
    """An observation and noise that fit the policy."""
    rng = np.random.default_rng(seed)
    shape = (policy.frames, 3, policy.image_size, policy.image_size)
    images = rng.uniform(-1, 1, shape).astype(np.float32)
    return images, rng.standard_normal((policy.horizon, policy.action_dim), np.float32)


def sampled(policy: Policy, images: Array, noise: Array, **options: Any) -> Array:
    """What the policy itself makes of them."""
    batch = torch.from_numpy(images)[None], torch.from_numpy(noise)[None]
    answer: Array = policy.sample(*batch, **options)[0].numpy()
    return answer


def relative(found: Array, wanted: Array, noise: Array | None = None) -> float:
    """Relative L2 error; with the noise, of the movement away from it."""
    start = 0.0 if noise is None else noise
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted - start))
