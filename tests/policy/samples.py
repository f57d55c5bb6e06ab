"""The reference checkpoints, and what the tests of this room do with them."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nitropilot.policy import load_policy
from nitropilot.policy.network.policy import Policy
from tests.support.places import POLICIES

NAMES = ("single_frame", "horizon18_steps4", "sinusoidal_padded", "two_frames_game")
GAMES = {"none": 0, "celeste": 1, "hades": 2}
"""The mapping that ``two_frames_game`` was computed with; its file does not hold it."""

Checkpoint = dict[str, Any]


@dataclass(frozen=True)
class Reference:
    """What the reference implementation computed from one checkpoint."""

    images: Tensor
    noise: Tensor
    actions: Tensor
    decoded: dict[str, Any]
    game: str | None


def fixture_path(name: str) -> Path:
    """The checkpoint file of a reference."""
    return POLICIES / f"{name}.pt"


def fixture_policy(name: str) -> Policy:
    """The policy of a reference, with its games where it has some."""
    return load_policy(fixture_path(name), games=GAMES if name == "two_frames_game" else None)


def reference(name: str) -> Reference:
    """Inputs and expected outputs of a reference."""
    with np.load(POLICIES / f"{name}.npz", allow_pickle=False) as data:
        return Reference(
            images=torch.from_numpy(data["images"]),
            noise=torch.from_numpy(data["noise"]),
            actions=torch.from_numpy(data["actions"]),
            decoded={key: data[key] for key in ("j_left", "j_right", "buttons")},
            game=str(data["game"]) or None,
        )


_loaded: dict[str, Checkpoint] = {}


def checkpoint(name: str = "single_frame") -> Checkpoint:
    """A checkpoint's content for a test to spoil: its dicts are new, its tensors shared."""
    if name not in _loaded:
        _loaded[name] = torch.load(fixture_path(name), weights_only=True)
    stored = _loaded[name]
    return {
        "model": dict(stored["model"]),
        "ckpt_config": copy.deepcopy(stored["ckpt_config"]),
    }


def with_steps(name: str, steps: int, path: Path) -> Path:
    """A reference checkpoint that samples in so many steps, written to ``path``."""
    content = checkpoint(name)
    content["ckpt_config"]["model_cfg"]["num_inference_timesteps"] = steps
    torch.save(content, path)
    return path


def relative_error(found: Tensor, wanted: Tensor) -> float:
    """Relative L2 error."""
    return float((found - wanted).norm() / wanted.norm())


def movement_error(found: Tensor, wanted: Tensor, noise: Tensor) -> float:
    """L2 error relative to how far the sampler moved from the noise.

    The references have small random weights and move by 1 % only, so that an error
    relative to the actions themselves is a hundred times too kind: it passes a network
    with another activation function.
    """
    return relative_error(found - noise, wanted - noise)
