"""Pictures as a codec has them: a plane of brightness, and two of colour at half the size.

What is drawn over a video is mixed in these planes just as in red, green and blue, since one
follows from the other by a matrix; but here every number stands for itself, and nothing has been
interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}
"""What red and blue count in brightness."""


@dataclass(frozen=True)
class Colours:
    """How a video writes colours down.

    Attributes:
        matrix: ``bt601`` or ``bt709``.
        full: Whether 0 is black and 255 white, and not 16 and 235.
    """

    matrix: str = "bt601"
    full: bool = False

    def matrix_and_offset(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``3 x 3`` from (r, g, b) of 0 to 1 to (y, u, v), and what is added to these."""
        red, blue = WEIGHTS[self.matrix]
        light = np.array([red, 1 - red - blue, blue])
        rows = np.stack(
            [
                light,
                (np.array([0, 0, 1]) - light) / (2 * (1 - blue)),
                (np.array([1, 0, 0]) - light) / (2 * (1 - red)),
            ]
        )
        span = np.array([255, 255, 255] if self.full else [219, 224, 224])
        offset = np.array([0 if self.full else 16, 128, 128], np.float64)
        return rows * span[:, None], offset


class Planes(NamedTuple):
    """A picture, or a part of one: ``h x w``, and two of half of both."""

    y: NDArray[np.float32]
    u: NDArray[np.float32]
    v: NDArray[np.float32]


class Layer(NamedTuple):
    """Something that is drawn over a picture.

    Attributes:
        colour: Alpha multiplied in, 0 to 255.
        alpha: Of ``y``, 0 to 1.
        chroma_alpha: Of ``u`` and ``v``.
    """

    colour: Planes
    alpha: NDArray[np.float32]
    chroma_alpha: NDArray[np.float32]

    def over(self, under: Planes, opacity: float = 1.0) -> Planes:
        """Drawn over a picture."""
        alphas = (self.alpha, self.chroma_alpha, self.chroma_alpha)
        mixed = (
            opacity * colour + (1 - opacity * alpha) * plane
            for colour, alpha, plane in zip(self.colour, alphas, under, strict=True)
        )
        return Planes(*mixed)


def layer_of(picture: NDArray[np.float32], colours: Colours) -> Layer:
    """A drawn picture as planes.

    Args:
        picture: ``h x w x 4`` of 0 to 1, alpha multiplied in; even sides, from an even pixel on.
        colours: How the video writes them.
    """
    rows, offset = colours.matrix_and_offset()
    alpha = picture[..., 3]
    seen = picture[..., :3] @ rows.T.astype(np.float32)
    seen = seen + alpha[..., None] * offset.astype(np.float32)
    colour = Planes(seen[..., 0], halved(seen[..., 1]), halved(seen[..., 2]))
    return Layer(colour, alpha, halved(alpha))


def planes_of(picture: NDArray[np.uint8], colours: Colours) -> Planes:
    """A picture of red, green and blue as planes; even sides."""
    rows, offset = colours.matrix_and_offset()
    seen = (picture.astype(np.float32) / 255) @ rows.T.astype(np.float32)
    seen = np.asarray(seen + offset, np.float32)
    y, u, v = (np.asarray(seen[..., index], np.float32) for index in range(3))
    return Planes(y, halved(u), halved(v))


def halved(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of 2 x 2."""
    height, width = plane.shape
    blocks = plane.reshape(height // 2, 2, width // 2, 2)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)
