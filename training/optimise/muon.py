"""Muon (Jordan et al. 2024): matrices move by their momentum made orthogonal.

torch has the same in ``torch.optim.Muon``, which computes in bfloat16: on a processor without
such products it costs more than the rest of the step.  Here it is float32, and matrices of one
shape are done side by side.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor
    from torch.nn import Parameter

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that takes singular values to about 1; they lie between 0.7 and 1.2 after it."""
ROUNDS = 5
LEAST_NORM = 1e-7


class Muon(torch.optim.Optimizer):
    """Muon over matrices.

    Args:
        matrices: What is trained; all have two dimensions.
        lr: How long a step is: an update has singular values of about 1 times this, and more
            where there are more rows than columns, by the root of their ratio.
        momentum: What of the last direction stays.
        weight_decay: What a step takes off the weights, times ``lr``.
    """

    def __init__(
        self,
        matrices: Iterable[Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            list(matrices), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        )
        if any(each.ndim != 2 for group in self.param_groups for each in group["params"]):
            raise ValueError("Muon is for matrices")

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # it asks for no loss
        """Move all matrices that have a gradient."""
        if closure is not None:
            raise ValueError("Muon takes no closure")
        for group in self.param_groups:
            alike: dict[torch.Size, list[Parameter]] = defaultdict(list)
            for each in group["params"]:
                if each.grad is not None:
                    alike[each.shape].append(each)
            for matrices in alike.values():
                self._move(matrices, group)

    def _move(self, matrices: list[Parameter], group: dict[str, Any]) -> None:
        directions = []
        for each in matrices:
            state = self.state[each]
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(each)
            momentum: Tensor = state["momentum"]
            momentum.lerp_(each.grad, 1 - group["momentum"])  # type: ignore[arg-type]
            directions.append(torch.lerp(each.grad, momentum, group["momentum"]))  # type: ignore[arg-type]
        rows, columns = matrices[0].shape
        length = group["lr"] * max(1.0, rows / columns) ** 0.5
        for each, move in zip(matrices, orthogonal(torch.stack(directions)), strict=True):
            each.mul_(1 - group["lr"] * group["weight_decay"]).sub_(move, alpha=length)


def orthogonal(matrices: Tensor) -> Tensor:
    """``U V^T`` of each matrix ``U S V^T``, about: ``N x rows x columns``, by Newton-Schulz."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=LEAST_NORM)
    for _ in range(ROUNDS):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    made: Tensor = x.transpose(1, 2) if tall else x
    return made
