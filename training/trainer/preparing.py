"""Everything that a run needs before its first step."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nitropilot.places import spelled
from nitropilot.policy.actions import ACTION_DIM
from nitropilot.policy.naming import parse_random
from nitropilot.records.errors import RecordsError
from nitropilot.training.data.damage import Skipped, stop
from nitropilot.training.data.dataset import Dataset
from nitropilot.training.data.frames import open_frames
from nitropilot.training.data.recordings import open_clips
from nitropilot.training.errors import BadData, BadSettings
from nitropilot.training.formats.finding import find_takes, game_of
from nitropilot.training.optimise.groups import freeze
from nitropilot.training.optimise.lora import attach
from nitropilot.training.trainer.speed import MFU_FORMULA
from nitropilot.training.trainer.start import device_of, first_policy, wish_of
from nitropilot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from nitropilot.policy.network.policy import Policy
    from nitropilot.training.trainer.config import TrainConfig

FRAMES = "frames"


@dataclass(frozen=True)
class Prepared:
    """A run that can begin.

    Attributes:
        policy: The weights to begin with, on the device.
        dataset: All samples.
        learn: Numbers of those to learn from.
        held_out: Numbers of those to validate on.
        device: Where it computes.
        skipped: Recordings that were left out, with the reason.
    """

    policy: Policy
    dataset: Dataset
    learn: NDArray[np.int64]
    held_out: NDArray[np.int64]
    device: torch.device
    skipped: dict[str, str] = field(default_factory=dict)


def prepare(
    config: TrainConfig,
    folder: Path,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
    local: int = 0,
) -> Prepared:
    """Load the policy, read the recordings, decode their frames.

    Args:
        config: The run's.
        folder: The run's.
        tell: Is told how many recordings are decoded, of how many.
        local: Number of this process on this machine: of several each takes a card of its own.

    Raises:
        TrainingError: Something does not go together, or there is no room.
        RecordsError: A recording cannot be read, where that is to stop.
        PolicyError: The policy cannot be loaded.
    """
    device = device_of(config.run.device, local)
    folders = find_takes(spelled(place) for place in config.data.data)
    policy = first_policy(config.run, _games(folders))
    if policy.action_dim != ACTION_DIM:
        raise BadSettings(
            f"the policy has actions of {policy.action_dim} channels",
            f"only {ACTION_DIM} can be trained",
        )
    for name, asked in (("lora", config.adapt.lora), ("anchor", config.adapt.anchor)):
        if asked and parse_random(config.run.policy):
            raise BadSettings(
                f"{config.run.policy} has random weights, and --{name} would keep them",
                f"name a checkpoint with --policy, or leave --{name} out",
            )
    narrow(policy, config)
    wish = wish_of(policy, config.data)
    skipped = Skipped()
    on_damage = skipped if config.data.damaged == "skip" else stop
    clips = open_clips(folders, wish, on_damage)
    place = spelled(config.data.frames_folder) if config.data.frames_folder else folder / FRAMES
    opened = open_frames(clips, wish.size, place, on_damage, config.data.workers, tell)
    if skipped.folders and not opened:
        first, why = next(iter(skipped.folders.items()))
        raise BadData(f"none of {len(folders)} recordings can be used: {first}: {why}")
    games = dict(policy.games) if policy.sizes.game_rows else None
    dataset = Dataset(opened, wish, games, config.data.unused_weight)
    learn, held_out = dataset.split(config.data.held_out)
    return Prepared(policy.to(device), dataset, learn, held_out, device, skipped.folders)


def narrow(policy: Policy, config: TrainConfig) -> None:
    """Leave of a policy only that to be trained which is to be: see ``freeze`` and ``attach``."""
    freeze(policy, config.run.freeze)
    adapt = config.adapt
    if adapt.lora is not None:
        attach(policy, adapt.lora, adapt.lora_alpha, adapt.lora_layers, config.run.seed)


def facts_of(config: TrainConfig, prepared: Prepared) -> dict[str, Any]:
    """What ``run.json`` says of a run that can begin."""
    clips = prepared.dataset.clips
    return {
        "nitropilot": __version__, "config": config.model_dump(mode="json"),
        "recordings": [clip.id for clip in clips],
        "skipped": prepared.skipped,
        "resampled": {clip.id: clip.read_hz for clip in clips if clip.read_hz},
        "samples": [len(prepared.learn), len(prepared.held_out)],
        "mfu": MFU_FORMULA,
    }  # fmt: skip


def _games(folders: Iterable[Path]) -> list[str]:
    """The games of recordings, in order; those that cannot be read are spoken of later."""
    found = set()
    for folder in folders:
        with suppress(RecordsError):
            found.add(game_of(folder))
    return sorted(found)
