"""What computing costs less with: bfloat16 where it is enough, and less memory for more time."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch.utils.checkpoint import checkpoint

if TYPE_CHECKING:
    from nitropilot.policy.network.policy import Policy


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Products in bfloat16 and everything that adds up in float32, or all in float32.

    Weights, their gradients and the optimiser's state stay float32 in both.
    """
    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def recompute_blocks(policy: Policy) -> None:
    """Gradient checkpointing (Chen et al. 2016): what is between blocks is kept, what is in them
    computed once more on the way back.  The results are the same; a third more to compute.
    """
    for stack in (
        policy.vision_encoder.encoder.layers,
        policy.vl_self_attention_model.transformer_blocks,
        policy.model.transformer_blocks,
    ):
        for block in stack:
            run = partial(checkpoint, block.forward, use_reentrant=False)
            block.forward = run  # a wrapper would rename the weights
