"""The SigLIP vision encoder (Zhai et al. 2023; SigLIP 2, Tschannen et al. 2025).

    images   B x 3 x S x S in [-1, 1]   ->   tokens   B x N x W,   N = (S / 16)^2

Patches, a learned position each, pre-norm transformer blocks, a last LayerNorm.  The
pooling head that checkpoints also carry is not part of the policy.  Attribute names are
those of the checkpoint's keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from nitropilot.policy.sizes import PATCH

if TYPE_CHECKING:
    from collections.abc import Iterable

EPS = 1e-6


class SelfAttention(nn.Module):
    """Multi-head attention of tokens over themselves: ``B x N x W -> B x N x W``."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """``x``: B x N x W."""
        q, k, v = (split_heads(f(x), self.heads) for f in (self.q_proj, self.k_proj, self.v_proj))
        out: Tensor = self.out_proj(merge_heads(F.scaled_dot_product_attention(q, k, v)))
        return out


class Mlp(nn.Module):
    """Two linear layers with a tanh-GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """``x``: ... x W."""
        out: Tensor = self.fc2(F.gelu(self.fc1(x), approximate="tanh"))
        return out


class VisionBlock(nn.Module):
    """``x + attention(LN(x))``, then ``x + mlp(LN(x))``."""

    def __init__(self, width: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.layer_norm1 = nn.LayerNorm(width, eps=EPS)
        self.self_attn = SelfAttention(width, heads)
        self.layer_norm2 = nn.LayerNorm(width, eps=EPS)
        self.mlp = Mlp(width, mlp)

    def forward(self, x: Tensor) -> Tensor:
        """``x``: B x N x W."""
        x = x + self.self_attn(self.layer_norm1(x))
        out: Tensor = x + self.mlp(self.layer_norm2(x))
        return out


class Embeddings(nn.Module):
    """Image patches as tokens, each with its learned position."""

    def __init__(self, width: int, tokens: int) -> None:
        super().__init__()
        self.patch_embedding = nn.Conv2d(3, width, PATCH, stride=PATCH)
        self.position_embedding = nn.Embedding(tokens, width)

    def forward(self, images: Tensor) -> Tensor:
        """``images``: B x 3 x S x S."""
        patches: Tensor = self.patch_embedding(images)
        return patches.flatten(2).transpose(1, 2) + self.position_embedding.weight


class Blocks(nn.Module):
    """The stack of blocks, under the name that checkpoints give it."""

    def __init__(self, blocks: Iterable[VisionBlock]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Tensor:
        """``x``: B x N x W."""
        for layer in self.layers:
            x = layer(x)
        return x


class VisionEncoder(nn.Module):
    """Images to tokens.

    Args:
        width: Channels W of a token.
        layers: Blocks.
        heads: Attention heads.
        tokens: Tokens N of an image.
        mlp: Hidden channels of the blocks' MLPs.
    """

    def __init__(self, width: int, layers: int, heads: int, tokens: int, mlp: int) -> None:
        super().__init__()
        self.embeddings = Embeddings(width, tokens)
        self.encoder = Blocks(VisionBlock(width, heads, mlp) for _ in range(layers))
        self.post_layernorm = nn.LayerNorm(width, eps=EPS)

    def forward(self, images: Tensor) -> Tensor:
        """``images``: B x 3 x S x S.  Returns B x N x W."""
        out: Tensor = self.post_layernorm(self.encoder(self.embeddings(images)))
        return out


def split_heads(x: Tensor, heads: int) -> Tensor:
    """``B x N x W -> B x heads x N x W/heads``."""
    return x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """``B x heads x N x D -> B x N x heads*D``."""
    return x.transpose(1, 2).flatten(2)
