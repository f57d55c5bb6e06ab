"""What a video looks like beside its overlay: smooth patterns, and how strong each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.reading.likelihood import Background

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.pose import Box

    Floats = NDArray[np.float32]

LIGHT, CHROMA = 40, 16
"""Patterns of brightness and of each colour."""
PATCHES = 240
"""Patches that the strengths are measured on."""
FEWEST = 12
"""Of fewer patches nothing is learned; then anything may be there."""
ANY_DEVIATION = 60.0
"""Standard deviation of the mean of a patch of which nothing is known."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Some whole pictures of a video, to take patches from.

    Attributes:
        planes: ``m x h x w`` of brightness, and of the two colours at half the size.
        overlay: What is not to be looked at, in pixels of brightness.
        seed: Of the choice of patches.
    """

    planes: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
    overlay: Box
    seed: int = 0

    def background(self, plane: int, used: NDArray[np.bool_]) -> Background:
        """What patches of a shape look like.

        Args:
            plane: 0 of brightness, 1 and 2 of colours.
            used: ``h x w`` bool: the pixels of the patch that count.
        """
        height, width = used.shape
        count = LIGHT if plane == 0 else CHROMA
        rows, columns, chosen = _lowest(height, width, count)
        patches = self._patches(plane, height, width)
        basis = _basis(rows, columns, chosen, used)
        if len(patches) < FEWEST:
            strength = ANY_DEVIATION * np.sqrt(height * width) / (1 + chosen.sum(axis=1))
            return Background(128.0, basis * strength.astype(np.float32), 100.0)
        mean = float(patches.mean())
        spectrum = rows @ (patches - mean) @ columns.T
        weights = spectrum[:, chosen[:, 0], chosen[:, 1]]
        strength = np.sqrt(np.square(weights).mean(axis=0))
        whole = np.square(patches - mean).sum(axis=(1, 2)).mean()
        rest = max(float(whole - np.square(strength).sum()), 0.0) / (height * width)
        return Background(mean, (basis * strength).astype(np.float32), rest)

    def _patches(self, plane: int, height: int, width: int) -> Floats:
        """``p x h x w`` from beside the overlay, the same ones for every part of a shape."""
        pictures = self.planes[plane]
        halves = 2 if plane else 1
        over = [side // halves for side in self.overlay]
        _, tall, wide = pictures.shape
        if height > tall or width > wide:
            return np.zeros((0, height, width), np.float32)
        rng = np.random.default_rng((self.seed, plane, height, width))
        found = []
        for _ in range(4 * PATCHES):
            picture = int(rng.integers(len(pictures)))
            top = int(rng.integers(tall - height + 1))
            left = int(rng.integers(wide - width + 1))
            beside = (
                left >= over[2] or left + width <= over[0]
                or top >= over[3] or top + height <= over[1]
            )  # fmt: skip
            if beside:
                found.append(pictures[picture, top : top + height, left : left + width])
            if len(found) == PATCHES:
                break
        return np.array(found, np.float32).reshape(-1, height, width)


def _cosines(size: int, count: int) -> Floats:
    """``count x size``: the lowest rows of an orthonormal cosine transform (DCT-II)."""
    at = (np.arange(size) + 0.5) * np.pi / size
    rows = np.cos(np.arange(count)[:, None] * at) * np.sqrt(2 / size)
    rows[0] /= np.sqrt(2)
    return np.asarray(rows, np.float32)


def _lowest(height: int, width: int, count: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The lowest patterns of a patch: rows, columns, and which of both each one is made of."""
    most = (min(height, count), min(width, count))
    down, across = np.meshgrid(np.arange(most[0]), np.arange(most[1]), indexing="ij")
    # By how many waves fit into the longer side, whatever the shape.
    coarse = np.hypot(down / height, across / width) * max(height, width)
    order = np.argsort(coarse, axis=None, kind="stable")[:count]
    chosen = np.stack(np.unravel_index(order, coarse.shape), axis=1)
    return _cosines(height, most[0]), _cosines(width, most[1]), chosen


def _basis(
    rows: Floats, columns: Floats, chosen: NDArray[np.int64], used: NDArray[np.bool_]
) -> Floats:
    """``n x k``: the patterns at the pixels that count."""
    down, across = np.nonzero(used)
    return np.ascontiguousarray((rows[chosen[:, 0]][:, down] * columns[chosen[:, 1]][:, across]).T)
