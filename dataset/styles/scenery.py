"""``any_scene``: some frames of a made-up video, with a controller in a corner or without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.looks import palette
from nitropilot.dataset.looks.shown import Shown
from nitropilot.dataset.pose import Box
from nitropilot.dataset.styles.coding import any_coding, coded
from nitropilot.dataset.styles.films import LENGTH, Shelf, Window, planes8
from nitropilot.dataset.styles.huds import any_hud
from nitropilot.dataset.styles.maps import box_of
from nitropilot.dataset.styles.sample import Scene
from nitropilot.dataset.styles.staging import OPAQUE, any_matrix, any_opacity, mixed_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

    from nitropilot.dataset.looks.look import Pad
    from nitropilot.dataset.looks.shown import Planes8
    from nitropilot.dataset.pad import PadStates

VIDEO = 640
"""Pixels of the width of a video in which controllers are as wide as ``staging.WIDE`` says."""
USUAL = (1.7, 2.2)
"""As ``staging.USUAL``: of those that are a few pixels wide there is little to find."""
FRAMES = (8, 25)
WITHOUT = 1 / 3
"""Of all scenes there is no controller in them."""
TALLEST = 0.75
"""Of a picture's height, that a controller has at most."""


def any_scene(
    pad: Pad | None, shelf: Shelf, played: PadStates, rng: Generator, size: tuple[int, int]
) -> Scene:
    """Frames far apart, through a codec.

    Args:
        pad: Its controller; None for none.
        shelf: Films of which it consists.
        played: What the pad does.
        rng: Decides.
        size: Height and width, even.
    """
    height, width = size
    count = int(rng.integers(FRAMES[0], FRAMES[1] + 1))
    if pad is None:
        frames = _frames(None, None, shelf, played, rng, size, count)
        return Scene(_seen(frames, size, rng), None, False, int(rng.integers(2**31)))
    matrix = any_matrix(pad, rng, USUAL)
    matrix[:, :2] *= width / VIDEO
    box = box_of(pad, matrix)
    matrix[:, :2] *= min(1.0, TALLEST * height / box.height, 0.95 * width / box.width)
    box = box_of(pad, matrix)
    x, y = (_along(rng, length, side) for length, side in
            ((width, box.width), (height, box.height)))  # fmt: skip
    matrix[:, 2] += (x - box.left, y - box.top)
    opacity = any_opacity(rng)
    shown = Shown(pad, matrix, width, height, opacity)
    frames = _frames(shown, box_of(pad, matrix), shelf, pad.seen_of(mixed_up(played, rng)), rng,
                     size, count)  # fmt: skip
    opaque = pad.filled and opacity >= OPAQUE
    pictures = _seen(frames, size, rng)
    return Scene(pictures, box_of(pad, matrix).inside(width, height), opaque, pad.seed)


def _seen(
    frames: Iterator[Planes8], size: tuple[int, int], rng: Generator
) -> NDArray[np.uint8]:  # fmt: skip
    return np.stack(list(coded(frames, size[1], size[0], any_coding(rng))))


def _along(rng: Generator, length: int, side: int) -> int:
    """Where something begins: near either end, or anywhere."""
    free = max(length - side, 0)
    gap = min(int(rng.integers(0, max(length // 25, 1))), free)
    return int(rng.choice([gap, free - gap, int(rng.integers(0, free + 1))], p=[0.35, 0.35, 0.3]))


def _frames(
    shown: Shown | None, box: Box | None, shelf: Shelf, played: PadStates, rng: Generator,
    size: tuple[int, int], count: int,
) -> Iterator[Planes8]:  # fmt: skip
    height, width = size
    hud = any_hud(rng, width, height, 7 if shown is None else 4)
    films = rng.integers(shelf.count, size=int(rng.integers(1, 4))).tolist()
    board = _board(rng, box) if box is not None and rng.random() < 0.12 else None
    window, time = None, 0
    for _ in range(count):
        if window is None or rng.random() < 0.6:
            film = shelf.film(films[int(rng.integers(len(films)))])
            window = Window(film, rng, width, height)
        time += int(rng.integers(20, 400))
        picture = _rgb(window.frame(int(rng.integers(LENGTH))))
        for draw in hud:
            draw(picture, time)
        if board is not None:
            place, colour = board
            cv2.rectangle(picture, place[:2], place[2:], colour, -1)
        planes = planes8(picture)
        if shown is not None:
            shown.over(planes, played, int(rng.integers(len(played))), bool(rng.random() < 0.2))
        yield planes


def _board(rng: Generator, box: Box) -> tuple[Box, tuple[int, int, int]]:
    """A plain ground larger than the controller, as streamers put under it."""
    colour = palette.any_colour(rng)
    red, green, blue = (round(255 * value) for value in colour)
    return box.wider(int(rng.integers(2, max(box.width // 4, 3)))), (red, green, blue)


def _rgb(planes: Planes8) -> NDArray[np.uint8]:
    height, width = planes[0].shape
    flat = np.concatenate([plane.ravel() for plane in planes]).reshape(height * 3 // 2, width)
    return np.asarray(cv2.cvtColor(flat, cv2.COLOR_YUV2RGB_I420), np.uint8)
