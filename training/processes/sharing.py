"""One objective in several processes: whole weights in each (DDP), or a part in each (FSDP)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn.parallel import DistributedDataParallel

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nitropilot.policy.network.policy import Policy
    from nitropilot.training.processes.ranks import Ranks


def copied(objective: nn.Module, ranks: Ranks) -> nn.Module:
    """Each process has all weights; gradients are averaged on the way back (Li et al. 2020)."""
    if ranks.count == 1:
        return objective
    return DistributedDataParallel(objective, broadcast_buffers=False)


def split(objective: nn.Module, policy: Policy, ranks: Ranks, device: torch.device) -> nn.Module:
    """Each process has a part of every weight, gradient and moment (Zhao et al. 2023).

    A block of the vision encoder or the mixer is whole only while it computes.  The DiT is whole
    for all of a step: what it makes of the context and of the times is computed outside of its
    blocks.

    Args:
        objective: What is called; holds the policy.
        policy: Its weights become parts.
        ranks: Among whom.
        device: Where they compute.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device.type, (ranks.count,))
    for stack in (
        policy.vision_encoder.encoder.layers,
        policy.vl_self_attention_model.transformer_blocks,
    ):
        for block in stack:
            fully_shard(block, mesh=mesh)
    fully_shard(objective, mesh=mesh)
    return objective


def whole(tensor: Tensor) -> Tensor:
    """A tensor of which each process may have a part; all of them have to ask for it."""
    made: Tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    return made


def whole_tree(tree: Any) -> Any:
    """The same of all tensors in dicts and lists."""
    if isinstance(tree, torch.Tensor):
        return whole(tree)
    if isinstance(tree, dict):
        return {name: whole_tree(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [whole_tree(value) for value in tree]
    return tree


def part_like(tensor: Tensor, like: Tensor) -> Tensor:
    """The part of a whole tensor that this process has of ``like``."""
    if type(like) in (torch.Tensor, torch.nn.Parameter):  # not all of torch has the rest
        return tensor
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(like, DTensor)
    return distribute_tensor(
        tensor.to(like.device), like.device_mesh, like.placements, src_data_rank=None
    )
