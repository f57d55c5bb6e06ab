"""Policies with random weights where pydantic, which checks configurations, is not there.

The network reads plain attributes of its configuration, and those of a random policy are
sound by construction; ``tests/engines/pytorch/test_torch_cuda.py`` compares what is made here
with what ``policy.random_policy`` makes.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import torch

from nitropilot.policy.network.policy import Policy, Sizes
from nitropilot.policy.network.random_weights import architecture, fill_randomly
from nitropilot.policy.sizes import PATCH

if TYPE_CHECKING:
    from nitropilot.policy.config import PolicyConfig

HEAD_SIZE = 64
"""Of the vision encoder, for names that do not say another."""
STACK = {"norm_eps": 1e-5, "max_num_positional_embeddings": 512, "interleave_self_attention": False}
"""What a configuration has when it does not say."""


def bare_policy(
    size: str,
    seed: int = 0,
    *,
    frames: int = 1,
    padding: int = 0,
    game_rows: int = 0,
    positions: str | None = None,
    on_meta: bool = False,
) -> Policy:
    """A policy with random weights; by default what ``random_policy(size, seed)`` is.

    Args:
        size: ``full`` or ``tiny``.
        seed: Of the weights.
        frames: Context frames.
        padding: Tokens of the sequence that frames never fill.
        game_rows: Rows of a game embedding, named "0", "1" and so on; 0 for none.
        positions: ``"sinusoidal"`` for positions in every block.
        on_meta: Shapes only, without memory or weights.
    """
    raw, sizes = architecture(size)
    sizes = Sizes(sizes.vision_layers, sizes.vision_mlp, game_rows)
    raw["modality_cfg"]["frame_per_sample"] = frames
    tokens = raw["tokenizer_cfg"]
    tokens["max_sequence_length"] = (
        frames * tokens["num_visual_tokens_per_frame"] + padding + bool(game_rows)
    )
    for stack in ("diffusion_model_cfg", "vl_self_attention_cfg"):
        raw["model_cfg"][stack]["positional_embeddings"] = positions
    games = {str(row): row for row in range(game_rows)}
    config = cast("PolicyConfig", _config(raw, games))
    if on_meta:
        with torch.device("meta"):
            return Policy(config, sizes)
    return fill_randomly(lambda: Policy(config, sizes), size, seed)


def _config(raw: dict[str, Any], games: dict[str, int]) -> SimpleNamespace:
    model, tokens = raw["model_cfg"], raw["tokenizer_cfg"]
    stacks = {
        name: SimpleNamespace(
            **{**STACK, **model[name]},
            width=model[name]["num_attention_heads"] * model[name]["attention_head_dim"],
        )
        for name in ("diffusion_model_cfg", "vl_self_attention_cfg")
    }
    heads = max(model["vision_hidden_size"] // HEAD_SIZE, 1)
    return SimpleNamespace(
        model_cfg=SimpleNamespace(**{**model, **stacks}, add_pos_embed=True, vision_heads=heads),
        tokenizer_cfg=SimpleNamespace(**tokens),
        modality_cfg=SimpleNamespace(**raw["modality_cfg"]),
        nitropilot=SimpleNamespace(
            **{
                "action_hz": None,
                "actions": None,
                "steps": None,
                "games": None,
                **raw.get("nitropilot", {}),
            }
        ),
        image_size=PATCH * round(tokens["num_visual_tokens_per_frame"] ** 0.5),
        games=games,
    )
