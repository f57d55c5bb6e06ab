"""``Pool``: samples of one game in files that are mapped, and a draw among them.

    NAME.frames.npy     N x S x S x 3   uint8, RGB
    NAME.actions.npy    N x T x 25      uint8, see ``actions``

A whole pool has both; what was interrupted has neither under its own name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

BIG = 40
"""A channel that changes by more than this many bytes within a chunk changes."""
PART = ".part.npy"


@dataclass(frozen=True, eq=False)
class Pool:
    """Samples.

    Attributes:
        frames: ``N x S x S x 3``.
        actions: ``N x T x 25``.
        odds: N: how the chance of each adds up.
    """

    frames: NDArray[np.uint8]
    actions: NDArray[np.uint8]
    odds: NDArray[np.float64]

    def __len__(self) -> int:
        """Samples."""
        return len(self.actions)

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Numbers of ``count`` samples, by their chances."""
        thrown = rng.random(count) * self.odds[-1]
        found: NDArray[np.int64] = np.searchsorted(self.odds, thrown, side="right")
        return found


def make_pool(frames: NDArray[np.uint8], actions: NDArray[np.uint8], changing: float) -> Pool:
    """A pool of arrays.

    Args:
        frames: ``N x S x S x 3``.
        actions: ``N x T x 25``.
        changing: How much more often a chunk is drawn in which something changes.
    """
    swing = actions.max(axis=1).astype(np.int16) - actions.min(axis=1)
    changes = (swing > BIG).any(axis=1)
    return Pool(frames, actions, np.cumsum(np.where(changes, changing, 1.0)))


def write_pool(
    folder: Path, name: str, frames: NDArray[np.uint8], actions: NDArray[np.uint8]
) -> None:
    """Keep samples; each file is written beside and renamed, the actions last."""
    for kind, array in (("frames", frames), ("actions", actions)):
        part = folder / f"{name}.{kind}{PART}"
        np.save(part, array)
        part.replace(folder / f"{name}.{kind}.npy")


def has_pool(folder: Path, name: str) -> bool:
    """Whether a pool is there as a whole."""
    return (folder / f"{name}.actions.npy").is_file()


def read_pool(folder: Path, name: str, changing: float) -> Pool:
    """A pool that was written; its frames are mapped."""
    frames = np.load(folder / f"{name}.frames.npy", mmap_mode="r")
    return make_pool(frames, np.load(folder / f"{name}.actions.npy"), changing)
