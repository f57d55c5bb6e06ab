"""The policy as a checkpoint: averaged weights in bfloat16, and what it was made for."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

from nitropilot.policy.files.checkpoint import save_policy
from nitropilot.simulator.arcade.core.world import HZ

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.pocket.recipe import Recipe
    from nitropilot.policy.network.policy import Policy


def export(policy: Policy, recipe: Recipe, path: Path) -> None:
    """Write a policy, whole or not at all.

    Args:
        policy: With the weights that play; it stays as it is.
        recipe: What it was made with.
        path: Of the file.

    Raises:
        CheckpointError: It cannot be written.
    """
    raw = copy.deepcopy(policy.raw_config)
    raw["model_cfg"]["num_inference_timesteps"] = recipe.euler
    raw["nitropilot"] = {
        "action_hz": float(HZ), "actions": recipe.played, "steps": recipe.euler,
        "games": list(recipe.games),
    }  # fmt: skip
    half = copy.deepcopy(policy).to(torch.bfloat16)
    half.raw_config = raw
    save_policy(half, path)
