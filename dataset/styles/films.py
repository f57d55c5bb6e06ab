"""Moving pictures to lay controllers over, drawn once and then looked at through many windows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.synth.scenes import KINDS, scene

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from nitropilot.dataset.looks.shown import Planes8

    Bytes = NDArray[np.uint8]

_FILMS = 0xF1_17
"""So that a film's numbers are none of anything else's of the same seed."""
WIDTH, HIGH, LENGTH = 384, 216, 40
"""Of a film, in pixels and frames."""
FLAT = 0.1
"""How often a controller stands on a ground that does not move, as beside a game's picture."""


class Film(NamedTuple):
    """Frames of a made-up game, as a codec has them.

    Attributes:
        y: ``T x h x w``, brightness.
        u: ``T x h/2 x w/2``, colour.
        v: The same.
    """

    y: Bytes
    u: Bytes
    v: Bytes


@dataclass(frozen=True)
class Shelf:
    """Some films, each drawn when it is first wanted.

    Attributes:
        key: What they are drawn from.
        count: How many.
    """

    key: tuple[int, ...]
    count: int

    @cached_property
    def _films(self) -> dict[int, Film]:
        return {}

    def film(self, index: int) -> Film:
        """One of them."""
        if index not in self._films:
            rng = np.random.default_rng([_FILMS, *self.key, index])
            kind = list(KINDS)[int(rng.integers(len(KINDS)))]
            self._films[index] = filmed(kind, rng)
        return self._films[index]


def filmed(kind: str, rng: Generator) -> Film:
    """A film of a made-up game."""
    y, u, v = (
        np.empty((LENGTH, HIGH // step, WIDTH // step), np.uint8) for step in (1, 2, 2)
    )  # fmt: skip
    for index, picture in enumerate(scene(kind, rng, WIDTH, HIGH, LENGTH)):
        y[index], u[index], v[index] = planes8(picture)
    return Film(y, u, v)


def planes8(picture: Bytes) -> Planes8:
    """A picture of red, green and blue with even sides, as a codec has it (BT.601, limited)."""
    height, width = picture.shape[:2]
    flat = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)
    return split(np.asarray(flat, np.uint8), width, height)


def split(flat: Bytes, width: int, height: int) -> Planes8:
    """Three planes that lie one after the other."""
    small = width * height // 4
    values = flat.ravel()
    y = values[: width * height].reshape(height, width)
    u = values[width * height :][:small].reshape(height // 2, width // 2)
    v = values[width * height + small :][:small].reshape(height // 2, width // 2)
    return y, u, v


class Window:
    """A part of a film, recoloured, at another size.

    Args:
        film: Which; None for a ground that does not move.
        rng: Decides which part, and how it is changed.
        width: Of what is seen, even.
        height: The same.
    """

    def __init__(self, film: Film | None, rng: Generator, width: int, height: int) -> None:
        self._film, self._size = film, (width, height)
        least = max(width / WIDTH, height / HIGH)
        zoom = least * float(rng.uniform(1, 2.2))
        wide, high = (min(max(8, int(side / zoom)), most) // 2 * 2 for side, most in
                      ((width, WIDTH), (height, HIGH)))  # fmt: skip
        left = int(rng.integers(0, WIDTH - wide + 1)) // 2 * 2
        top = int(rng.integers(0, HIGH - high + 1)) // 2 * 2
        self._part = (slice(top, top + high), slice(left, left + wide))
        self._half = (slice(top // 2, (top + high) // 2), slice(left // 2, (left + wide) // 2))
        self._first, self._step = int(rng.integers(LENGTH)), int(rng.choice([-1, 1, 1, 2]))
        self._flip, self._swap = bool(rng.random() < 0.5), bool(rng.random() < 0.3)
        gamma = float(np.exp(rng.normal(0, 0.35)))
        low, high_ = sorted(rng.uniform(0, 1, 2).tolist()) if rng.random() < 0.3 else (0.0, 1.0)
        ramp = low + (max(high_, low + 0.2) - low) * np.linspace(0, 1, 220) ** gamma
        self._light = np.clip(np.interp(np.arange(256), np.arange(16, 236), 16 + 219 * ramp),
                              16, 235).astype(np.uint8)  # fmt: skip
        self._colour = float(rng.choice([-1, 1])) * float(rng.uniform(0.3, 1.3))
        self._ground = tuple(int(value) for value in rng.integers((16, 90, 90), (236, 166, 166)))

    def frame(self, index: int) -> Planes8:
        """What is seen at a time; a copy."""
        width, height = self._size
        if self._film is None:
            light, blue, red = self._ground
            half = (height // 2, width // 2)
            return (np.full((height, width), light, np.uint8), np.full(half, blue, np.uint8),
                    np.full(half, red, np.uint8))  # fmt: skip
        at = _to_and_fro(self._first + index * self._step)
        seen = self._seen(self._film.y[at][self._part], width, height)
        y = np.asarray(cv2.LUT(seen, self._light), np.uint8)
        u, v = (self._tinted(self._seen(plane[at][self._half], width // 2, height // 2))
                for plane in (self._film.u, self._film.v))  # fmt: skip
        return (y, v, u) if self._swap else (y, u, v)

    def _seen(self, part: Bytes, width: int, height: int) -> Bytes:
        if self._flip:
            part = part[:, ::-1]
        shrinks = width < part.shape[1]
        way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(part, (width, height), interpolation=way), np.uint8)

    def _tinted(self, plane: Bytes) -> Bytes:
        tinted = cv2.convertScaleAbs(plane, alpha=self._colour, beta=128 - 128 * self._colour)
        return np.asarray(tinted, np.uint8)


def _to_and_fro(index: int) -> int:
    """A film has no end: it is seen backwards, then forwards again."""
    at = index % (2 * LENGTH - 2)
    return at if at < LENGTH else 2 * LENGTH - 2 - at
