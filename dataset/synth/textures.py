"""What made-up games are painted with: noise, and pictures larger than the screen to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Colour = tuple[int, int, int]

STRONG: tuple[Colour, ...] = (
    (230, 40, 40), (40, 200, 60), (250, 250, 250), (245, 210, 50), (60, 120, 245), (20, 20, 24),
    (240, 120, 30), (210, 70, 220), (60, 220, 230), (120, 230, 80),
)  # fmt: skip
"""Colours of games, and of overlays too: what looks like a pressed button and is none."""


def strong(rng: Generator) -> Colour:
    """One of ``STRONG``."""
    return STRONG[int(rng.integers(len(STRONG)))]


def noise(rng: Generator, width: int, height: int, cell: int = 48) -> NDArray[np.float32]:
    """``height x width`` of 0 to 1: clouds of ``cell`` pixels, with finer ones in them."""
    whole = np.zeros((height, width), np.float32)
    share = 1.0
    while cell >= 2:
        coarse = rng.random((height // cell + 3, width // cell + 3)).astype(np.float32)
        whole += share * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
        share, cell = share * 0.55, cell // 2
    low, high = float(whole.min()), float(whole.max())
    return (whole - low) / max(high - low, 1e-6)


def endless(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Twice as wide, mirrored, so that it repeats without a seam."""
    return np.concatenate([values, values[:, ::-1]], axis=1)


def coloured(values: NDArray[np.float32], colours: list[Colour]) -> Picture:
    """From values of 0 to 1 to colours, evenly spread over them."""
    at = np.linspace(0, len(colours) - 1, 256)
    table = np.stack(
        [np.interp(at, np.arange(len(colours)), [c[i] for c in colours]) for i in range(3)], axis=1
    ).astype(np.uint8)
    return np.asarray(table[(values * 255).astype(np.uint8)])


def tiles(rng: Generator, size: int, colour: Colour) -> Picture:
    """A square tile: grain, a light edge above and a dark one below."""
    grain = noise(rng, size, size, max(size // 4, 2))[..., None] * 0.6 + 0.7
    tile = np.clip(np.array(colour) * grain, 0, 255).astype(np.uint8)
    cv2.line(tile, (0, 0), (size, 0), tuple(min(c + 60, 255) for c in colour), 2)
    cv2.line(tile, (0, size - 1), (size, size - 1), tuple(c // 3 for c in colour), 2)
    return tile


def window(picture: Picture, x: float, y: float, width: int, height: int) -> Picture:
    """A part of a picture that repeats to the right; ``y`` is kept in it."""
    left = int(x) % picture.shape[1]
    top = min(max(int(y), 0), picture.shape[0] - height)
    rows = picture[top : top + height]
    if left + width <= picture.shape[1]:
        return rows[:, left : left + width].copy()
    first = rows[:, left:]
    return np.concatenate([first, rows[:, : width - first.shape[1]]], axis=1)


def wandering(rng: Generator, count: int, speed: float, smooth: int = 40) -> NDArray[np.float64]:
    """``count x 2``: a way that turns smoothly, in pixels from where it begins."""
    steps = rng.normal(0, 1, (count + smooth, 2))
    kernel = np.hanning(smooth + 2)[1:-1]
    kernel /= np.sqrt((kernel**2).sum())
    smoothed = np.stack([np.convolve(steps[:, i], kernel, "same") for i in range(2)], axis=1)
    return np.asarray(np.cumsum(smoothed[:count] * speed, axis=0), np.float64)
