"""What a video looks like beside its overlay: smooth patterns, and how strong each of them is.

At first all that is known of what shows through a controller is what patches beside it look like.
Once it is roughly known what is drawn in some frames, what is left of them tells what stands behind
it in most; then only what moves is unknown, and that is what patches tell from then on.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.reading.likelihood import Background

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.pose import Box
    from nitropilot.dataset.reading.sight import Area

    Floats = NDArray[np.float32]

LIGHT, CHROMA = 40, 16
"""Patterns of brightness and of each colour."""
PATCHES = 240
"""Patches that the strengths are measured on."""
FEWEST = 12
"""Of fewer patches nothing is learned; then anything may be there."""
ANY_DEVIATION = 60.0
"""Standard deviation of the mean of a patch of which nothing is known."""
SEVERAL = 6
"""Of fewer pictures it is not known what moves."""
SYSTEMATIC = 3.0
"""Levels by which what is drawn is off all the time, and is not behind it."""


@dataclass(eq=False)
class Backgrounds:
    """What shows through one part, in brightness and both colours.

    Attributes:
        surroundings: What the rest of the video looks like.
        area: Where the part is.
    """

    surroundings: Surroundings
    area: Area
    _of: list[Background] = field(init=False)

    def __post_init__(self) -> None:
        self._of = [self.surroundings.background(plane, self._used(plane)) for plane in range(3)]

    def __getitem__(self, plane: int) -> Background:
        return self._of[plane]

    @property
    def stands(self) -> float:
        """Share of how much the video's brightness varies that is so all the time."""
        return self.surroundings.stands

    def learn(self, plane: int, left: Floats, through: Floats) -> None:
        """Take what stands behind from some frames.

        Args:
            plane: Of brightness, or of a colour.
            left: ``T x n``: what is left of each pixel once what is drawn is taken away.
            through: ``T x n``: how much of the background shows through it.
        """
        self._of[plane] = self.surroundings.standing(plane, self._used(plane), left, through)

    def _used(self, plane: int) -> NDArray[np.bool_]:
        return self.area.chroma if plane else self.area.light


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
        return _any(plane, used, self._patches(plane, *used.shape).seen)

    def standing(
        self, plane: int, used: NDArray[np.bool_], left: Floats, through: Floats
    ) -> Background:
        """The same, once it is known what is left of some frames beside what is drawn.

        The mean of each pixel is the likeliest, given how much it varies from place to place and
        that what is drawn is a little off; what remains is how pictures move.

        Args:
            plane: As in ``background``.
            used: The same.
            left: ``T x n``: what is left of each pixel.
            through: ``T x n``: how much of the background shows through what is drawn there.
        """
        patches = self._patches(plane, *used.shape)
        known = _any(plane, used, patches.seen)
        if len(self.planes[plane]) < SEVERAL:
            return known
        patterns, rest, varies = known.patterns, known.rest, ANY_DEVIATION**2
        if len(patches.seen) >= FEWEST:
            patterns, rest = _spread(plane, used, patches.moves)
            varies = max(float(patches.seen.var() - np.square(patches.moves).mean()), 1e-3)
        certain = np.square(through).sum(axis=0)
        doubtful = len(through) * SYSTEMATIC**2 / varies
        apart = (through * (left - through * known.level)).sum(axis=0) / (certain + doubtful)
        unknown = varies * doubtful / (certain + doubtful)
        mean = np.clip(known.level + apart, 0, 255)
        rest = np.asarray(rest + unknown, np.float32)
        return Background(mean.astype(np.float32), patterns, rest, known.level)

    @functools.cached_property
    def stands(self) -> float:
        """Share of how much brightness varies, over all pictures, that does from place to place."""
        whole = float(self.planes[0].var())
        return float(self._means[0].var()) / whole if whole else 0.0

    @functools.cached_property
    def _means(self) -> tuple[Floats, ...]:
        return tuple(each.mean(axis=0, dtype=np.float32) for each in self.planes)

    def _patches(self, plane: int, height: int, width: int) -> _Patches:
        """Some from beside the overlay, the same ones for every part of a shape."""
        pictures, mean = self.planes[plane], self._means[plane]
        halves = 2 if plane else 1
        over = [side // halves for side in self.overlay]
        _, tall, wide = pictures.shape
        if height > tall or width > wide:
            nothing = np.zeros((0, height, width), np.float32)
            return _Patches(nothing, nothing)
        rng = np.random.default_rng((self.seed, plane, height, width))
        seen, means = [], []
        for _ in range(4 * PATCHES):
            picture = int(rng.integers(len(pictures)))
            top = int(rng.integers(tall - height + 1))
            left = int(rng.integers(wide - width + 1))
            beside = (
                left >= over[2] or left + width <= over[0]
                or top >= over[3] or top + height <= over[1]
            )  # fmt: skip
            if beside:
                here = slice(top, top + height), slice(left, left + width)
                seen.append(pictures[picture][here])
                means.append(mean[here])
            if len(seen) == PATCHES:
                break
        found = np.array(seen, np.float32).reshape(-1, height, width)
        moves = found - np.array(means, np.float32).reshape(found.shape)
        # A picture is a part of its own mean.
        return _Patches(found, moves * np.sqrt(len(pictures) / max(len(pictures) - 1, 1)))


class _Patches(NamedTuple):
    """Patches of one shape, ``p x h x w`` each.

    Attributes:
        seen: As they are.
        moves: What is left of them without what is seen there on average.
    """

    seen: Floats
    moves: Floats


def _any(plane: int, used: NDArray[np.bool_], patches: Floats) -> Background:
    """Where nothing is known of one place, beside that it is a part of such a video."""
    if len(patches) < FEWEST:
        rows, columns, chosen = _lowest(plane, used)
        strength = ANY_DEVIATION * np.sqrt(used.size) / (1 + chosen.sum(axis=1))
        basis = _basis(rows, columns, chosen, used)
        return Background(128.0, basis * strength.astype(np.float32), 100.0, 128.0)
    mean = float(patches.mean())
    return Background(mean, *_spread(plane, used, patches - mean), mean)


def _spread(plane: int, used: NDArray[np.bool_], apart: Floats) -> tuple[Floats, float]:
    """``n x k`` patterns, each times its standard deviation; the variance of what they leave.

    Args:
        plane: As in ``Surroundings.background``.
        used: The same.
        apart: ``p x h x w``: patches, of mean 0.
    """
    rows, columns, chosen = _lowest(plane, used)
    weights = (rows @ apart @ columns.T)[:, chosen[:, 0], chosen[:, 1]]
    strength = np.sqrt(np.square(weights).mean(axis=0))
    whole = np.square(apart).sum(axis=(1, 2)).mean()
    rest = max(float(whole - np.square(strength).sum()), 0.0) / used.size
    basis = _basis(rows, columns, chosen, used)
    return (basis * strength).astype(np.float32), rest


def _cosines(size: int, count: int) -> Floats:
    """``count x size``: the lowest rows of an orthonormal cosine transform (DCT-II)."""
    at = (np.arange(size) + 0.5) * np.pi / size
    rows = np.cos(np.arange(count)[:, None] * at) * np.sqrt(2 / size)
    rows[0] /= np.sqrt(2)
    return np.asarray(rows, np.float32)


def _lowest(plane: int, used: NDArray[np.bool_]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The lowest patterns of a patch: rows, columns, and which of both each one is made of."""
    (height, width), count = used.shape, LIGHT if plane == 0 else CHROMA
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
