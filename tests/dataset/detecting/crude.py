"""Made-up videos of a few lines: a dark pad with bright buttons over coloured blocks that jump."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.pose import Box
from nitropilot.dataset.styles.sample import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

WIDTH, HEIGHT, FRAMES = 160, 96, 7


def game(rng: np.random.Generator, width: int = WIDTH, height: int = HEIGHT) -> Picture:
    """Another one each time."""
    blocks = rng.integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    return np.kron(blocks, np.ones((8, 8, 1), np.uint8))


def draw(picture: Picture, box: Box, lit: bool = False) -> None:
    """A pad of two circles, as wide and high as a box."""
    part = picture[box.top : box.bottom, box.left : box.right]
    part[:] = (34, 36, 44)
    cv2.rectangle(part, (0, 0), (box.width - 1, box.height - 1), (150, 150, 160), 1)
    for x in (box.width // 4, 3 * box.width // 4):
        colour = (240, 200, 60) if lit and x > box.width // 2 else (210, 210, 220)
        cv2.circle(part, (x, box.height // 2), box.height // 5, colour, -1)


def scene(rng: np.random.Generator, number: int, *, shown: bool = True) -> Scene:
    """Of the look ``number``; all are the same look."""
    width = int(rng.integers(40, 64))
    height = int(width / rng.uniform(1.4, 1.7))
    left, top = int(rng.integers(0, WIDTH - width)), int(rng.integers(0, HEIGHT - height))
    box = Box(left, top, left + width, top + height)
    pictures = np.stack([game(rng) for _ in range(FRAMES)])
    for picture in pictures:
        if shown:
            draw(picture, box, lit=rng.random() < 0.2)
    return Scene(pictures, box if shown else None, True, number)


def scenes(
    seed: int, *, styles: Sequence[int], size: tuple[int, int] = (HEIGHT, WIDTH)
) -> Iterator[Scene]:
    """Without end: of four one shows nothing; of one size, whatever is asked for."""
    assert min(size) >= HEIGHT
    rng = np.random.default_rng(seed)
    while True:
        yield scene(rng, styles[int(rng.integers(1000))], shown=rng.random() < 0.75)
