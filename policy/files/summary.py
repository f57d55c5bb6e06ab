"""``describe``: what a checkpoint file holds, for ``nitropilot policies inspect``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from nitropilot.policy.files.checkpoint import UNUSED, empty_policy
from nitropilot.policy.files.formats import read_checkpoint
from nitropilot.policy.naming import trained_games

PARTS = {
    "vision_encoder": "vision encoder",
    "vl_self_attention_model": "mixer",
    "model": "dit",
    "action_encoder": "actions",
    "action_decoder": "actions",
    "position_embedding": "actions",
    "game_embedding": "games",
}


class PolicySummary(BaseModel):
    """Facts about one checkpoint.  Sizes in tokens, channels or pixels as named."""

    model_config = ConfigDict(frozen=True)

    file: str
    format: str
    bytes: int
    sha256: str
    is_random: bool
    experiment: str
    dtypes: tuple[str, ...]
    parameters: int
    parameters_unused: int
    parameters_by_part: dict[str, int]
    image_size: int
    frames: int
    frame_spacing: int
    tokens_per_frame: int
    sequence_length: int
    action_dim: int
    horizon: int
    action_shift: int
    steps: int
    actions: int | None
    trained_on: tuple[str, ...] | None
    old_layout: bool
    vision_encoder: str
    vision_width: int
    vision_layers: int
    vision_heads: int
    mixer_layers: int
    dit_layers: int
    dit_width: int
    dit_heads: int
    dit_interleaved: bool
    games: dict[str, int]
    game_rows: int


def describe(path: Path | str, *, digest: bool = True) -> PolicySummary:
    """Read a checkpoint's facts; no weight is copied.

    Args:
        path: File or folder.
        digest: Whether to read the whole file for its SHA-256, which is "" otherwise.

    Raises:
        CheckpointError: The file is not a checkpoint, or a damaged one.
    """
    file = read_checkpoint(path)
    policy = empty_policy(file)
    parts: Counter[str] = Counter()
    unused = 0
    for key, tensor in file.tensors.items():
        if key.startswith(UNUSED):
            unused += tensor.numel()
        elif not key.endswith("pos_embed.pe"):
            parts[PARTS[key.split(".")[0]]] += tensor.numel()
    model, tokens, modality = (
        policy.config.model_cfg, policy.config.tokenizer_cfg, policy.config.modality_cfg,
    )  # fmt: skip
    dit = model.diffusion_model_cfg
    return PolicySummary(
        file=str(path),
        format=file.format,
        bytes=file.size,
        sha256=file.sha256() if digest else "",
        is_random=file.is_random,
        experiment=policy.config.experiment_name,
        dtypes=tuple(sorted({str(t.dtype).removeprefix("torch.") for t in file.tensors.values()})),
        parameters=sum(parts.values()) + unused,
        parameters_unused=unused,
        parameters_by_part=dict(parts),
        image_size=policy.image_size,
        frames=policy.frames,
        frame_spacing=modality.frame_spacing,
        tokens_per_frame=tokens.num_visual_tokens_per_frame,
        sequence_length=tokens.max_sequence_length,
        action_dim=policy.action_dim,
        horizon=policy.horizon,
        action_shift=modality.action_shift,
        steps=policy.steps,
        actions=policy.config.nitropilot.actions,
        trained_on=trained_games(policy.config.nitropilot.games, policy.games),
        old_layout=tokens.old_layout,
        vision_encoder=model.vision_encoder_name,
        vision_width=model.vision_hidden_size,
        vision_layers=policy.sizes.vision_layers,
        vision_heads=model.vision_heads,
        mixer_layers=model.vl_self_attention_cfg.num_layers,
        dit_layers=dit.num_layers,
        dit_width=dit.width,
        dit_heads=dit.num_attention_heads,
        dit_interleaved=dit.interleave_self_attention,
        games=dict(policy.games),
        game_rows=policy.sizes.game_rows,
    )
