"""The policy: network, checkpoints, the action layout and the observation.

Importing this package loads neither torch nor OpenCV; the parts that need them load
when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.policy.errors import CheckpointError, ObservationError, PolicyError
from nitropilot.policy.euler import check_steps
from nitropilot.policy.naming import parse_random, random_fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nitropilot.policy.files.summary import PolicySummary
    from nitropilot.policy.network.policy import Policy

__all__ = [
    "CheckpointError",
    "ObservationError",
    "PolicyError",
    "describe",
    "fingerprint",
    "load_policy",
    "open_policy",
    "random_policy",
    "save_policy",
]


def load_policy(
    path: Path | str, device: str = "cpu", *, games: Mapping[str, int] | None = None
) -> Policy:
    """Load a checkpoint: see ``policy.files.checkpoint.load_policy``."""
    from nitropilot.policy.files.checkpoint import load_policy

    return load_policy(path, device, games=games)


def save_policy(policy: Policy, path: Path | str) -> None:
    """Write a policy as safetensors: see ``policy.files.checkpoint.save_policy``."""
    from nitropilot.policy.files.checkpoint import save_policy

    save_policy(policy, path)


def random_policy(size: str = "tiny", seed: int = 0, device: str = "cpu") -> Policy:
    """A policy with random weights: see ``policy.network.random_weights``."""
    from nitropilot.policy.network.random_weights import make_random_policy

    return make_random_policy(size, seed, device)


def describe(path: Path | str, *, digest: bool = True) -> PolicySummary:
    """A checkpoint's facts: see ``policy.files.summary.describe``."""
    from nitropilot.policy.files.summary import describe

    return describe(path, digest=digest)


def open_policy(text: str, device: str = "cpu", steps: int | None = None) -> Policy:
    """A policy as commands name it: see ``policy.naming``.

    Args:
        text: Its name.
        device: Where its weights go.
        steps: Euler steps of its sampler, in place of its own number.

    Raises:
        PolicyError: There is no such random policy, or no sampler takes so many steps.
        CheckpointError: The file cannot be loaded.
    """
    chosen = parse_random(text)
    policy = random_policy(*chosen, device) if chosen else load_policy(text, device)
    if steps is not None:
        policy.steps = check_steps(steps)
    return policy


def fingerprint(text: str) -> str:
    """SHA-256 of what makes the policy that ``text`` names; random ones need no torch.

    Raises:
        PolicyError: There is no such random policy.
        CheckpointError: The file cannot be read.
    """
    if chosen := parse_random(text):
        return random_fingerprint(*chosen)
    from nitropilot.policy.files.formats import read_checkpoint

    return read_checkpoint(text).fingerprint()
