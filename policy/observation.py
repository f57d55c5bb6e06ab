"""From a picture to what the vision encoder takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from policy.errors import ObservationError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def observe(pixels: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Area-resize to a square (the aspect ratio is not kept) and scale to [-1, 1].

    Args:
        pixels: ``H x W x 3`` uint8, RGB.
        size: Side S of the square.

    Returns:
        ``1 x 3 x S x S`` float32, C-contiguous.

    Raises:
        ObservationError: ``pixels`` has another type or shape, or no pixels.
    """
    import cv2

    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ObservationError(
            f"the picture is {pixels.dtype} {pixels.shape}", "expected uint8 (height, width, 3)"
        )
    small = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA)
    planes = np.ascontiguousarray(small.transpose(2, 0, 1)[None], dtype=np.float32)
    planes *= 2.0 / 255.0
    planes -= 1.0
    return planes
