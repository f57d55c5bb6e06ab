"""``Batch``: what one step learns from.

Letters in shapes: B samples, F context frames, S side of a frame in pixels, T actions of a
chunk, A channels of an action.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Samples side by side.

    Attributes:
        frames: ``B x F x 3 x S x S`` uint8, oldest first; zeros where there is no frame.
        actions: ``B x T x A`` float32, as the checkpoint's layout stores them.
        weights: ``B x T x A`` float32: how much a channel of a step counts; 0 is masked.
        keep: ``B x F`` bool: which frames exist; None for all.
        games: Rows of the game embedding, B; None for a policy without games.
        samples: Which samples these are, B numbers of the data set.
    """

    frames: Tensor
    actions: Tensor
    weights: Tensor
    keep: Tensor | None
    games: Tensor | None
    samples: tuple[int, ...]

    def __len__(self) -> int:
        """Samples."""
        return len(self.samples)

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return Batch(
            self.frames.to(device),
            self.actions.to(device),
            self.weights.to(device),
            None if self.keep is None else self.keep.to(device),
            None if self.games is None else self.games.to(device),
            self.samples,
        )

    def first(self, count: int) -> Batch:
        """The first ``count`` samples."""
        return self._part(slice(0, count))

    def only(self, place: int) -> Batch:
        """One sample."""
        return self._part(slice(place, place + 1))

    def _part(self, part: slice) -> Batch:
        return Batch(
            self.frames[part],
            self.actions[part],
            self.weights[part],
            None if self.keep is None else self.keep[part],
            None if self.games is None else self.games[part],
            self.samples[part],
        )

    def images(self) -> Tensor:
        """The frames as the vision encoder takes them: float32 in [-1, 1], like ``observe``."""
        return self.frames.float().mul_(2.0 / 255.0).sub_(1.0)
