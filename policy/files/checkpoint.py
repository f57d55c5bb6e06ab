"""``load_policy`` and ``save_policy``: checkpoints in, safetensors out."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from nitropilot.policy.actions import ACTION_DIM
from nitropilot.policy.config import PolicyConfig, parse_config
from nitropilot.policy.errors import CheckpointError, quoted
from nitropilot.policy.files.formats import PT_SUFFIXES, RANDOM_KEY, read_checkpoint
from nitropilot.policy.files.stored import CONFIG_KEY, DAMAGED, CheckpointFile
from nitropilot.policy.files.writing import write_tensors
from nitropilot.policy.naming import title_of
from nitropilot.policy.network.policy import Policy, Sizes
from nitropilot.texts import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

log = logging.getLogger("nitropilot.policy")

UNUSED = "vision_encoder.head."
"""The pooling head: in every checkpoint, and no part of the policy."""
LAYER = re.compile(r"vision_encoder\.encoder\.layers\.(\d{1,3})\.")
FIRST_MLP = "vision_encoder.encoder.layers.0.mlp.fc1.weight"
GAMES = "game_embedding.weight"
SHOWN = 3
NOT_WHOLE = "this file is not a whole NitroGen checkpoint: get it again where it came from"


def load_policy(
    path: Path | str,
    device: str | torch.device = "cpu",
    *,
    games: Mapping[str, int] | None = None,
) -> Policy:
    """Load a checkpoint.

    Args:
        path: A NitroGen ``.pt``, a ``.safetensors``, a folder with the latter; or, as text, the
            name of a policy that comes with NitroPilot, or BASE+ADAPTERS.
        device: Where the weights go; they become float32.
        games: Names for the rows of the game embedding, where the file has none.

    Returns:
        The policy, ready to sample (``eval`` mode).

    Raises:
        CheckpointError: The file is not a checkpoint, or a damaged or hostile one, or a
            game has no row, or the channels of its actions have no layout; or it is not the
            base of its adapters.
    """
    policy = policy_of(read_checkpoint(path), device, games)
    policy.name = shown(title_of(path))
    log.info("loaded %s (%d parameters)", policy.name, count_parameters(policy))
    if policy.is_random:
        log.warning("%s has random weights: it presses buttons, it does not play", policy.name)
    return policy


def policy_of(
    file: CheckpointFile,
    device: str | torch.device = "cpu",
    games: Mapping[str, int] | None = None,
) -> Policy:
    """The policy that a file holds: see ``load_policy``; it has no name yet."""
    mark = file.fingerprint()
    policy = empty_policy(file)
    if policy.action_dim != ACTION_DIM:
        raise CheckpointError(
            f"{file.path} gives actions of {policy.action_dim} channels, which have no layout",
            f"only the published {ACTION_DIM} channels can be read: see policy/actions.py",
        )
    _check_games(file.path, games or {}, policy.sizes.game_rows)
    _fill(policy, file, torch.device(device))
    policy.fingerprint, policy.is_random = mark, file.is_random
    if games is not None:
        policy.games = dict(games)
    return policy.eval()


def save_policy(policy: Policy, path: Path | str) -> None:
    """Write a policy as safetensors with its configuration, complete or not at all.

    Raises:
        CheckpointError: The file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() in PT_SUFFIXES:
        raise CheckpointError(f"{path} would hold safetensors data", "end its name in .safetensors")
    try:
        raw = json.loads(json.dumps(policy.raw_config))
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{policy.name} has settings that JSON cannot hold: {error}",
            "load it from another file",
        ) from None
    if policy.games:
        raw["tokenizer_cfg"]["game_mapping_cfg"] = dict(policy.games)
    tensors = {key: value.detach().contiguous() for key, value in policy.state_dict().items()}
    metadata = {"format": "pt", CONFIG_KEY: json.dumps(raw)}
    if policy.is_random:
        metadata[RANDOM_KEY] = "true"
    write_tensors(tensors, metadata, path)


def count_parameters(policy: Policy) -> int:
    """Numbers that training could change."""
    return sum(parameter.numel() for parameter in policy.parameters())


def empty_policy(file: CheckpointFile) -> Policy:
    """The network that a checkpoint describes, without memory for its weights.

    Raises:
        CheckpointError: The configuration is invalid, or keys or shapes do not fit it.
    """
    config = parse_config(file.config, f"{file.path}: {CONFIG_KEY}")
    tensors = {k: v for k, v in file.tensors.items() if not k.startswith(UNUSED)}
    with torch.device("meta"):
        policy = Policy(config, _sizes(file, config))
    policy.raw_config = file.config
    _compare(file.path, policy.state_dict(), tensors)
    return policy


def _sizes(file: CheckpointFile, config: PolicyConfig) -> Sizes:
    """What only the tensors tell: see ``Sizes``."""
    layers = {int(found[1]) for key in file.tensors if (found := LAYER.match(key))}
    mlp = file.tensors.get(FIRST_MLP)
    if not layers or mlp is None or mlp.ndim != 2:
        raise CheckpointError(
            f"{file.path} has no vision encoder ({FIRST_MLP} is missing)", NOT_WHOLE
        )
    games = file.tensors.get(GAMES)
    rows = games.shape[0] if games is not None and games.ndim == 2 else 0
    sizes = Sizes(max(layers) + 1, mlp.shape[0], rows)
    if not 1 <= sizes.vision_mlp <= 2**20 or rows > 2**20 or sizes.vision_layers != len(layers):
        raise CheckpointError(
            f"{file.path} has a vision encoder with gaps or absurd sizes: {sizes}", NOT_WHOLE
        )
    if config.tokenizer_cfg.game_mapping_cfg is not None and not rows:
        raise CheckpointError(f"{file.path} is made for games but has no {GAMES}", DAMAGED)
    _check_games(file.path, config.games, rows)
    needed = config.modality_cfg.frame_per_sample * config.tokenizer_cfg.num_visual_tokens_per_frame
    length = config.tokenizer_cfg.max_sequence_length
    if needed + bool(sizes.game_rows) > length:
        raise CheckpointError(
            f"{file.path}: {needed} image tokens and a game token exceed "
            f"max_sequence_length {length}",
            NOT_WHOLE,
        )
    return sizes


def _check_games(path: Path | str, games: Mapping[str, int], rows: int) -> None:
    """Raise unless every game has a row of the embedding."""
    for name, row in games.items():
        if not 0 <= row < rows:
            raise CheckpointError(
                f"{path} has {rows} rows of games, and {quoted(name)} is row {row}",
                f"rows are 0 to {rows - 1}" if rows else "this policy knows no games",
            )


def _compare(path: Path, wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Raise unless both have the same keys and shapes."""
    faults = [f"{key} is missing" for key in wanted.keys() - found.keys()]
    faults += [f"{quoted(key)} is unknown" for key in found.keys() - wanted.keys()]
    faults += [
        f"{key} is {tuple(found[key].shape)} instead of {tuple(wanted[key].shape)}"
        for key in wanted.keys() & found.keys()
        if found[key].shape != wanted[key].shape
    ]
    if faults:
        shown = "; ".join(sorted(faults)[:SHOWN])
        more = f" and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise CheckpointError(f"{path} does not fit its configuration: {shown}{more}", NOT_WHOLE)


@torch.no_grad()
def _fill(policy: Policy, file: CheckpointFile, device: torch.device) -> None:
    """Copy the weights into place, one at a time, refusing what is not finite."""
    weights: dict[str, Any] = {}
    for key in policy.state_dict():
        weight = file.weight(key, device)
        if not torch.isfinite(torch.linalg.vector_norm(weight, ord=float("inf"))):
            raise CheckpointError(f"{file.path}: {key} holds numbers that are not finite", DAMAGED)
        weights[key] = weight
    policy.load_state_dict(weights, strict=True, assign=True)
