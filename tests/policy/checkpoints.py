"""A micro checkpoint that costs nothing to load, and the means to spoil it."""

from __future__ import annotations

import copy
import json
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save as to_safetensors

from nitropilot.policy.config import parse_config
from nitropilot.policy.network.policy import Policy, Sizes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

HEADS = {"num_attention_heads": 2, "attention_head_dim": 8, "output_dim": 16}
MICRO: dict[str, Any] = {
    "experiment_name": "micro",
    "model_cfg": {
        "diffusion_model_cfg": {**HEADS, "num_layers": 2, "interleave_self_attention": True},
        "vl_self_attention_cfg": {**HEADS, "num_layers": 1},
        "hidden_size": 16,
        "max_seq_len": 8,
        "action_dim": 25,
        "action_horizon": 4,
        "num_timestep_buckets": 1000,
        "num_inference_timesteps": 3,
        "vision_encoder_name": "micro-patch16-32",
        "vision_hidden_size": 16,
    },
    "tokenizer_cfg": {
        "num_visual_tokens_per_frame": 4,
        "max_action_dim": 25,
        "max_sequence_length": 11,
        "action_horizon": 4,
        "game_mapping_cfg": {"none": 0, "pong": 1},
    },
    "modality_cfg": {"frame_per_sample": 2, "action_per_chunk": 4},
}
"""Two heads, two frames, a game and two tokens of padding: what the references lack together."""


def changed(config: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    """A copy of ``config`` with the dotted ``key`` set (or removed, for ``...``)."""
    result = copy.deepcopy(config)
    *path, last = key.split(".")
    section = result
    for part in path:
        section = section[part]
    if value is ...:
        del section[last]
    else:
        section[last] = value
    return result


def micro_weights(
    dtype: torch.dtype = torch.float32, config: dict[str, Any] = MICRO
) -> dict[str, Tensor]:
    """Random weights for ``MICRO`` or something like it, pooling head included."""
    with torch.device("meta"):
        policy = Policy(parse_config(config), Sizes(vision_layers=2, vision_mlp=32, game_rows=2))
    shapes = {key: tuple(value.shape) for key, value in policy.state_dict().items()}
    shapes["vision_encoder.head.probe"] = (1, 1, 16)
    generator = torch.Generator().manual_seed(1)
    return {
        key: (torch.randn(shape, generator=generator) * 0.3).to(dtype)
        for key, shape in shapes.items()
    }


def write_pt(path: Path, weights: Mapping[str, object], config: object = MICRO) -> Path:
    """A NitroGen ``.pt`` as ``torch.save`` makes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sparse and quantised tensors are announced as beta
        torch.save({"model": dict(weights), "ckpt_config": config}, path)
    return path


def write_safetensors(
    path: Path, weights: dict[str, Tensor], config: object = MICRO, **metadata: str
) -> Path:
    """A ``.safetensors`` with ``config`` in its metadata, or without one for None."""
    if config is not None:
        metadata["ckpt_config"] = json.dumps(config)
    path.write_bytes(to_safetensors(weights, metadata or None))
    return path


def write_zip(path: Path, records: Mapping[str, bytes], *, compress: bool = False) -> Path:
    """A zip with torch's names for its parts, and with whatever a test puts into them."""
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, data in records.items():
            archive.writestr(f"archive/{name}", data)
    return path


def header_of(data: bytes) -> tuple[int, dict[str, Any]]:
    """Length and content of a safetensors header."""
    length = int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(data[8 : 8 + length])
    return length, header


def with_header(data: bytes, header: object) -> bytes:
    """Safetensors ``data`` with another header."""
    length, _ = header_of(data)
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]
