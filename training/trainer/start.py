"""What a run begins from, with the timeline that it is trained for."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

from nitropilot.policy.actions import CHECKPOINT, OLD_CHECKPOINT
from nitropilot.policy.config import parse_config
from nitropilot.policy.errors import CheckpointError
from nitropilot.policy.files.checkpoint import load_policy
from nitropilot.policy.naming import parse_random, trained_games
from nitropilot.policy.network.policy import Policy, Sizes
from nitropilot.policy.network.random_weights import architecture, fill_randomly
from nitropilot.records.timeline import Timeline
from nitropilot.training.data.wish import Wish
from nitropilot.training.errors import BadSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nitropilot.policy.config import PolicyConfig
    from nitropilot.training.trainer.config import DataConfig, RunConfig

NO_POLICY = "no policy is named to start from"
NAME_ONE = "name a checkpoint or random:tiny with --policy"
NO_GAME = "none"
"""Name of the unconditional row."""


def first_policy(run: RunConfig, games: Sequence[str]) -> Policy:
    """The weights that a run begins with.

    Args:
        run: Names them, and may ask for a timeline.
        games: Those of the data, in order.

    Raises:
        BadSettings: No policy is named, or it is of another timeline than asked for.
        PolicyError: It cannot be loaded.
    """
    if not run.policy:
        raise BadSettings(NO_POLICY, NAME_ONE)
    chosen = parse_random(run.policy)
    if chosen is not None:
        return _fresh(*chosen, run, games)
    policy = load_policy(run.policy)
    if run.games:
        raise BadSettings(
            f"{run.policy} is trained: it cannot be given rows for games",
            "leave --games out; it uses those it has",
        )
    asked = (("shift", run.action_shift), ("horizon", run.horizon))
    for (name, wanted), has in zip(asked, (timeline_of(policy).shift, policy.horizon), strict=True):
        if wanted is not None and wanted != has:
            raise BadSettings(
                f"{run.policy} has a {name} of {has}, and {wanted} is asked for",
                "leave it out, or start from random weights",
            )
    return policy


def _fresh(size: str, seed: int, run: RunConfig, games: Sequence[str]) -> Policy:
    """Random weights, for the timeline and the games of a run."""
    raw, config, sizes = fresh_shape(size, run, games)
    policy = fill_randomly(lambda: Policy(config, sizes), size, seed)
    policy.raw_config = raw
    return policy


def fresh_shape(
    size: str, run: RunConfig, games: Sequence[str]
) -> tuple[dict[str, Any], PolicyConfig, Sizes]:
    """The configuration, as it is stored and as it is read, and the sizes of a fresh policy.

    Args:
        size: Of ``random:SIZE``.
        run: May ask for a timeline, and for a token for each game.
        games: Those of the data, in order.

    Raises:
        BadSettings: There cannot be such a policy.
    """
    raw, sizes = architecture(size)
    raw = copy.deepcopy(raw)
    if run.horizon is not None:
        for section in ("model_cfg", "tokenizer_cfg"):
            raw[section]["action_horizon"] = run.horizon
        raw["modality_cfg"]["action_per_chunk"] = run.horizon
    if run.action_shift is not None:
        raw["modality_cfg"]["action_shift"] = run.action_shift
    if run.games:
        named = {NO_GAME: 0} | {game: row for row, game in enumerate(games, 1)}
        raw["tokenizer_cfg"]["game_mapping_cfg"] = named
        raw["tokenizer_cfg"]["max_sequence_length"] += 1
        sizes = Sizes(sizes.vision_layers, sizes.vision_mlp, len(named))
    raw["experiment_name"] = "trained"
    try:
        return raw, parse_config(raw), sizes
    except CheckpointError as error:
        raise BadSettings(
            f"{run.policy} cannot be made so: {error}", "ask for another horizon"
        ) from None


def timeline_of(policy: Policy) -> Timeline:
    """Which actions a policy answers with."""
    modality = policy.config.modality_cfg
    return Timeline(modality.action_shift, policy.horizon, modality.frame_spacing)


def wish_of(policy: Policy, data: DataConfig) -> Wish:
    """What a policy wants made of recordings."""
    return Wish(
        timeline_of(policy),
        policy.config.nitropilot.action_hz,
        policy.frames,
        policy.image_size,
        OLD_CHECKPOINT if policy.config.tokenizer_cfg.old_layout else CHECKPOINT,
        data.stride,
        data.active,
        data.corrections,
        data.before_takeover,
        resample=data.hz,
    )


def device_of(name: str, local: int = 0) -> torch.device:
    """The device that a run computes on.

    Args:
        name: cpu, cuda, or auto.
        local: Number of this process on this machine, which is that of its card.

    Raises:
        BadSettings: There is none of that name, or no card for every process.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and 0 < torch.cuda.device_count() <= local:
        raise BadSettings(
            f"this machine has {torch.cuda.device_count()} cards, and process {local} needs its "
            "own",
            "start fewer processes (--nproc-per-node), or give --device cpu",
        )
    try:
        device = torch.device(name, local) if name == "cuda" else torch.device(name)
        torch.zeros(1, device=device)
        if device.type == "cuda":
            torch.cuda.set_device(device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise BadSettings(f"cannot train on {name!r}: {reason}", "use cpu, cuda or auto") from None
    return device


def exported_config(
    policy: Policy, hz: float, noise: tuple[float, float, float], games: Sequence[str]
) -> dict[str, Any]:
    """The ``ckpt_config`` of what was trained from ``policy``.

    What this was made for stays: how many actions are played, steps, and its games, to which those
    of the data come.  Of a trained policy that does not say its games none are said: those of the
    data would not be all.

    Args:
        policy: What the run began with.
        hz: Rows a second of the data.
        noise: Alpha, beta and s of the times.
        games: Those of the data.
    """
    raw = copy.deepcopy(policy.raw_config)
    alpha, beta, s = noise
    raw["model_cfg"] |= {"noise_beta_alpha": alpha, "noise_beta_beta": beta, "noise_s": s}
    raw["nitropilot"] = {**raw.get("nitropilot", {}), "action_hz": hz}
    before = () if policy.is_random else trained_games(policy.config.nitropilot.games, policy.games)
    if before is not None:
        raw["nitropilot"]["games"] = list(dict.fromkeys([*before, *games]))
    return raw
