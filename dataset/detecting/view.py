"""What the detector sees of a video: some frames of it as one small picture with many channels.

A controller that is drawn over a video stands still while the game behind it moves.  So does what a
game draws over itself; the shape of what stands still tells them apart.  ``cues`` has both: what
the frames have in common, and how far each place keeps to it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.pose import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Stack = NDArray[np.uint8]

WIDTH, HEIGHT = 320, 192
"""Pixels of a view: a picture of 16:9 at 320 x 180, and sides that can be halved five times."""
CHANNELS = 7
"""Median red, green and blue; typical and mean distance from it; strength and lastingness of
edges."""
FAR = 64.0
"""Levels of brightness from the median that count as all the way."""
SHARP = 96.0
"""Levels a pixel of an edge that count as all the way."""
QUIET = 6.0
"""Levels a pixel that every place has by noise alone: edges weaker than it do not last."""
ZOOM = 0.5
"""Of a view's width or height, that a box takes in a closer look."""


def whole(width: int, height: int) -> Box:
    """The smallest window of a view's shape that holds a picture of that size."""
    across = max(width, -(-height * WIDTH // HEIGHT))
    return Box(0, 0, across, max(height, -(-across * HEIGHT // WIDTH)))


def around(box: Box) -> Box:
    """The window of a closer look at a box: it is in the middle and takes ``ZOOM`` of it."""
    across = max(box.width, box.height * WIDTH / HEIGHT, 8) / ZOOM
    wide, high = round(across), round(across * HEIGHT / WIDTH)
    left = round((box.left + box.right - wide) / 2)
    top = round((box.top + box.bottom - high) / 2)
    return Box(left, top, left + wide, top + high)


def view(pictures: Sequence[NDArray[np.uint8]] | Stack, window: Box) -> Stack:
    """A window of each picture, as the detector sees it.

    Args:
        pictures: ``N`` of ``h x w x 3`` uint8, RGB.
        window: May reach out of them; their edges then go on.

    Returns:
        ``N x HEIGHT x WIDTH x 3``.
    """
    height, width = pictures[0].shape[:2]
    inside = window.inside(width, height)
    if not (inside.width and inside.height):
        raise ValueError(f"{window} is outside of a picture of {width} x {height}")
    beyond = (inside.top - window.top, window.bottom - inside.bottom,
              inside.left - window.left, window.right - inside.right)  # fmt: skip
    shrinks = window.width > WIDTH
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    seen = np.empty((len(pictures), HEIGHT, WIDTH, 3), np.uint8)
    for picture, into in zip(pictures, seen, strict=True):
        part = picture[inside.top : inside.bottom, inside.left : inside.right]
        if any(beyond):
            part = np.asarray(cv2.copyMakeBorder(part, *beyond, cv2.BORDER_REPLICATE), np.uint8)
        cv2.resize(part, (WIDTH, HEIGHT), dst=into, interpolation=way)
    return seen


def cues(seen: Stack) -> NDArray[np.uint8]:
    """What frames have in common, and how far they keep to it.

    Args:
        seen: ``N x h x w x 3`` uint8: the same window of frames far apart.

    Returns:
        ``CHANNELS x h x w`` uint8.
    """
    middle = median(seen)
    grey = np.stack([cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in seen]).astype(np.uint8)
    apart = np.asarray(cv2.absdiff(grey, np.broadcast_to(median(grey), grey.shape).copy()))
    strength, lasting = edges(grey)
    found = np.empty((CHANNELS, *grey.shape[1:]), np.uint8)
    found[:3] = middle.transpose(2, 0, 1)
    found[3] = _level(median(np.asarray(apart, np.uint8)) / FAR)
    found[4] = _level(apart.sum(axis=0, dtype=np.int64) / (FAR * len(apart)))
    found[5] = _level(strength / SHARP)
    found[6] = np.round(255 * lasting)
    return found


def edges(grey: Stack) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Edges that are in all frames.

    Args:
        grey: ``N x h x w`` uint8.

    Returns:
        How strong the mean edge is, in levels a pixel, and its share of what edges are on
        average: 1 where each frame has the same one, near 0 where it is another one each time.
    """
    total = np.zeros((2, *grey.shape[1:]), np.float32)
    size = np.zeros(grey.shape[1:], np.float32)
    for plane in grey:
        across, down = slopes(plane)
        total[0] += across
        total[1] += down
        size += _length(across, down)
    strength = _length(*total) / np.float32(len(grey))
    return strength, strength / (size / np.float32(len(grey)) + np.float32(QUIET))


def slopes(plane: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How brightness grows to the right and downwards, in levels a pixel: eighths, exactly."""
    across, down = (
        np.asarray(cv2.Sobel(plane, cv2.CV_16S, *way, ksize=3), np.float32) / np.float32(8)
        for way in ((1, 0), (0, 1))
    )
    return across, down


def _length(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of vectors; OpenCV's has another last digit by where in memory they lie."""
    return np.asarray(np.sqrt(x * x + y * y), np.float32)


def median(stack: Stack) -> NDArray[np.uint8]:
    """The upper median along the first axis.

    Whole planes are compared and exchanged, in the order of Batcher's odd-even merge sort (1968):
    with some tens of planes that is ten times as fast as sorting at each pixel.
    """
    planes = list(stack)
    for low, high in _exchanges(len(planes)):
        lower = np.minimum(planes[low], planes[high])
        planes[high] = np.maximum(planes[low], planes[high])
        planes[low] = lower
    return np.asarray(planes[len(planes) // 2], np.uint8)


@cache
def _exchanges(count: int) -> tuple[tuple[int, int], ...]:
    """Pairs of places to put in order, one after the other, so that ``count`` are sorted."""
    pairs = []
    step = 1
    while step < count:
        apart = step
        while apart >= 1:
            for start in range(apart % step, count - apart, 2 * apart):
                for low in range(start, min(start + apart, count - apart)):
                    if low // (2 * step) == (low + apart) // (2 * step):
                        pairs.append((low, low + apart))
            apart //= 2
        step *= 2
    return tuple(pairs)


def _level(share: NDArray[np.floating]) -> NDArray[np.float32]:
    """A share as a level; its root, since what is small matters most."""
    return np.asarray(np.round(255 * np.sqrt(np.minimum(share, 1.0))), np.float32)
