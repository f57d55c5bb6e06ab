"""Check what callers hand to ``Policy.sample``; every fault is an ``ObservationError``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from nitropilot.policy.errors import ObservationError


def check_images(images: Tensor, frames: int, size: int) -> Tensor:
    """``images`` if they are ``B x frames x 3 x size x size`` floats."""
    wanted = (frames, 3, size, size)
    if images.ndim != 5 or images.shape[0] < 1 or tuple(images.shape[1:]) != wanted:
        raise ObservationError(
            f"images are {tuple(images.shape)}", f"this policy takes (batch, {str(wanted)[1:]}"
        )
    if not images.is_floating_point():
        raise ObservationError(f"images are {images.dtype}", "scale them to floats in [-1, 1]")
    return images


def check_noise(noise: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``noise`` if it has ``shape`` and is floating-point."""
    if tuple(noise.shape) != shape or not noise.is_floating_point():
        raise ObservationError(
            f"noise is {noise.dtype} {tuple(noise.shape)}", f"expected floats of shape {shape}"
        )
    return noise


def game_rows(
    game: str | int | Sequence[str | int] | None,
    names: Mapping[str, int],
    count: int,
    batch: int,
) -> Tensor | None:
    """Rows of the game embedding, one a sample; None for a policy without games.

    Args:
        game: A name, a row, one of these a sample, or None (unconditional, row 0).
        names: Known names and their rows.
        count: Rows of the embedding, 0 without one.
        batch: Samples.
    """
    if count == 0:
        if game is not None:
            raise ObservationError(f"game is {game!r}, but this policy knows no games", "use None")
        return None
    if game is None or isinstance(game, (str, int)):
        wanted: list[str | int | None] = [game] * batch
    else:
        wanted = list(game)
    if len(wanted) != batch:
        raise ObservationError(f"{len(wanted)} games for a batch of {batch}", "give one a sample")
    return torch.tensor([_row(one, names, count) for one in wanted])


def _row(game: str | int | None, names: Mapping[str, int], count: int) -> int:
    if game is None:
        return 0
    row = names.get(game, -1) if isinstance(game, str) else game
    if not 0 <= row < count:
        known = ", ".join(names) if names else "not named in the checkpoint"
        raise ObservationError(
            f"the policy knows no game {game!r}", f"its games are {known}; rows 0 to {count - 1}"
        )
    return row


def check_guidance(cfg_scale: float, games: bool) -> None:
    """Raise unless ``cfg_scale`` is a number that a policy with or without games can follow."""
    if not math.isfinite(cfg_scale):
        raise ObservationError(f"cfg_scale is {cfg_scale}", "give a finite number")
    if cfg_scale != 1.0 and not games:
        raise ObservationError(f"cfg_scale is {cfg_scale}, but this policy knows no games", "use 1")


def kept_frames(
    dropped: int | Sequence[bool] | Tensor | None, batch: int, frames: int
) -> Tensor | None:
    """Which frames exist, ``batch x frames`` bool; None when all do.

    Args:
        dropped: How many of the oldest frames are missing, or a mask that is true for
            missing ones, for all samples (``frames``) or for each (``batch x frames``).
    """
    if dropped is None:
        return None
    if isinstance(dropped, int) and not isinstance(dropped, bool):
        if not 0 <= dropped <= frames:
            raise ObservationError(f"dropped is {dropped}", f"there are {frames} frames")
        missing = torch.arange(frames) < dropped
    else:
        try:
            missing = torch.as_tensor(dropped).cpu()
        except (TypeError, ValueError) as error:
            raise ObservationError(
                f"dropped is no mask: {error}", "give a number or bools"
            ) from None
        if missing.ndim == 0:
            return kept_frames(int(missing), batch, frames)
    if missing.dtype != torch.bool or tuple(missing.shape) not in ((frames,), (batch, frames)):
        raise ObservationError(
            f"dropped is {missing.dtype} {tuple(missing.shape)}",
            f"expected a number, or bool of shape ({frames},) or ({batch}, {frames})",
        )
    return None if not missing.any() else ~missing.expand(batch, frames)
