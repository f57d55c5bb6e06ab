"""``Pool``: samples of one game in files that are mapped, and a draw among them.

    NAME.frames.npy     N x S x S x 3   uint8, RGB
    NAME.charts.npy     N x BYTES       uint8, see ``charts``
    NAME.actions.npy    N x T x 25      uint8, see ``actions``

A whole pool has all of them; what was interrupted has no actions under its own name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

BIG = 40
"""A channel that changes by more than this many bytes within a chunk changes."""
PART = ".part.npy"


class Samples(NamedTuple):
    """What was seen, what there was to see, and what to press then; all of them ``uint8``.

    Attributes:
        frames: ``N x S x S x 3``.
        charts: ``N x BYTES``.
        actions: ``N x T x 25``.
    """

    frames: NDArray[np.uint8]
    charts: NDArray[np.uint8]
    actions: NDArray[np.uint8]


def joined(parts: Sequence[Samples]) -> Samples:
    """All samples of several lots, in their order."""
    return Samples(*(np.concatenate(kind) for kind in zip(*parts, strict=True)))


@dataclass(frozen=True, eq=False)
class Pool:
    """Samples, and how often each is drawn.

    Attributes:
        samples: N of them.
        odds: N: how the chance of each adds up.
    """

    samples: Samples
    odds: NDArray[np.float64]

    def __len__(self) -> int:
        """Samples."""
        return len(self.odds)

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Numbers of ``count`` samples, by their chances."""
        thrown = rng.random(count) * self.odds[-1]
        found: NDArray[np.int64] = np.searchsorted(self.odds, thrown, side="right")
        return found


def make_pool(samples: Samples, changing: float) -> Pool:
    """A pool of samples.

    Args:
        samples: N of them.
        changing: How much more often a chunk is drawn in which something changes.
    """
    swing = samples.actions.max(axis=1).astype(np.int16) - samples.actions.min(axis=1)
    changes = (swing > BIG).any(axis=1)
    return Pool(samples, np.cumsum(np.where(changes, changing, 1.0)))


def write_pool(folder: Path, name: str, samples: Samples) -> None:
    """Keep samples; each file is written beside and renamed, the actions last."""
    for kind, array in samples._asdict().items():
        part = folder / f"{name}.{kind}{PART}"
        np.save(part, array)
        part.replace(folder / f"{name}.{kind}.npy")


def has_pool(folder: Path, name: str) -> bool:
    """Whether a pool is there as a whole."""
    return (folder / f"{name}.actions.npy").is_file()


def read_pool(folder: Path, name: str, changing: float) -> Pool:
    """A pool that was written; its frames are mapped."""
    return make_pool(
        Samples(
            np.load(folder / f"{name}.frames.npy", mmap_mode="r"),
            np.load(folder / f"{name}.charts.npy"),
            np.load(folder / f"{name}.actions.npy"),
        ),
        changing,
    )
