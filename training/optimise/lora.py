"""Low-rank adapters (LoRA, Hu et al. 2021): a linear layer learns ``W + alpha / rank B A``.

W stays as it is, bit for bit; A (``rank x in``) begins as noise and B (``out x rank``) as zero, so
that the first answer is the base's.  What is trained is a few hundredths of a policy, and so are
its gradients, its optimiser's state and its moving average.  What plays has the
product added to W: every engine loads it, and it costs nothing more.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nitropilot.training.errors import BadSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nitropilot.policy.network.policy import Policy

LAYERS = {
    "attention": re.compile(r".*\.(self_attn\.(q|k|v|out)_proj|attn1\.to_(q|k|v|out\.0))"),
    "mlp": re.compile(r".*\.(mlp\.fc[12]|ff\.net\.(0\.proj|2))"),
}
"""Which linear layers of a block can have an adapter."""
A, B = "lora_a", "lora_b"


class LoraLinear(nn.Linear):
    """A linear layer with an adapter; it takes the weights of the one in whose place it is.

    Args:
        base: That one; its weights are frozen.
        rank: Of the adapter.
        alpha: The adapter counts ``alpha / rank``.
        generator: Draws A.
    """

    def __init__(
        self, base: nn.Linear, rank: int, alpha: float, generator: torch.Generator
    ) -> None:
        with torch.device("meta"):
            super().__init__(base.in_features, base.out_features, base.bias is not None)
        self.weight, self.bias = base.weight, base.bias
        self.requires_grad_(False)
        noise = torch.randn(rank, base.in_features, generator=generator) * base.in_features**-0.5
        like = base.weight
        self.lora_a = nn.Parameter(noise.to(like))
        self.lora_b = nn.Parameter(torch.zeros(base.out_features, rank).to(like))
        self.scale = alpha / rank
        self.on = True

    def forward(self, x: Tensor) -> Tensor:
        """``x``: ... x in."""
        out = super().forward(x)
        if not self.on:
            return out
        return out + F.linear(F.linear(x, self.lora_a), self.lora_b) * self.scale


def attach(policy: Policy, rank: int, alpha: float, layers: Iterable[str], seed: int) -> None:
    """Give a policy adapters and freeze the rest of it; parts that are frozen already get none.

    Args:
        policy: Is changed.
        rank: Of each adapter.
        alpha: Each counts ``alpha / rank``.
        layers: Names of ``LAYERS``.
        seed: Of what A begins as.

    Raises:
        BadSettings: There are no such layers, or none of them is left to get an adapter.
    """
    asked = [*layers]
    if unknown := sorted({*asked} - LAYERS.keys()):
        raise BadSettings(f"{unknown[0]!r} is no kind of layer", f"kinds are {', '.join(LAYERS)}")
    generator = torch.Generator().manual_seed(seed)
    chosen = [
        (name, module)
        for name, module in policy.named_modules()
        if isinstance(module, nn.Linear)
        and module.weight.requires_grad
        and any(LAYERS[kind].fullmatch(name) for kind in asked)
    ]
    if not chosen:
        raise BadSettings("no layer is left to get an adapter", "freeze fewer parts")
    policy.requires_grad_(False)
    for name, module in chosen:
        parent, _, own = name.rpartition(".")
        adapted = LoraLinear(module, rank, alpha, generator)
        setattr(policy.get_submodule(parent), own, adapted)


def adapters_of(policy: nn.Module) -> dict[str, LoraLinear]:
    """The layers with adapters, by name."""
    return {
        name: module for name, module in policy.named_modules() if isinstance(module, LoraLinear)
    }


def merged(policy: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights without adapters, whose products are added to what they belong to.

    Args:
        policy: Says which layers have adapters, and how much these count.
        weights: By name, with adapters; none of them is changed.
    """
    found = dict(weights)
    for name, layer in adapters_of(policy).items():
        a, b = found.pop(f"{name}.{A}"), found.pop(f"{name}.{B}")
        found[f"{name}.weight"] = found[f"{name}.weight"] + layer.scale * (b @ a)
    return found


@contextmanager
def without_adapters(policy: nn.Module) -> Iterator[None]:
    """The base answers."""
    layers = adapters_of(policy).values()
    for layer in layers:
        layer.on = False
    try:
        yield
    finally:
        for layer in layers:
            layer.on = True
