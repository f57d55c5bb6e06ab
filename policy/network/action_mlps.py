"""The small networks at both ends of the DiT: actions to tokens, tokens to velocities."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PerEmbodimentLinear(nn.Module):
    """A linear layer stored as ``1 x in x out`` (one embodiment)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.empty(1, inputs, outputs))
        self.b = nn.Parameter(torch.empty(1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """``x``: ... x in."""
        return x @ self.W[0] + self.b[0]


class ActionEncoder(nn.Module):
    """Noisy actions and the timestep to tokens: ``B x T x A -> B x T x W``."""

    def __init__(self, action_dim: int, width: int) -> None:
        super().__init__()
        self.W1 = PerEmbodimentLinear(action_dim, width)
        self.W2 = PerEmbodimentLinear(2 * width, width)
        self.W3 = PerEmbodimentLinear(width, width)

    def time_half(self, timesteps: Tensor) -> Tensor:
        """The timestep's share of the second layer, bias included: ``K -> K x W``."""
        width = self.W3.W.shape[1]
        half = width // 2
        rate = torch.exp(torch.arange(half, device=timesteps.device) * (-math.log(10000.0) / half))
        angle = timesteps[:, None].float() * rate[None]
        tau = torch.cat([angle.sin(), angle.cos()], dim=-1).to(self.W2.W.dtype)
        return tau @ self.W2.W[0, width:] + self.W2.b[0]

    def forward(self, x: Tensor, time_half: Tensor) -> Tensor:
        """``x``: B x T x A; ``time_half``: W, of one timestep."""
        actions = self.W1(x)
        hidden = F.silu(actions @ self.W2.W[0, : actions.shape[-1]] + time_half)
        out: Tensor = self.W3(hidden)
        return out


class ActionDecoder(nn.Module):
    """Tokens to velocities: ``B x T x D -> B x T x A``."""

    def __init__(self, inputs: int, width: int, action_dim: int) -> None:
        super().__init__()
        self.layer1 = PerEmbodimentLinear(inputs, width)
        self.layer2 = PerEmbodimentLinear(width, action_dim)

    def forward(self, x: Tensor) -> Tensor:
        """``x``: B x T x D."""
        out: Tensor = self.layer2(F.relu(self.layer1(x)))
        return out
