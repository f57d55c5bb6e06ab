"""The one sampler graph: a ``Policy`` folded into what an engine has to run.

    images  n x 3 x S x S ─> FramePart ─> keys_values  X x 2 x B x heads x L x D
    noise   B x T x A ─────> SamplerPart (K Euler steps) ─> actions  B x T x A

Torch, OpenVINO, TensorRT and ONNX are all made from these two modules.  They compute
what ``Policy.sample`` does, with everything done beforehand that can be:

- timestep embeddings, adaptive norms, the output modulation and the timestep half of the
  action encoder are constants for the K fixed timesteps, and their weights are gone;
- consecutive linear layers are one (the first two of the action encoder, the DiT's last
  with the decoder's first); q, k and v are one product; the keys and values of all X
  cross-attending blocks are one product, made once a chunk;
- the choice of frames, padding and game is an index (``order``), not a shape.

Three inputs stand for what would otherwise be other graphs:

    order    B x L    row of ``[zero vector, game embedding, image tokens]`` for each place
    prefix   B x T x A and ``weights`` B x T x 1: actions that the chunk has to contain.
             Where the weight is 1 the path from noise to action is the straight line to
             the prefix, so that the rest is denoised around it (real-time chunking, Black
             et al. 2025, with the overlap fixed); 0 leaves the action free.
    mix      B x B    velocities are mixed by it: the identity, or for a sample with
             guidance c and its unconditional twin ``[[1 + c, -c], [1 + c, -c]]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nitropilot.policy.network.graph_layers import (
    Dense,
    EncoderBlock,
    Norm,
    StepBlock,
    in_a_row,
    side_by_side,
)
from nitropilot.policy.network.transformer import OUT_EPS, MixerBlock
from nitropilot.policy.network.vision import VisionBlock
from nitropilot.policy.sizes import PATCH

if TYPE_CHECKING:
    from nitropilot.policy.network.policy import Policy


class FramePart(nn.Module):
    """Everything that depends on the frames alone; runs once a chunk.

    Args:
        policy: Its weights are shared where they need no folding, and not changed.
        dtype: What the products are computed in.
    """

    place: Tensor
    fixed_rows: Tensor

    def __init__(self, policy: Policy, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        encoder = policy.vision_encoder
        patches = encoder.embeddings.patch_embedding
        length = policy.config.tokenizer_cfg.max_sequence_length
        assert patches.bias is not None
        self.dtype = dtype
        self.patch = Dense(patches.weight.flatten(1), patches.bias, dtype)
        self.register_buffer(
            "place", encoder.embeddings.position_embedding.weight.detach().to(dtype)
        )
        self.vision = nn.ModuleList(
            EncoderBlock(block, 0, dtype)
            for block in encoder.encoder.layers
            if isinstance(block, VisionBlock)
        )
        self.post_norm = Norm(encoder.post_layernorm, dtype)
        fixed = self.place.new_zeros(1, self.place.shape[1])
        if policy.sizes.game_rows:
            fixed = torch.cat([fixed, policy.game_embedding.weight.detach().to(dtype)])
        self.register_buffer("fixed_rows", fixed)
        self.mixer = nn.ModuleList(
            EncoderBlock(block, length, dtype)
            for block in policy.vl_self_attention_model.transformer_blocks
            if isinstance(block, MixerBlock)
        )
        crossing = [block.attn1 for block in policy.model.blocks if block.crosses]
        self.heads = policy.config.model_cfg.diffusion_model_cfg.num_attention_heads
        self.crossing = len(crossing)
        layers = [layer for attention in crossing for layer in (attention.to_k, attention.to_v)]
        self.keys_values = side_by_side(layers, dtype)

    def forward(self, images: Tensor, order: Tensor) -> Tensor:
        """Keys and values for the cross-attending blocks.

        Args:
            images: ``n x 3 x S x S`` float32 in [-1, 1]; n frames of all samples.
            order: ``B x L`` int; see the module.

        Returns:
            ``X x 2 x B x heads x L x D``.
        """
        x = self.patch(_patches(images).to(self.dtype)) + self.place
        for block in self.vision:
            x = block(x)
        rows = torch.cat([self.fixed_rows, self.post_norm(x).flatten(0, 1)])
        x = F.embedding(order, rows)
        for block in self.mixer:
            x = block(x)
        parts = self.keys_values(x).unflatten(-1, (self.crossing, 2, self.heads, -1))
        out: Tensor = parts.permute(2, 3, 0, 4, 1, 5).contiguous()
        return out


def _patches(images: Tensor) -> Tensor:
    """``n x 3 x S x S`` to ``n x N x 3*P*P``, in the order of a convolution's weights."""
    count, channels, size, _ = images.shape
    side = size // PATCH
    grid = images.reshape(count, channels, side, PATCH, side, PATCH)
    return grid.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


class SamplerPart(nn.Module):
    """The K Euler steps from noise to actions.

    Args:
        policy: As for ``FramePart``.
        dtype: What the products are computed in; actions stay float32 between the steps.
    """

    time: Tensor
    places: Tensor
    out_scale: Tensor
    out_shift: Tensor

    @torch.no_grad()
    def __init__(self, policy: Policy, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        conditioning = policy.conditioning(policy.steps)
        encoder, decoder, dit = policy.action_encoder, policy.action_decoder, policy.model
        width = encoder.W3.W.shape[-1]
        self.dtype = dtype
        self.steps = policy.steps
        self.encode = Dense(
            *in_a_row(
                (encoder.W1.W[0].T, encoder.W1.b[0]),
                (encoder.W2.W[0, :width].T, torch.zeros_like(encoder.W2.b[0])),
            ),
            dtype,
        )
        self.register_buffer("time", conditioning.time.unsqueeze(1).to(dtype))
        self.tokens = Dense(encoder.W3.W[0].T, encoder.W3.b[0], dtype)
        places = torch.zeros(1, width)
        if policy.config.model_cfg.add_pos_embed:
            places = policy.position_embedding.weight[: policy.horizon]
        self.register_buffer("places", places.to(dtype).clone())
        self.blocks = nn.ModuleList(
            StepBlock(block, modulation, policy.horizon, dtype)
            for block, modulation in zip(dit.blocks, conditioning.blocks, strict=True)
        )
        shift, scale = (half.unsqueeze(1) for half in conditioning.out.chunk(2, dim=-1))
        self.register_buffer("out_scale", (1 + scale).to(dtype))
        self.register_buffer("out_shift", shift.to(dtype))
        self.decode = Dense(
            *in_a_row(
                (dit.proj_out_2.weight, dit.proj_out_2.bias),
                (decoder.layer1.W[0].T, decoder.layer1.b[0]),
            ),
            dtype,
        )
        self.actions = Dense(decoder.layer2.W[0].T, decoder.layer2.b[0], dtype)

    @property
    def layers(self) -> list[StepBlock]:
        """The DiT's blocks, typed."""
        return [block for block in self.blocks if isinstance(block, StepBlock)]

    def forward(
        self, noise: Tensor, keys_values: Tensor, prefix: Tensor, weights: Tensor, mix: Tensor
    ) -> Tensor:
        """Sample; see the module for the inputs.  All but ``keys_values`` are float32."""
        x = noise
        line = prefix - noise
        for step in range(self.steps):
            v = torch.einsum("ij,jta->ita", mix, self.velocity(x, step, keys_values))
            x = x + torch.lerp(v, line, weights) / self.steps
        return x

    def velocity(self, x: Tensor, step: int, keys_values: Tensor) -> Tensor:
        """Where the actions ``x`` (``B x T x A`` float32) move at a step; the same shape."""
        return self.velocity_with(x, self.constants(step), keys_values)

    def constants(self, step: int) -> list[Tensor]:
        """What the timestep of a step makes of the layers, in the order of their use."""
        blocks = [part[step] for block in self.layers for part in (block.scale, block.shift)]
        return [self.time[step], *blocks, self.out_scale[step], self.out_shift[step]]

    def velocity_with(self, x: Tensor, constants: list[Tensor], keys_values: Tensor) -> Tensor:
        """As ``velocity``; the same code for every step."""
        time, *modulations, out_scale, out_shift = constants
        hidden = F.silu(self.encode(x.to(self.dtype)) + time)
        tokens = self.tokens(hidden) + self.places
        crossed = 0
        for number, block in enumerate(self.layers):
            scale, shift = modulations[2 * number : 2 * number + 2]
            kv = keys_values[crossed] if block.crosses else None
            tokens = block.modulated(tokens, scale, shift, kv)
            crossed += block.crosses
        normed = F.layer_norm(tokens, tokens.shape[-1:], eps=OUT_EPS)
        normed = normed * out_scale + out_shift
        out: Tensor = self.actions(F.relu(self.decode(normed)))
        return out.float()
