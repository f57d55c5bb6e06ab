"""The network once more, straight from its description: slow, and nothing is kept.

Context, keys, values and timestep conditioning are computed again at every step, each
head of each attention on its own, from nothing but the tensors of the file.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    Weights = Mapping[str, Tensor]


def sample(
    weights: Weights,
    config: dict[str, Any],
    frames: Tensor,
    noise: Tensor,
    *,
    row: int | None = None,
    cfg_scale: float = 1.0,
    steps: int | None = None,
) -> Tensor:
    """Actions for one sample: ``frames`` F x 3 x S x S, all of them present; ``noise`` T x A."""
    model = config["model_cfg"]
    count = steps or model["num_inference_timesteps"]
    x = noise
    for i in range(count):
        t = int(i / count * model["num_timestep_buckets"])
        v = velocity(weights, config, frames, x, t, row)
        if cfg_scale != 1.0:
            v = v + cfg_scale * (v - velocity(weights, config, frames, x, t, 0))
        x = x + v / count
    return x


def velocity(
    w: Weights, config: dict[str, Any], frames: Tensor, x: Tensor, t: int, row: int | None
) -> Tensor:
    model = config["model_cfg"]
    mixed = mixer(w, model["vl_self_attention_cfg"], sequence(w, config, frames, row))
    tokens = encode_actions(w, x, t)
    if model.get("add_pos_embed", True):
        tokens = tokens + w["position_embedding.weight"][: len(tokens)]
    out = dit(w, model["diffusion_model_cfg"], tokens, mixed, t)
    hidden = F.relu(out @ w["action_decoder.layer1.W"][0] + w["action_decoder.layer1.b"][0])
    return hidden @ w["action_decoder.layer2.W"][0] + w["action_decoder.layer2.b"][0]


def sequence(w: Weights, config: dict[str, Any], frames: Tensor, row: int | None) -> Tensor:
    """Zero vectors, the game's vector, the image tokens: L x C."""
    parts = [] if row is None else [w["game_embedding.weight"][row : row + 1]]
    parts += [vision(w, frame) for frame in frames]
    missing = config["tokenizer_cfg"]["max_sequence_length"] - sum(len(part) for part in parts)
    return torch.cat([torch.zeros(missing, parts[0].shape[1]), *parts])


def linear(w: Weights, name: str, x: Tensor) -> Tensor:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def norm(w: Weights, name: str, x: Tensor, eps: float) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], eps)


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """Each head by itself, softmax written out."""
    size = q.shape[-1] // heads
    outs = []
    for part in (slice(head * size, (head + 1) * size) for head in range(heads)):
        scores = q[:, part] @ k[:, part].T / math.sqrt(size)
        outs.append(torch.softmax(scores, dim=-1) @ v[:, part])
    return torch.cat(outs, dim=-1)


def vision(w: Weights, image: Tensor) -> Tensor:
    """N x C tokens of one image."""
    at = "vision_encoder.embeddings"
    x = F.conv2d(
        image[None], w[f"{at}.patch_embedding.weight"], w[f"{at}.patch_embedding.bias"], stride=16
    )[0]
    x = x.flatten(1).T + w[f"{at}.position_embedding.weight"]
    heads = max(x.shape[-1] // 64, 1)
    layers = {key.split(".")[3] for key in w if key.startswith("vision_encoder.encoder.layers.")}
    for layer in range(len(layers)):
        at = f"vision_encoder.encoder.layers.{layer}"
        n = norm(w, f"{at}.layer_norm1", x, 1e-6)
        q, k, v = (linear(w, f"{at}.self_attn.{p}_proj", n) for p in "qkv")
        x = x + linear(w, f"{at}.self_attn.out_proj", attend(q, k, v, heads))
        n = norm(w, f"{at}.layer_norm2", x, 1e-6)
        n = F.gelu(linear(w, f"{at}.mlp.fc1", n), approximate="tanh")
        x = x + linear(w, f"{at}.mlp.fc2", n)
    return norm(w, "vision_encoder.post_layernorm", x, 1e-6)


def block_tail(w: Weights, at: str, heads: int, normed: Tensor, other: Tensor | None) -> Tensor:
    """Attention of ``normed`` to ``other``, or to itself, positions added first."""
    if f"{at}.pos_embed.pe" in w:
        normed = normed + w[f"{at}.pos_embed.pe"][0, : len(normed)]
    source = normed if other is None else other
    q = linear(w, f"{at}.attn1.to_q", normed)
    k, v = linear(w, f"{at}.attn1.to_k", source), linear(w, f"{at}.attn1.to_v", source)
    return linear(w, f"{at}.attn1.to_out.0", attend(q, k, v, heads))


def feed_forward(w: Weights, at: str, x: Tensor) -> Tensor:
    hidden = F.gelu(linear(w, f"{at}.ff.net.0.proj", x), approximate="tanh")
    return linear(w, f"{at}.ff.net.2", hidden)


def mixer(w: Weights, config: dict[str, Any], x: Tensor) -> Tensor:
    for layer in range(config["num_layers"]):
        at = f"vl_self_attention_model.transformer_blocks.{layer}"
        normed = norm(w, f"{at}.norm1", x, 1e-5)
        x = x + block_tail(w, at, config["num_attention_heads"], normed, None)
        x = x + feed_forward(w, at, norm(w, f"{at}.norm3", x, 1e-5))
    return x


def encode_actions(w: Weights, x: Tensor, t: int) -> Tensor:
    a = x @ w["action_encoder.W1.W"][0] + w["action_encoder.W1.b"][0]
    half = a.shape[-1] // 2
    angle = t * torch.exp(torch.arange(half) * (-math.log(10000.0) / half))
    tau = torch.cat([angle.sin(), angle.cos()]).expand_as(a)
    h = torch.cat([a, tau], dim=-1) @ w["action_encoder.W2.W"][0] + w["action_encoder.W2.b"][0]
    return F.silu(h) @ w["action_encoder.W3.W"][0] + w["action_encoder.W3.b"][0]


def dit(w: Weights, config: dict[str, Any], x: Tensor, mixed: Tensor, t: int) -> Tensor:
    angle = t * torch.exp(torch.arange(128) * (-math.log(10000.0) / 127))
    temb = torch.cat([angle.cos(), angle.sin()])
    temb = F.silu(linear(w, "model.timestep_encoder.timestep_embedder.linear_1", temb))
    temb = F.silu(linear(w, "model.timestep_encoder.timestep_embedder.linear_2", temb))
    width = x.shape[-1]
    for layer in range(config["num_layers"]):
        at = f"model.transformer_blocks.{layer}"
        scale, shift = linear(w, f"{at}.norm1.linear", temb).chunk(2)
        normed = F.layer_norm(x, (width,), eps=1e-5) * (1 + scale) + shift
        alone = config.get("interleave_self_attention", False) and layer % 2 == 1
        heads = config["num_attention_heads"]
        x = x + block_tail(w, at, heads, normed, None if alone else mixed)
        x = x + feed_forward(w, at, F.layer_norm(x, (width,), eps=1e-5))
    shift, scale = linear(w, "model.proj_out_1", temb).chunk(2)
    return linear(w, "model.proj_out_2", F.layer_norm(x, (width,), eps=1e-6) * (1 + scale) + shift)
