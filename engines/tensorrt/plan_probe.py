"""The probe: one chunk whose answer is known, so that a plan is checked where it runs.

A plan is often built on a machine without the card that is to run it, and compilers have
faults.  So the answer of torch in float32 travels with the plan, and an engine that is
opened computes the same chunk first (invariant 5).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.engines.base import Request

if TYPE_CHECKING:
    from nitropilot.engines.base import Array, PolicySpec
    from nitropilot.policy.network.policy import Policy

ALLOWED_ERROR = {"float32": 1e-4, "bfloat16": 2e-2, "int8": 5e-2, "fp8": 5e-2}
"""Relative L2 error of the actions, by precision; in float32 libraries add in another order."""


def probe_request(spec: PolicySpec) -> Request:
    """Waves as a picture and as noise: the same on every machine, unlike random numbers,
    which a version of NumPy may draw differently."""
    shape = (spec.frames, 3, spec.image_size, spec.image_size)
    return Request(
        _waves(shape, 0.37), np.float32(1.4) * _waves((spec.horizon, spec.action_dim), 1.13)
    )


def probe_answer(policy: Policy, spec: PolicySpec) -> tuple[float, ...]:
    """What the policy itself samples for the probe, row by row."""
    import torch  # only where a policy is at hand

    request = probe_request(spec)
    images, noise = (torch.from_numpy(a)[None] for a in (request.observation, request.noise))
    return tuple(policy.sample(images, noise).flatten().tolist())


def relative_error(actions: Array, answer: tuple[float, ...]) -> float:
    """Relative L2 error of actions against the answer of ``probe_answer``; nan is possible."""
    wanted = np.array(answer, np.float64)
    return float(np.linalg.norm(actions.flatten() - wanted) / np.linalg.norm(wanted))


def _waves(shape: tuple[int, ...], pace: float) -> Array:
    waves: Array = np.sin(np.arange(math.prod(shape)) * pace).astype(np.float32)
    return waves.reshape(shape)
