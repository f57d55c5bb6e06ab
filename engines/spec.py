"""``policy_spec``: what callers of an engine need to know of its policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.engines.base import PolicySpec
from nitropilot.policy.naming import trained_games

if TYPE_CHECKING:
    from nitropilot.policy.network.policy import Policy


def policy_spec(policy: Policy) -> PolicySpec:
    """What the outside needs to know of ``policy``."""
    tokens, own = policy.config.tokenizer_cfg, policy.config.nitropilot
    return PolicySpec(
        name=policy.name,
        fingerprint=policy.fingerprint,
        is_random=policy.is_random,
        image_size=policy.image_size,
        frames=policy.frames,
        horizon=policy.horizon,
        action_dim=policy.action_dim,
        steps=policy.steps,
        games=dict(policy.games),
        game_rows=policy.sizes.game_rows,
        tokens_per_frame=tokens.num_visual_tokens_per_frame,
        sequence_length=tokens.max_sequence_length,
        old_layout=tokens.old_layout,
        action_shift=policy.config.modality_cfg.action_shift,
        frame_spacing=policy.config.modality_cfg.frame_spacing,
        action_hz=own.action_hz,
        actions=own.actions,
        trained_on=trained_games(own.games, policy.games),
    )
