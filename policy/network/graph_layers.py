"""The layers of the sampler graph (``policy.network.graph``), made from a policy's own.

They share the weights of the layers they are made from where the type is the same, and
never change them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nitropilot.policy.network.transformer import (
    Attention,
    DitBlock,
    FeedForward,
    MixerBlock,
    Positions,
)
from nitropilot.policy.network.vision import VisionBlock


class Dense(nn.Module):
    """A linear layer over weights that already exist; shared, never changed.

    Args:
        weight: ``out x in``.
        bias: ``out``.
        dtype: What the layer computes in.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
        super().__init__()
        self.register_buffer("weight", weight.detach().to(dtype))
        self.register_buffer("bias", bias.detach().to(dtype))

    def forward(self, x: Tensor) -> Tensor:
        """``x``: ... x in."""
        return F.linear(x, self.weight, self.bias)


class Norm(nn.Module):
    """A LayerNorm with weights of its own."""

    weight: Tensor
    bias: Tensor

    def __init__(self, norm: nn.LayerNorm, dtype: torch.dtype) -> None:
        super().__init__()
        self.eps = norm.eps
        self.register_buffer("weight", norm.weight.detach().to(dtype))
        self.register_buffer("bias", norm.bias.detach().to(dtype))

    def forward(self, x: Tensor) -> Tensor:
        """``x``: ... x W."""
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


def linear(layer: nn.Module) -> nn.Linear:
    """``layer``, typed."""
    assert isinstance(layer, nn.Linear)
    return layer


def dense(layer: nn.Module, dtype: torch.dtype) -> Dense:
    """A layer of the policy in ``dtype``."""
    typed = linear(layer)
    return Dense(typed.weight, typed.bias, dtype)


def side_by_side(layers: list[nn.Linear], dtype: torch.dtype) -> Dense:
    """Layers with the same input as one."""
    return Dense(
        torch.cat([layer.weight for layer in layers]),
        torch.cat([layer.bias for layer in layers]),
        dtype,
    )


def in_a_row(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Weight and bias (out x in, out) of ``second(first(x))``, multiplied in float64."""
    a, c = (t.detach().double() for t in first)
    b, d = (t.detach().double() for t in second)
    return b @ a, b @ c + d


class SelfAttention(nn.Module):
    """Attention of tokens over themselves: ``B x N x W``, q, k and v in one product."""

    def __init__(
        self, qkv: list[nn.Linear], out: nn.Linear, heads: int, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = side_by_side(qkv, dtype)
        self.out = dense(out, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """``x``: B x N x W."""
        # The obvious ways to part them (a permute, an unbind) come out wrong from OpenVINO
        # 2026.4, in float32 or in bfloat16, where there are as many tokens as heads.
        parts = self.qkv(x).unflatten(-1, (3 * self.heads, -1)).transpose(1, 2)
        q, k, v = parts.chunk(3, dim=1)
        mixed = F.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out


class CrossAttention(nn.Module):
    """Attention over keys and values made before: ``B x T x W``."""

    def __init__(self, attention: Attention, dtype: torch.dtype) -> None:
        super().__init__()
        self.heads = attention.heads
        self.q = dense(attention.to_q, dtype)
        self.out = dense(attention.to_out[0], dtype)

    def forward(self, x: Tensor, keys_values: Tensor) -> Tensor:
        """``keys_values``: 2 x B x heads x L x D."""
        q = self.q(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(q, keys_values[0], keys_values[1])
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out


class GeluMlp(nn.Module):
    """Linear, tanh-GELU, Linear."""

    def __init__(self, first: nn.Module, second: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.first = dense(first, dtype)
        self.second = dense(second, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """``x``: ... x W."""
        out: Tensor = self.second(F.gelu(self.first(x), approximate="tanh"))
        return out


def _feed_forward(ff: FeedForward, dtype: torch.dtype) -> GeluMlp:
    first = ff.net[0].proj
    assert isinstance(first, nn.Module)
    return GeluMlp(first, ff.net[2], dtype)


class EncoderBlock(nn.Module):
    """A pre-norm transformer block of the vision encoder or of the mixer."""

    positions: Tensor | None

    def __init__(self, block: VisionBlock | MixerBlock, length: int, dtype: torch.dtype) -> None:
        super().__init__()
        positions = None
        if isinstance(block, VisionBlock):
            a = block.self_attn
            self.norm1, self.norm2 = Norm(block.layer_norm1, dtype), Norm(block.layer_norm2, dtype)
            qkv, out = [a.q_proj, a.k_proj, a.v_proj], a.out_proj
            self.mlp = GeluMlp(block.mlp.fc1, block.mlp.fc2, dtype)
            heads = a.heads
        else:
            b = block.attn1
            self.norm1, self.norm2 = Norm(block.norm1, dtype), Norm(block.norm3, dtype)
            qkv, out = [b.to_q, b.to_k, b.to_v], linear(b.to_out[0])
            self.mlp = _feed_forward(block.ff, dtype)
            heads = b.heads
            if isinstance(block.pos_embed, Positions):
                positions = block.pos_embed.pe[:, :length].to(dtype)
        self.attention = SelfAttention(qkv, out, heads, dtype)
        self.register_buffer("positions", positions)

    def forward(self, x: Tensor) -> Tensor:
        """``x``: B x N x W."""
        normed = self.norm1(x)
        if self.positions is not None:
            normed = normed + self.positions
        x = x + self.attention(normed)
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class StepBlock(nn.Module):
    """A DiT block whose adaptive norm has become constants.

    Args:
        block: The block.
        modulation: Its scale and shift for the K timesteps, K x 2W.
        horizon: Actions T of a chunk.
        dtype: What the products are computed in.
    """

    scale: Tensor
    shift: Tensor

    def __init__(
        self, block: DitBlock, modulation: Tensor, horizon: int, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.eps, self.eps_mlp = block.norm1.norm.eps, block.norm3.eps
        scale, shift = (half.unsqueeze(1) for half in modulation.detach().chunk(2, dim=-1))
        if isinstance(block.pos_embed, Positions):
            shift = shift + block.pos_embed.pe[0, :horizon]
        self.register_buffer("scale", (1 + scale).to(dtype))
        self.register_buffer("shift", shift.to(dtype))
        a = block.attn1
        self.crosses = block.crosses
        self.attention: nn.Module = (
            CrossAttention(a, dtype)
            if block.crosses
            else SelfAttention([a.to_q, a.to_k, a.to_v], linear(a.to_out[0]), a.heads, dtype)
        )
        self.mlp = _feed_forward(block.ff, dtype)

    def forward(self, x: Tensor, step: int, keys_values: Tensor | None) -> Tensor:
        """``x``: B x T x W; ``keys_values``: 2 x B x heads x L x D where the block crosses."""
        return self.modulated(x, self.scale[step], self.shift[step], keys_values)

    def modulated(
        self, x: Tensor, scale: Tensor, shift: Tensor, keys_values: Tensor | None
    ) -> Tensor:
        """As ``forward``, with the constants of the step: 1 or T x W each."""
        width = x.shape[-1:]
        normed = F.layer_norm(x, width, eps=self.eps) * scale + shift
        attended = (
            self.attention(normed) if keys_values is None else self.attention(normed, keys_values)
        )
        x = x + attended
        out: Tensor = x + self.mlp(F.layer_norm(x, width, eps=self.eps_mlp))
        return out
