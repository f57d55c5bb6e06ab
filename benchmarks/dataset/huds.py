"""What games show in their corners, made up: it stands still and has buttons and dials on it.

Videos with it and without a controller are the hardest ones to claim nothing on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

FONTS = (cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_TRIPLEX)
LETTERS = "ABXYLRZ0123456789"


def with_hud(pictures: Iterable[Picture], rng: Generator) -> Iterator[Picture]:
    """Pictures ``h x w x 3`` with some of what ``DRAWN`` has over each, all the time the same."""
    colour: NDArray[np.float32] | None = None
    alpha: NDArray[np.float32] | None = None
    for picture in pictures:
        if colour is None or alpha is None:
            colour, alpha = _hud(rng, *picture.shape[:2])
        yield np.rint(picture * (1 - alpha) + colour * alpha).astype(np.uint8)


def _hud(rng: Generator, height: int, width: int) -> tuple[NDArray[np.float32], ...]:
    colour, alpha = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
    whole = float(rng.uniform(0.4, 1.0))
    for _ in range(int(rng.integers(4, 10))):
        size = int(rng.uniform(0.05, 0.25) * height)
        middle = (int(rng.integers(width)), int(rng.choice([0.12, 0.2, 0.8, 0.9]) * height))
        ink = tuple(int(each) for each in rng.integers(0, 256, 3))
        drawing = DRAWN[int(rng.integers(len(DRAWN)))]
        seed = int(rng.integers(2**31))
        drawing(colour, np.random.default_rng(seed), middle, size, ink)
        drawing(alpha, np.random.default_rng(seed), middle, size, (255, 255, 255))
    shown = np.asarray(alpha[..., None] * (whole / 255), np.float32)
    return colour.astype(np.float32), shown


def _dial(
    on: Picture, rng: Generator, at: tuple[int, int], size: int, ink: tuple[int, ...]
) -> None:
    """Rings in each other, as maps and sticks on glass have them."""
    for part in (1.0, *rng.uniform(0.2, 0.9, 2)):
        cv2.circle(on, at, int(part * size), ink, int(rng.integers(1, 4)), cv2.LINE_AA)


def _buttons(
    on: Picture, rng: Generator, at: tuple[int, int], size: int, ink: tuple[int, ...]
) -> None:
    """Four with letters about a middle."""
    radius = max(size // 4, 3)
    for turn in range(4):
        x = int(at[0] + 0.7 * size * math.cos(turn * math.pi / 2))
        y = int(at[1] + 0.7 * size * math.sin(turn * math.pi / 2))
        cv2.circle(on, (x, y), radius, ink, int(rng.choice([-1, 2])), cv2.LINE_AA)
        _text(on, rng, (x - radius // 2, y + radius // 2), radius, ink, 1)


def _cross(
    on: Picture, rng: Generator, at: tuple[int, int], size: int, ink: tuple[int, ...]
) -> None:
    """As a pad has it, with four arms."""
    arm, thick = size, int(rng.choice([-1, 2]))
    half = max(arm // 3, 2)
    cv2.rectangle(on, (at[0] - arm, at[1] - half), (at[0] + arm, at[1] + half), ink, thick)
    cv2.rectangle(on, (at[0] - half, at[1] - arm), (at[0] + half, at[1] + arm), ink, thick)


def _bar(on: Picture, rng: Generator, at: tuple[int, int], size: int, ink: tuple[int, ...]) -> None:
    """Of life, with a frame."""
    end = (at[0] + size * int(rng.integers(2, 6)), at[1] + max(size // 4, 3))
    cv2.rectangle(on, at, end, ink, 2)
    middle = at[0] + int((end[0] - at[0]) * rng.random())
    cv2.rectangle(on, at, (middle, end[1]), ink, -1)


def _line(
    on: Picture, rng: Generator, at: tuple[int, int], size: int, ink: tuple[int, ...]
) -> None:
    """Of text."""
    _text(on, rng, at, max(size // 3, 8), ink, int(rng.integers(3, 14)))


def _panel(
    on: Picture, rng: Generator, at: tuple[int, int], size: int, ink: tuple[int, ...]
) -> None:
    """Filled, with cells in it, as places for weapons are."""
    count = int(rng.integers(2, 6))
    for cell in range(count):
        left = at[0] + cell * (size // 2 + 4)
        end = (left + size // 2, at[1] + size // 2)
        cv2.rectangle(on, (left, at[1]), end, ink, int(rng.choice([-1, 1, 2])))


def _text(
    on: Picture, rng: Generator, at: tuple[int, int], high: int, ink: tuple[int, ...], count: int
) -> None:
    words = "".join(rng.choice(list(LETTERS), count))
    font = FONTS[int(rng.integers(len(FONTS)))]
    cv2.putText(on, words, at, font, high / 22, ink, max(high // 10, 1), cv2.LINE_AA)


DRAWN: tuple[Callable[[Picture, Generator, tuple[int, int], int, tuple[int, ...]], None], ...] = (
    _dial, _buttons, _cross, _bar, _line, _panel,
)  # fmt: skip
"""What is drawn: over what, by whom, about where, how large, in which colour."""
