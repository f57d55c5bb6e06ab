"""Which weights are trained, and which of them decay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from nitropilot.policy.network.action_mlps import PerEmbodimentLinear
from nitropilot.training.errors import BadSettings
from nitropilot.training.optimise.lora import A, B, LoraLinear

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.nn import Parameter

    from nitropilot.policy.network.policy import Policy

PARTS: dict[str, tuple[str, ...]] = {
    "vision": ("vision_encoder.",),
    "mixer": ("vl_self_attention_model.",),
    "dit": ("model.",),
    "actions": ("action_encoder.", "action_decoder.", "position_embedding."),
    "games": ("game_embedding.",),
}
"""The parts of a policy that can be frozen, by how the names of their weights begin."""
MATRICES: dict[type[nn.Module], tuple[str, ...]] = {
    nn.Linear: ("weight",),
    nn.Conv2d: ("weight",),
    PerEmbodimentLinear: ("W",),
    LoraLinear: ("weight", A, B),
}
"""What of a layer is a matrix."""


def freeze(policy: Policy, parts: Iterable[str]) -> None:
    """Keep the weights of some parts as they are; all others are trained.

    Raises:
        BadSettings: There is no such part, or nothing is left to be trained.
    """
    frozen = set(parts)
    if unknown := sorted(frozen - PARTS.keys()):
        raise BadSettings(f"{unknown[0]!r} is no part of a policy", f"parts are {', '.join(PARTS)}")
    still = tuple(start for part in frozen for start in PARTS[part])
    for name, parameter in policy.named_parameters():
        parameter.requires_grad_(not name.startswith(still) if still else True)
    if not any(parameter.requires_grad for parameter in policy.parameters()):
        raise BadSettings("every part of the policy is frozen", "leave one to be trained")


def decaying(policy: nn.Module) -> set[str]:
    """Names of the weights that decay: matrices, and no norm, bias or embedding."""
    names = set()
    for place, module in policy.named_modules():
        for kind in MATRICES.get(type(module), ()):
            names.add(f"{place}.{kind}" if place else kind)
    return names


def adamw(
    policy: nn.Module, learning_rate: float, weight_decay: float, betas: tuple[float, float]
) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019) over all weights that are trained, in two groups.

    Args:
        policy: What is trained.
        learning_rate: At the height of the schedule.
        weight_decay: Of what ``decaying`` names.
        betas: Decays of the first and second moment.
    """
    decay = decaying(policy)
    groups: dict[bool, list[Parameter]] = {True: [], False: []}
    for name, parameter in policy.named_parameters():
        if parameter.requires_grad:
            groups[name in decay].append(parameter)
    wanted = [
        {"params": parameters, "weight_decay": weight_decay if decays else 0.0}
        for decays, parameters in groups.items()
        if parameters
    ]
    return torch.optim.AdamW(wanted, lr=learning_rate, betas=betas)
