"""What the pocket policy is: the published architecture, small; and heads that are thrown away."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from nitropilot.pocket.samples.charts import CELLS, KINDS
from nitropilot.policy.config import parse_config
from nitropilot.policy.network.policy import Policy, Sizes
from nitropilot.policy.network.random_weights import architecture, initialise
from nitropilot.policy.sizes import PATCH

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 4
"""Patches along a side of the picture, which is 64 x 64."""
WIDTH, HEADS = 128, 4
VISION_LAYERS, MIXER_LAYERS, DIT_LAYERS = 4, 1, 3
SHIFT = 1
"""Ticks from a picture to the first action that is for it."""
BINS = 9
"""Stretches of a channel among which the head also chooses."""


def configuration() -> dict[str, Any]:
    """The ``ckpt_config`` of the pocket policy."""
    raw = copy.deepcopy(architecture("tiny")[0])
    tokens = SIDE * SIDE
    model, tokenizer = raw["model_cfg"], raw["tokenizer_cfg"]
    for name, layers in (
        ("diffusion_model_cfg", DIT_LAYERS),
        ("vl_self_attention_cfg", MIXER_LAYERS),
    ):
        model[name] |= {
            "num_attention_heads": HEADS, "attention_head_dim": WIDTH // HEADS,
            "output_dim": WIDTH, "num_layers": layers,
        }  # fmt: skip
    model["diffusion_model_cfg"]["cross_attention_dim"] = WIDTH
    model |= {
        "hidden_size": WIDTH, "vision_hidden_size": WIDTH,
        "vision_encoder_name": f"pocket-siglip-patch{PATCH}-{PATCH * SIDE}",
    }  # fmt: skip
    tokenizer |= {"num_visual_tokens_per_frame": tokens, "max_sequence_length": tokens}
    raw["modality_cfg"]["action_shift"] = SHIFT
    raw["experiment_name"] = "pocket"
    return raw


def fresh(seed: int) -> Policy:
    """The pocket policy before it has learned anything."""
    raw = configuration()
    sizes = Sizes(vision_layers=VISION_LAYERS, vision_mlp=4 * WIDTH)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = Policy(parse_config(raw), sizes)
        initialise(policy)
    policy.raw_config, policy.name = raw, "pocket"
    return policy.train()


class Head(nn.Module):
    """Says the actions outright from what the DiT attends to: a signal that reaches the eye.

    Args:
        policy: Whose context it reads.
        channels: Channels that the data uses.

    Returns:
        Values ``B x T x C`` and logits ``B x T x C x BINS``.
    """

    def __init__(self, policy: Policy, channels: int, seed: int) -> None:
        super().__init__()
        length = policy.config.tokenizer_cfg.max_sequence_length
        width = policy.config.model_cfg.vision_hidden_size
        self.shape = (policy.horizon, channels, 1 + BINS)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.hidden = nn.Linear(length * width, 2 * width)
            self.out = nn.Linear(2 * width, policy.horizon * channels * (1 + BINS))

    def forward(self, context: Tensor) -> tuple[Tensor, Tensor]:
        """``context``: ``B x L x W``."""
        hidden = nn.functional.gelu(self.hidden(context.flatten(1)))
        answer = self.out(hidden).unflatten(1, self.shape)
        return answer[..., 0], answer[..., 1:]


class Charter(nn.Module):
    """Says what is where in each patch, from that patch's token alone.

    Args:
        policy: Whose context it reads.

    Returns:
        Logits ``B x L x KINDS x cells``.
    """

    def __init__(self, policy: Policy, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            cells = (CELLS // SIDE) ** 2
            self.out = nn.Linear(policy.config.model_cfg.vision_hidden_size, KINDS * cells)

    def forward(self, context: Tensor) -> Tensor:
        """``context``: ``B x L x W``."""
        said: Tensor = self.out(context)
        return said.view(*said.shape[:-1], KINDS, -1)
