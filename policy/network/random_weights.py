"""Policies with random weights, for tests, benchmarks and trying the loop.

They have the real architecture and cost what a real one costs, but they press buttons
at random: they say so in the log, in ``is_random`` and in their name.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from nitropilot.policy.naming import check_random, random_fingerprint
from nitropilot.policy.network.policy import Policy, Sizes

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("nitropilot.policy")


def make_random_policy(size: str = "tiny", seed: int = 0, device: str = "cpu") -> Policy:
    """A policy with random weights.

    Args:
        size: ``"full"``, the published architecture (493.6 M parameters with the unused
            pooling head, which is not built: 481 M here), or ``"tiny"`` (0.4 M, 64 x 64).
        seed: The same seed gives the same weights.
        device: Where the weights go.

    Raises:
        PolicyError: There is no such size or seed.
    """
    from nitropilot.policy.config import parse_config

    check_random(size, seed)
    config, sizes = architecture(size)
    policy = fill_randomly(lambda: Policy(parse_config(config), sizes), size, seed)
    policy.raw_config = config
    return policy.to(device)


def fill_randomly(make: Callable[[], Policy], size: str, seed: int) -> Policy:
    """What ``make`` makes (of the architecture of ``size``), with the weights of ``seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = make()
        initialise(policy)
    policy.is_random = True
    policy.name = f"random:{size} (seed {seed})"
    policy.fingerprint = random_fingerprint(size, seed)
    log.warning("%s has random weights: it presses buttons, it does not play", policy.name)
    return policy.eval()


def architecture(size: str) -> tuple[dict[str, Any], Sizes]:
    """The configuration and further sizes of a random policy (see ``make_random_policy``)."""
    if size == "full":
        config = _config(width=1024, heads=16, mixer=4, dit=8, tokens=256, positions=1024)
        config["model_cfg"]["action_horizon"] = config["tokenizer_cfg"]["action_horizon"] = 18
        config["modality_cfg"] |= {"frame_spacing": 18, "action_per_chunk": 18, "action_shift": 3}
        return config, Sizes(vision_layers=24, vision_mlp=4096)
    check_random(size, 0)
    config = _config(width=64, heads=4, mixer=1, dit=3, tokens=16, positions=64)
    return config, Sizes(vision_layers=2, vision_mlp=256)


def _config(
    width: int, heads: int, mixer: int, dit: int, tokens: int, positions: int
) -> dict[str, Any]:
    stack = {"num_attention_heads": heads, "attention_head_dim": width // heads,
             "output_dim": width, "positional_embeddings": None}  # fmt: skip
    return {
        "experiment_name": "random",
        "model_cfg": {
            "model_type": "nitrogen",
            "diffusion_model_cfg": {**stack, "num_layers": dit, "cross_attention_dim": width,
                                    "interleave_self_attention": True},
            "vl_self_attention_cfg": {**stack, "num_layers": mixer},
            "hidden_size": width,
            "max_seq_len": positions,
            "action_dim": 25,
            "action_horizon": 16,
            "noise_beta_alpha": 1.5,
            "noise_beta_beta": 1.0,
            "noise_s": 0.999,
            "num_timestep_buckets": 1000,
            "num_inference_timesteps": 16,
            "vision_encoder_name": f"random-siglip-patch16-{16 * round(tokens**0.5)}",
            "vision_hidden_size": width,
        },
        "tokenizer_cfg": {
            "tokenizer_id": "nitrogen",
            "num_visual_tokens_per_frame": tokens,
            "max_action_dim": 25,
            "max_sequence_length": tokens,
            "action_horizon": 16,
            "game_mapping_cfg": None,
            "old_layout": False,
        },
        "modality_cfg": {"frame_per_sample": 1, "frame_spacing": 16, "action_per_chunk": 16,
                         "action_shift": 1},
    }  # fmt: skip


@torch.no_grad()
def initialise(policy: nn.Module) -> None:
    """Weights of variance 1 / inputs, small embeddings; norms and biases as torch has them."""
    for name, parameter in policy.named_parameters():
        if name.endswith(".W"):
            parameter.normal_(std=parameter.shape[1] ** -0.5)
        elif name.endswith(".b"):
            parameter.zero_()
        elif "embedding.weight" in name and parameter.ndim == 2:
            parameter.normal_(std=0.02)
