"""The two transformers behind the vision encoder: the mixer and the DiT.

The mixer lets image (and game) tokens attend to each other.  The DiT (Peebles and Xie
2023) turns noisy action tokens into a velocity, conditioned on the timestep through
adaptive norms and on the mixed tokens through cross-attention.  Attribute names are
those of the checkpoint's keys.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nitropilot.policy.network.vision import merge_heads, split_heads

if TYPE_CHECKING:
    from nitropilot.policy.config import TransformerConfig

FF_RATIO = 4
TIMESTEP_CHANNELS = 256
OUT_EPS = 1e-6
KeyValue = tuple[Tensor, Tensor]


class Attention(nn.Module):
    """Attention with separate queries, so that keys and values can be made once.

    Args:
        width: Channels of the queries and of the result.
        heads: Attention heads.
        context: Channels of what is attended to.
    """

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(context, width)
        self.to_v = nn.Linear(context, width)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def keys_values(self, context: Tensor) -> KeyValue:
        """Keys and values of ``context`` (B x L x C): each B x heads x L x D."""
        return split_heads(self.to_k(context), self.heads), split_heads(
            self.to_v(context), self.heads
        )

    def forward(self, x: Tensor, keys_values: KeyValue) -> Tensor:
        """``x``: B x T x W."""
        q = split_heads(self.to_q(x), self.heads)
        out: Tensor = self.to_out[0](merge_heads(F.scaled_dot_product_attention(q, *keys_values)))
        return out


class _Gelu(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(self.proj(x), approximate="tanh")


class FeedForward(nn.Module):
    """Linear, tanh-GELU, Linear; four times as wide inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = FF_RATIO * width
        self.net = nn.ModuleList([_Gelu(width, hidden), nn.Identity(), nn.Linear(hidden, width)])

    def forward(self, x: Tensor) -> Tensor:
        """``x``: ... x W."""
        for layer in self.net:
            x = layer(x)
        return x


class Positions(nn.Module):
    """Fixed sinusoidal positions, stored in the checkpoint (Vaswani et al. 2017)."""

    pe: Tensor

    def __init__(self, width: int, length: int) -> None:
        super().__init__()
        place = torch.arange(length).unsqueeze(1)
        rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        pe = torch.zeros(1, length, width)
        pe[0, :, 0::2] = torch.sin(place * rate)
        pe[0, :, 1::2] = torch.cos(place * rate)[:, : width // 2]
        self.register_buffer("pe", pe)

    def forward(self, x: Tensor) -> Tensor:
        """``x``: B x T x W."""
        return x + self.pe[:, : x.shape[1]]


def _positions(config: TransformerConfig) -> nn.Module | None:
    if config.positional_embeddings is None:
        return None
    return Positions(config.width, config.max_num_positional_embeddings)


class MixerBlock(nn.Module):
    """``x + attention(LN1(x))``, then ``x + ff(LN3(x))``."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width = config.width
        self.norm1 = nn.LayerNorm(width, eps=config.norm_eps)
        self.pos_embed = _positions(config)
        self.attn1 = Attention(width, config.num_attention_heads, width)
        self.norm3 = nn.LayerNorm(width, eps=config.norm_eps)
        self.ff = FeedForward(width)

    def forward(self, x: Tensor) -> Tensor:
        """``x``: B x L x W."""
        normed = self.norm1(x)
        if self.pos_embed is not None:
            normed = self.pos_embed(normed)
        x = x + self.attn1(normed, self.attn1.keys_values(normed))
        out: Tensor = x + self.ff(self.norm3(x))
        return out


class Mixer(nn.Module):
    """Self-attention over the whole sequence, padding included: ``B x L x W -> B x L x W``."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.transformer_blocks = nn.ModuleList(
            MixerBlock(config) for _ in range(config.num_layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``x``: B x L x W."""
        for block in self.transformer_blocks:
            x = block(x)
        return x


class AdaptiveNorm(nn.Module):
    """LayerNorm whose scale and shift come from the timestep."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 2 * width)
        self.norm = nn.LayerNorm(width, eps=eps, elementwise_affine=False)

    def modulation(self, conditioning: Tensor) -> Tensor:
        """Scale and shift side by side, ``K x 2W``, for ``conditioning`` ``K x W``."""
        out: Tensor = self.linear(conditioning)
        return out

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """``x``: B x T x W; ``modulation``: 2W."""
        scale, shift = modulation.chunk(2, dim=-1)
        out: Tensor = self.norm(x) * (1 + scale) + shift
        return out


class DitBlock(nn.Module):
    """Attention behind an adaptive norm, then a feed-forward behind a plain one.

    Args:
        config: Sizes.
        crosses: Attend to the mixed tokens; otherwise to the action tokens themselves.
        context: Width of the mixed tokens.
    """

    def __init__(self, config: TransformerConfig, crosses: bool, context: int) -> None:
        super().__init__()
        width = config.width
        self.crosses = crosses
        self.norm1 = AdaptiveNorm(width, config.norm_eps)
        self.pos_embed = _positions(config)
        self.attn1 = Attention(width, config.num_attention_heads, context if crosses else width)
        self.norm3 = nn.LayerNorm(width, eps=config.norm_eps, elementwise_affine=False)
        self.ff = FeedForward(width)

    def forward(self, x: Tensor, modulation: Tensor, keys_values: KeyValue | None) -> Tensor:
        """``x``: B x T x W; ``keys_values`` of the mixed tokens where the block crosses."""
        normed = self.norm1(x, modulation)
        if self.pos_embed is not None:
            normed = self.pos_embed(normed)
        if keys_values is None:
            keys_values = self.attn1.keys_values(normed)
        x = x + self.attn1(normed, keys_values)
        out: Tensor = x + self.ff(self.norm3(x))
        return out


class TimestepEmbedder(nn.Module):
    """Sinusoid of the timestep (cosines first) through two linear layers: ``K -> K x W``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(TIMESTEP_CHANNELS, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, timesteps: Tensor) -> Tensor:
        """``timesteps``: K."""
        half = TIMESTEP_CHANNELS // 2
        rate = torch.exp(
            torch.arange(half, device=timesteps.device) * (-math.log(10000.0) / (half - 1))
        )
        angle = timesteps[:, None].float() * rate[None]
        wave = torch.cat([angle.cos(), angle.sin()], dim=-1).to(self.linear_1.weight.dtype)
        out: Tensor = self.linear_2(F.silu(self.linear_1(wave)))
        return out


class _TimestepEncoder(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.timestep_embedder = TimestepEmbedder(width)


class Dit(nn.Module):
    """The diffusion transformer.

    Args:
        config: Sizes.
        context: Width of the mixed tokens.
    """

    def __init__(self, config: TransformerConfig, context: int) -> None:
        super().__init__()
        width = config.width
        self.timestep_encoder = _TimestepEncoder(width)
        self.transformer_blocks = nn.ModuleList(
            DitBlock(config, not (config.interleave_self_attention and i % 2), context)
            for i in range(config.num_layers)
        )
        self.proj_out_1 = nn.Linear(width, 2 * width)
        self.proj_out_2 = nn.Linear(width, config.output_dim)

    @property
    def blocks(self) -> list[DitBlock]:
        """The blocks, typed."""
        return [block for block in self.transformer_blocks if isinstance(block, DitBlock)]

    def cross_keys_values(self, context: Tensor) -> list[KeyValue | None]:
        """Keys and values of ``context`` (B x L x C) for each block; None where it self-attends."""
        return [b.attn1.keys_values(context) if b.crosses else None for b in self.blocks]

    def modulations(self, timesteps: Tensor) -> tuple[list[Tensor], Tensor]:
        """All that depends on the timestep alone, for K of them.

        Returns:
            Each block's scale and shift (K x 2W), and the output's shift and scale (K x 2W).
        """
        temb = F.silu(self.timestep_encoder.timestep_embedder(timesteps))
        blocks = [block.norm1.modulation(temb) for block in self.blocks]
        return blocks, self.proj_out_1(temb)

    def forward(
        self,
        x: Tensor,
        keys_values: list[KeyValue | None],
        modulations: list[Tensor],
        out_modulation: Tensor,
    ) -> Tensor:
        """``x``: B x T x W; modulations of one timestep (2W each).  Returns B x T x output."""
        for block, kv, modulation in zip(
            self.transformer_blocks, keys_values, modulations, strict=True
        ):
            x = block(x, modulation, kv)
        shift, scale = out_modulation.chunk(2, dim=-1)  # the other order than in the blocks
        x = F.layer_norm(x, x.shape[-1:], eps=OUT_EPS) * (1 + scale) + shift
        out: Tensor = self.proj_out_2(x)
        return out
