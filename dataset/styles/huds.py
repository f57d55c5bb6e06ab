"""What games and streamers draw over a game that looks a little like a controller and is none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.synth.textures import coloured, dull, noise, strong

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Draw = Callable[[Picture, int], None]

_AA = cv2.LINE_AA
LETTERS = "ABXYQWERTFGZ1234567890"
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def any_hud(rng: Generator, width: int, height: int, most: int = 5) -> list[Draw]:
    """Some things that are drawn over each frame; each takes a picture and the time."""
    count = int(rng.integers(0, most + 1))
    kinds = rng.choice(len(_KINDS), count)
    return [_KINDS[kind](rng, width, height) for kind in kinds.tolist()]


def _corner(rng: Generator, width: int, height: int, wide: int, high: int) -> tuple[int, int]:
    """Upper left corner of something of a size: mostly near an edge."""
    gap = max(2, height // 30)
    x = int(rng.choice([gap, width - wide - gap, int(rng.integers(0, max(width - wide, 1)))]))
    y = int(rng.choice([gap, height - high - gap, int(rng.integers(0, max(height - high, 1)))]))
    return max(x, 0), max(y, 0)


def _minimap(rng: Generator, width: int, height: int) -> Draw:
    """A map in a circle or a square, on which dots move."""
    size = int(height * rng.uniform(0.14, 0.34))
    left, top = _corner(rng, width, height, size, size)
    land = coloured(noise(rng, size, size, max(size // 3, 4)), [dull(rng, 200) for _ in range(3)])
    mask = np.full((size, size), 255, np.uint8)
    round_ = rng.random() < 0.6
    if round_:
        mask[:] = 0
        cv2.circle(mask, (size // 2, size // 2), size // 2 - 1, 255, -1, _AA)
    edge, colours = strong(rng), [strong(rng) for _ in range(5)]
    dots = rng.uniform(0.2, 0.8, (5, 2)) * size
    speeds = rng.normal(0, 0.02, (5, 2)) * size

    def draw(picture: Picture, time: int) -> None:
        seen = land.copy()
        for dot, speed, colour in zip(dots, speeds, colours, strict=True):
            x, y = ((dot + time * speed) % size).astype(int).tolist()
            cv2.circle(seen, (x, y), max(1, size // 24), colour, -1, _AA)
        part = picture[top : top + size, left : left + size]
        cv2.copyTo(seen[: part.shape[0], : part.shape[1]], mask[: part.shape[0], : part.shape[1]],
                   part)  # fmt: skip
        if round_:
            cv2.circle(picture, (left + size // 2, top + size // 2), size // 2, edge, 1, _AA)
        else:
            cv2.rectangle(picture, (left, top), (left + size, top + size), edge, 1)

    return draw


def _bars(rng: Generator, width: int, height: int) -> Draw:
    """Health and the like: bars that fill."""
    count, wide = int(rng.integers(1, 4)), int(width * rng.uniform(0.12, 0.35))
    high = max(3, int(height * rng.uniform(0.02, 0.045)))
    left, top = _corner(rng, width, height, wide, count * (high + 3))
    colours = [strong(rng) for _ in range(count)]
    pace = rng.uniform(3, 15, count)

    def draw(picture: Picture, time: int) -> None:
        for index, colour in enumerate(colours):
            y = top + index * (high + 3)
            full = int(wide * (0.55 + 0.45 * math.sin(time / pace[index] + index)))
            cv2.rectangle(picture, (left, y), (left + wide, y + high), (25, 25, 28), -1)
            cv2.rectangle(picture, (left, y), (left + full, y + high), colour, -1)
            cv2.rectangle(picture, (left, y), (left + wide, y + high), (220, 220, 220), 1)

    return draw


def _slots(rng: Generator, width: int, height: int) -> Draw:
    """A row of squares with letters; one of them is chosen."""
    count, side = int(rng.integers(3, 10)), int(height * rng.uniform(0.06, 0.12))
    left, top = _corner(rng, width, height, count * (side + 2), side)
    colours = [strong(rng) if rng.random() < 0.5 else dull(rng, 120) for _ in range(count)]
    signs = [LETTERS[int(rng.integers(len(LETTERS)))] for _ in range(count)]
    changes = rng.integers(0, count, 64)

    def draw(picture: Picture, time: int) -> None:
        for index, colour in enumerate(colours):
            x = left + index * (side + 2)
            cv2.rectangle(picture, (x, top), (x + side, top + side), colour, -1)
            chosen = changes[time // 5 % 64] == index
            edge = (255, 255, 255) if chosen else (70, 70, 75)
            cv2.rectangle(picture, (x, top), (x + side, top + side), edge, 1 + chosen)
            cv2.putText(picture, signs[index], (x + side // 4, top + side * 3 // 4), _FONT,
                        side / 40, (240, 240, 240), 1, _AA)  # fmt: skip

    return draw


def _skills(rng: Generator, width: int, height: int) -> Draw:
    """Round buttons side by side, in a bow or a cross, some of them cooling down."""
    count, size = int(rng.integers(2, 6)), int(height * rng.uniform(0.03, 0.07))
    spread = size * rng.uniform(2.2, 3.2)
    angles = rng.uniform(0, 6) + np.arange(count) * rng.choice([0.7, math.pi / 2, 2 * math.pi / 5])
    middles = np.stack([np.cos(angles), np.sin(angles)], axis=1) * spread
    if rng.random() < 0.4:
        middles = np.stack([np.arange(count) * size * 2.4, np.zeros(count)], axis=1)
    middles -= middles.min(axis=0)
    wide, high = (int(v) + 2 * size for v in middles.max(axis=0))
    left, top = _corner(rng, width, height, wide, high)
    at = np.add(middles, (left + size, top + size)).astype(int).tolist()
    colours = [strong(rng) for _ in range(count)]
    signs = [LETTERS[int(rng.integers(len(LETTERS)))] for _ in range(count)]
    filled = rng.random() < 0.7

    def draw(picture: Picture, time: int) -> None:
        for index, (x, y) in enumerate(at):
            cv2.circle(picture, (x, y), size, colours[index], -1 if filled else 1, _AA)
            turn = (time * (7 + index) + 90 * index) % 360
            cv2.ellipse(
                picture, (x, y), (size, size), -90, 0, turn, (40, 40, 44), -1 if filled else 2
            )
            cv2.circle(picture, (x, y), size, (230, 230, 230), 1, _AA)
            cv2.putText(picture, signs[index], (x - size // 2, y + size // 2), _FONT, size / 24,
                        (250, 250, 250), 1, _AA)  # fmt: skip

    return draw


def _keyboard(rng: Generator, width: int, height: int) -> Draw:
    """Keys of a keyboard that light up: an overlay too, but of another thing."""
    side = int(height * rng.uniform(0.05, 0.1))
    pitch = side + max(1, side // 8)
    keys = [(1, 0, "W"), (0, 1, "A"), (1, 1, "S"), (2, 1, "D")]
    if rng.random() < 0.6:
        keys += [(0, 0, "Q"), (2, 0, "E"), (3, 1, "F"), (0, 2, "C"), (3, 0, "R")]
    left, top = _corner(rng, width, height, 4 * pitch, 3 * pitch)
    up, lit, line = dull(rng, 120), strong(rng), strong(rng)
    down = rng.random((64, len(keys))) < 0.2
    hollow = rng.random() < 0.4

    def draw(picture: Picture, time: int) -> None:
        for index, (column, row, sign) in enumerate(keys):
            x, y = left + column * pitch, top + row * pitch
            pressed = bool(down[time // 3 % 64, index])
            if pressed or not hollow:
                colour = lit if pressed else up
                cv2.rectangle(picture, (x, y), (x + side, y + side), colour, -1)
            cv2.rectangle(picture, (x, y), (x + side, y + side), line, 1)
            cv2.putText(picture, sign, (x + side // 4, y + side * 3 // 4), _FONT, side / 40,
                        (250, 250, 250), 1, _AA)  # fmt: skip

    return draw


def _dial(rng: Generator, width: int, height: int) -> Draw:
    """A speedometer, or a compass: a circle with a needle."""
    size = int(height * rng.uniform(0.07, 0.15))
    left, top = _corner(rng, width, height, 2 * size, 2 * size)
    middle = (left + size, top + size)
    colour, needle, pace = strong(rng), strong(rng), float(rng.uniform(4, 20))
    filled = rng.random() < 0.6

    def draw(picture: Picture, time: int) -> None:
        if filled:
            cv2.circle(picture, middle, size, (24, 24, 28), -1, _AA)
        cv2.circle(picture, middle, size, colour, 2, _AA)
        angle = 3 * math.sin(time / pace)
        tip = (int(middle[0] + 0.8 * size * math.sin(angle)),
               int(middle[1] - 0.8 * size * math.cos(angle)))  # fmt: skip
        cv2.line(picture, middle, tip, needle, 2, _AA)
        cv2.circle(picture, middle, max(1, size // 6), needle, -1, _AA)

    return draw


def _words(rng: Generator, width: int, height: int) -> Draw:
    """Lines of a chat, a score, a list of what somebody pressed."""
    lines, line = int(rng.integers(1, 9)), max(6, int(height * rng.uniform(0.035, 0.06)))
    wide = int(width * rng.uniform(0.1, 0.3))
    left, top = _corner(rng, width, height, wide, lines * line)
    colours = [strong(rng) for _ in range(4)]
    text = ["".join(LETTERS[i] for i in rng.integers(0, len(LETTERS), 30)) for _ in range(24)]
    board = rng.random() < 0.5

    def draw(picture: Picture, time: int) -> None:
        if board:
            part = picture[top : top + lines * line, left : left + wide]
            part[:] = part // 3
        for row in range(lines):
            number = row + time // 4
            words = text[number % 24][: max(2, wide // max(line // 2, 4) - number % 5)]
            cv2.putText(picture, words, (left + 2, top + (row + 1) * line - 2), _FONT, line / 34,
                        colours[number % 4], 1, _AA)  # fmt: skip

    return draw


def _camera(rng: Generator, width: int, height: int) -> Draw:
    """A streamer before a wall, in a frame."""
    wide = int(width * rng.uniform(0.15, 0.28))
    high = int(wide * rng.uniform(0.6, 0.9))
    left, top = _corner(rng, width, height, wide, high)
    wall = coloured(noise(rng, wide, high, max(high // 2, 4)), [dull(rng, 160), dull(rng, 90)])
    skin, shirt, edge = (200, 150, 120), strong(rng), strong(rng)

    def draw(picture: Picture, time: int) -> None:
        seen = wall.copy()
        x = int(wide / 2 + wide * 0.05 * math.sin(time / 6))
        cv2.ellipse(seen, (x, high), (wide // 4, high // 3), 0, 0, 360, shirt, -1, _AA)
        cv2.ellipse(seen, (x, high // 2), (wide // 9, high // 5), 0, 0, 360, skin, -1, _AA)
        part = picture[top : top + high, left : left + wide]
        part[:] = seen[: part.shape[0], : part.shape[1]]
        cv2.rectangle(picture, (left, top), (left + wide, top + high), edge, 1)

    return draw


def _arrows(rng: Generator, width: int, height: int) -> Draw:
    """Four arrows as in a rhythm game, or a single prompt to press something."""
    size = int(height * rng.uniform(0.03, 0.07))
    count = int(rng.choice([1, 4]))
    left, top = _corner(rng, width, height, count * 3 * size, 2 * size)
    colours = [strong(rng) for _ in range(count)]
    lit = rng.random((64, count)) < 0.25

    def draw(picture: Picture, time: int) -> None:
        for index in range(count):
            middle = np.array([left + size + 3 * size * index, top + size])
            turn = index * math.pi / 2
            points = [middle + size * np.array([math.cos(turn + a), math.sin(turn + a)])
                      for a in (0, 2.3, -2.3)]  # fmt: skip
            corners = np.array(points).astype(np.int32)
            colour = (255, 255, 255) if lit[time // 2 % 64, index] else colours[index]
            cv2.fillPoly(picture, [corners], colour, _AA)

    return draw


_KINDS: tuple[Callable[[Generator, int, int], Draw], ...] = (
    _minimap, _bars, _slots, _skills, _keyboard, _dial, _words, _camera, _arrows,
)  # fmt: skip
