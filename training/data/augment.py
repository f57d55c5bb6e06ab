"""Pictures as they could have been: other colours, a little moved, blurred, compressed.

All frames of a sample are changed alike, and each change is drawn from a generator that the
caller seeds by the sample's turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

QUALITY = (40, 95)
"""Of JPEG, from and to."""
GREY = np.array([0.299, 0.587, 0.114], np.float32)
"""How bright the primaries are (ITU-R BT.601)."""


@dataclass(frozen=True)
class Augmentation:
    """How much pictures are changed; 0 leaves out a change.

    Attributes:
        colour: Brightness, contrast and saturation change by at most this share.
        crop: At most this share of each side is cut off, and the rest made as large again.
        shift: Moved by at most so many pixels each way; edges are repeated.
        blur: How often a picture is blurred, 0 to 1.
        jpeg: How often it is compressed, 0 to 1.
    """

    colour: float = 0.2
    crop: float = 0.05
    shift: int = 4
    blur: float = 0.1
    jpeg: float = 0.1

    @property
    def nothing(self) -> bool:
        """Whether it changes no picture."""
        return not (self.colour or self.crop or self.shift or self.blur or self.jpeg)


def augment(
    frames: NDArray[np.uint8], how: Augmentation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Change the frames of one sample.

    Args:
        frames: ``F x S x S x 3`` uint8, RGB; not changed themselves.
        how: How much.
        rng: Draws it; as often whatever ``how`` says.

    Returns:
        ``F x S x S x 3`` uint8.
    """
    share, turns = rng.uniform(-1.0, 1.0, 6), rng.random(4)
    if how.nothing:
        return frames
    move = _movement(frames.shape[1], how, share[3:], turns[0])
    sigma = 0.3 + turns[1] if turns[2] < how.blur else 0.0
    low, high = QUALITY
    quality = int(low + (high - low) * turns[1]) if turns[3] < how.jpeg else 0
    done = [_changed(frame, how.colour * share[:3], move, sigma, quality) for frame in frames]
    return np.stack(done)


def _movement(
    size: int, how: Augmentation, share: NDArray[np.float64], turn: float
) -> NDArray[np.float32] | None:
    """The affine map from a changed picture to its origin; None for none."""
    if not (how.crop or how.shift):
        return None
    scale = 1.0 - 2.0 * how.crop * turn
    room = (1.0 - scale) * size / 2.0
    x, y = room + share[0] * (room + how.shift), room + share[1] * (room + how.shift)
    return np.array([[scale, 0.0, x], [0.0, scale, y]], np.float32)


def _changed(
    frame: NDArray[np.uint8],
    colour: NDArray[np.float64],
    move: NDArray[np.float32] | None,
    sigma: float,
    quality: int,
) -> NDArray[np.uint8]:
    import cv2

    picture: Any = frame
    if move is not None:
        side = frame.shape[0]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        picture = cv2.warpAffine(
            picture, move, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
    if colour.any():
        picture = _coloured(picture, *colour)
    if sigma:
        picture = cv2.GaussianBlur(picture, (3, 3), sigma)
    if quality:
        _, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        picture = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return np.asarray(picture, np.uint8)


def _coloured(
    frame: NDArray[np.uint8], brightness: float, contrast: float, saturation: float
) -> NDArray[np.uint8]:
    x: NDArray[np.floating] = frame.astype(np.float32)
    grey = (x @ GREY)[..., None]
    x = grey + (x - grey) * np.float32(1.0 + saturation)
    middle = np.float32(grey.mean())
    x = middle + (x - middle) * np.float32(1.0 + contrast)
    return np.clip(np.rint(x * np.float32(1.0 + brightness)), 0, 255).astype(np.uint8)
