"""From a picture to what the vision encoder takes."""

from __future__ import annotations

import functools
import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.policy.errors import ObservationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIPS = 4
WORTH_SHARING = 2**20
"""Bytes of a picture from which on a second thread pays."""


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
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ObservationError(
            f"the picture is {pixels.dtype} {pixels.shape}", "expected uint8 (height, width, 3)"
        )
    small = shrink(pixels, size)
    planes = np.ascontiguousarray(small.transpose(2, 0, 1)[None], dtype=np.float32)
    planes *= 2.0 / 255.0
    planes -= 1.0
    return planes


def shrink(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """``S x S x 3`` of ``H x W x 3``, both uint8: what ``observe`` scales, and training keeps.

    The bytes are those of one call of OpenCV, which uses one thread for it.

    Large pictures are cut into strips that two threads take one after the other, so that a
    thread that gets no processor beside a busy game is not waited for.
    """
    import cv2

    small = np.empty((size, size, 3), np.uint8)
    height, strips = len(pixels), STRIPS
    # Only then no row lies on a cut, and are the weights of a strip those of the whole.
    exact = height % strips == 0 and size % strips == 0 and size & (size - 1) == 0
    if not exact or pixels.size < WORTH_SHARING:
        cv2.resize(pixels, (size, size), small, interpolation=cv2.INTER_AREA)
        return small
    numbers = itertools.count()

    def work() -> None:
        while (number := next(numbers)) < strips:
            rows, to = height // strips, size // strips
            begin, there = number * rows, number * to
            part, out = pixels[begin : begin + rows], small[there : there + to]
            cv2.resize(part, (size, to), out, interpolation=cv2.INTER_AREA)

    helper = _helper().submit(work)
    work()
    if not helper.cancel():
        helper.result()
    return small


@functools.cache
def _helper() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "resize")
