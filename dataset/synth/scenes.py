"""Moving pictures that look enough like games to read an overlay over them.

They are cheap, decided by a generator of random numbers alone, and unkind: what passes under an
overlay has an overlay's colours, edges and shapes.
"""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.synth.textures import (
    coloured,
    endless,
    noise,
    strong,
    tiles,
    wandering,
    window,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.random import Generator

    from nitropilot.dataset.synth.textures import Picture


def scene(kind: str, rng: Generator, width: int, height: int, n: int) -> Iterator[Picture]:
    """``n`` pictures ``height x width x 3`` of red, green and blue.

    Args:
        kind: One of ``KINDS``.
        rng: Decides all; what is drawn from it does not depend on how many pictures are taken.
        width: In pixels.
        height: The same.
        n: How many.
    """
    return islice(KINDS[kind](rng.spawn(1)[0], width, height, n), n)


def platformer(rng: Generator, width: int, height: int, n: int) -> Iterator[Picture]:
    """Tiles that scroll by before far hills; somebody jumps, coins and enemies come along."""
    size = max(8, height // 12)
    sky = coloured(endless(noise(rng, width, height, height // 3)), [strong(rng), strong(rng)])
    columns = 4 * width // size
    ground, mask = (
        np.zeros((height, columns * size, 3), np.uint8),
        np.zeros((height, columns * size), np.uint8),
    )
    kinds = [tiles(rng, size, strong(rng)) for _ in range(4)]
    level = 3
    for column in range(columns):
        if rng.random() < 0.3:
            level = int(np.clip(level + rng.integers(-2, 3), 1, 5))
        rows = [height // size - row for row in range(1 + level)]
        if rng.random() < 0.3:
            rows.append(int(rng.integers(1, 9)))
        for row in rows:
            at = (slice(row * size, (row + 1) * size), slice(column * size, (column + 1) * size))
            part = ground[at]
            part[:] = kinds[int(rng.integers(4))][: part.shape[0]]
            mask[at] = 255
    path, colours = (
        np.abs(np.cumsum(rng.normal(0.12, 0.15, n))) * width / 60,
        [strong(rng) for _ in range(8)],
    )
    places = rng.uniform((0, 0), (4 * width, height), (24, 2))
    for t in range(n):
        picture = window(sky, 0.3 * path[t], 0, width, height)
        left = path[t]
        cv2.copyTo(
            window(ground, left, 0, width, height), window(mask, left, 0, width, height), picture
        )
        for index, (x, y) in enumerate(places):
            at = (int((x - left) % (4 * width)), int(y + 9 * math.sin(t / 7 + index)))
            if at[0] < width + size:
                cv2.circle(picture, at, size // 3 + index % 3, colours[index % 8], -1)
        y = int(height * 0.55 - abs(math.sin(t / 9)) * height * 0.3)
        cv2.rectangle(picture, (width // 2, y), (width // 2 + size, y + 2 * size), colours[0], -1)
        yield picture


def shooter(rng: Generator, width: int, height: int, n: int) -> Iterator[Picture]:
    """Walls of noise that turn, come nearer and roll; a weapon, a cross in the middle, flashes."""
    wide, high = 2 * width, 2 * height
    colours = [tuple(int(v) for v in rng.integers(0, 200, 3)) for _ in range(4)]
    walls = coloured(noise(rng, wide, high, height // 4), [*colours, strong(rng)])
    for _ in range(30):
        x, y = int(rng.integers(wide)), int(rng.integers(high))
        w, h = (int(v) for v in rng.integers(height // 20, height // 3, 2))
        cv2.rectangle(walls, (x, y), (x + w, y + h), strong(rng), int(rng.choice([-1, 1, 3])))
    way = wandering(rng, n, width / 60)
    zoom = 1.15 + 0.3 * np.sin(np.arange(n) / rng.uniform(20, 60))
    roll = wandering(rng, n, 0.004)[:, 0]
    shots = rng.random(n) < 0.06
    for t in range(n):
        cos, sin = zoom[t] * math.cos(roll[t]), zoom[t] * math.sin(roll[t])
        x, y = width + way[t, 0], height + way[t, 1]
        matrix = np.array([[cos, -sin, width / 2 - cos * x + sin * y],
                           [sin, cos, height / 2 - sin * x - cos * y]])  # fmt: skip
        picture = cv2.warpAffine(
            walls, matrix, (width, height), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT
        )
        sway = int(6 * math.sin(t / 5))
        gun = np.array([[0.62, 1], [0.66, 0.78], [0.72, 0.72], [0.9, 1]]) * (width, height) + (
            sway,
            0,
        )
        cv2.fillPoly(picture, [gun.astype(np.int32)], (50, 52, 58))
        if shots[t]:
            at = (int(0.66 * width) + sway, int(0.72 * height))
            cv2.circle(picture, at, height // 8, (255, 240, 170), -1)
        middle = (width // 2, height // 2)
        cv2.drawMarker(picture, middle, (255, 255, 255), cv2.MARKER_CROSS, height // 18, 1)
        yield np.asarray(picture, np.uint8)


def from_above(rng: Generator, width: int, height: int, n: int) -> Iterator[Picture]:
    """A map of meadows, woods and water that one looks over; units walk on it."""
    wide, high = 3 * width // 2 * 2, 2 * height
    land = coloured(
        endless(noise(rng, wide // 2, high, height // 3)),
        [
            (30, 70, 150),
            (210, 200, 130),
            (70, 160, 50),
            (40, 120, 40),
            (25, 80, 35),
            (150, 150, 145),
        ],
    )
    grain = (noise(rng, wide, high, 6)[..., None] * 60).astype(np.uint8)
    land = cv2.subtract(land, np.repeat(grain, 3, axis=2))
    way = wandering(rng, n, width / 130)
    units = rng.uniform((0, 0), (width, height), (40, 2))
    walks = [wandering(rng, n, width / 250) for _ in range(len(units))]
    colours = [strong(rng) for _ in units]
    for t in range(n):
        y = height / 2 + way[t, 1]
        y = abs((y - 1) % (2 * (high - height)) - (high - height))
        picture = window(land, way[t, 0], y, width, height)
        for unit, walk, colour in zip(units, walks, colours, strict=True):
            at = (unit + walk[t] - way[t] * 0.5) % (width, height)
            middle = (int(at[0]), int(at[1]))
            cv2.circle(picture, middle, height // 50, colour, -1)
            cv2.circle(picture, middle, height // 36, (20, 20, 20), 1)
        yield picture


def racing(rng: Generator, width: int, height: int, n: int) -> Iterator[Picture]:
    """A road with kerbs of red and white that bends and comes at one, with cars on it."""
    horizon = int(height * rng.uniform(0.35, 0.5))
    sky = coloured(
        endless(noise(rng, width, horizon, horizon // 2)), [strong(rng), (200, 220, 250)]
    )
    rows = np.arange(1, height - horizon + 1)
    depth = height / rows
    grass = strong(rng)
    roads = [_road(width, rows, depth, dark, grass) for dark in (False, True)]
    bends, speed = wandering(rng, n, 0.05)[:, 0], rng.uniform(0.3, 0.9)
    base = np.repeat(np.arange(width, dtype=np.float32)[None], len(rows), axis=0)
    lines = np.repeat(np.arange(len(rows), dtype=np.float32)[:, None], width, axis=1)
    cars = [(rng.uniform(-0.8, 0.8), rng.uniform(0, 40), strong(rng)) for _ in range(7)]
    picture = np.empty((height, width, 3), np.uint8)
    for t in range(n):
        shift = (np.sin(bends[t]) * width * 0.4 * (1 - rows / len(rows)) ** 2).astype(np.float32)
        stripes = ((depth * 1.2 + t * speed) % 2 < 1)[:, None, None]
        road = np.where(stripes, *roads)
        picture = np.empty((height, width, 3), np.uint8)
        picture[:horizon] = window(sky, bends[t] * width * 0.3, 0, width, horizon)
        picture[horizon:] = cv2.remap(
            road, base + (width * 0.5 - shift)[:, None], lines, cv2.INTER_NEAREST
        )
        for lane, far, colour in cars:
            away = 1.3 + (far - t * speed * 0.6) % 40
            row = min(int(height / away), len(rows) - 1)
            size = int(0.32 * width / away)
            x = int(width / 2 + shift[row] + lane * 0.55 * width / away)
            y = horizon + row
            cv2.rectangle(picture, (x - size, y - size), (x + size, y), colour, -1)
            cv2.rectangle(
                picture, (x - size, y - size), (x + size, y - size // 2), (30, 30, 40), -1
            )
        yield picture


def _road(
    width: int, rows: np.ndarray, depth: np.ndarray, dark: bool, grass: tuple[int, int, int]
) -> Picture:  # fmt: skip
    """Twice as wide as the picture; one of two that take turns from stripe to stripe."""
    across = np.abs(np.arange(2 * width)[None] - width) / (0.6 * width / depth[:, None])
    lawn = tuple(max(c - 30 * dark, 0) for c in grass)
    tar = (92, 92, 98) if dark else (104, 104, 110)
    road = np.empty((len(rows), 2 * width, 3), np.uint8)
    road[:] = lawn
    road[across < 1.12] = (240, 240, 240) if dark else (220, 30, 30)
    road[across < 1] = tar
    if dark:
        road[across < 0.025] = (250, 250, 250)
    return road


def particles(rng: Generator, width: int, height: int, n: int) -> Iterator[Picture]:
    """Bright sparks in the dark, and bars, counters and frames that change in the corners."""
    dark = [tuple(int(v) for v in rng.integers(0, 70, 3)) for _ in range(3)]
    back = coloured(endless(noise(rng, width, height, height // 2)), dark)
    count = 160
    start = rng.uniform((0, 0), (width, height), (count, 2))
    speeds = rng.normal(0, width / 110, (count, 2))
    sizes = rng.integers(1, max(3, height // 40), count)
    colours = [strong(rng) for _ in range(count)]
    panels = [(rng.uniform(0, 0.75, 2), rng.uniform(0.06, 0.25, 2), strong(rng)) for _ in range(9)]
    for t in range(n):
        picture = window(back, 2.0 * t, 0, width, height)
        swirl = 8 * math.sin(t / 11)
        at = ((start + speeds * t + (swirl, -swirl)) % (width, height)).astype(int).tolist()
        for middle, size, colour in zip(at, sizes.tolist(), colours, strict=True):
            cv2.circle(picture, middle, size, colour, -1)
        for index, (place, size, colour) in enumerate(panels):
            x, y = int(place[0] * width), int(place[1] * height)
            w, h = int(size[0] * width), int(size[1] * height * 0.4) + 2
            full = 0.5 + 0.5 * math.sin(t / (9 + 3 * index) + index)
            cv2.rectangle(picture, (x, y), (x + int(w * full), y + h), colour, -1)
            cv2.rectangle(picture, (x, y), (x + w, y + h), (255, 255, 255), 1)
        yield picture


def menu(rng: Generator, width: int, height: int, n: int) -> Iterator[Picture]:
    """A picture that stands still but for a bar that jumps from line to line."""
    still = coloured(noise(rng, width, height, height // 3), [strong(rng), (30, 30, 40)])
    line = height // 12
    lines = [
        (int(width * 0.1), line * (row + 2), int(rng.uniform(0.1, 0.5) * width)) for row in range(8)
    ]
    for x, y, long in lines:
        for letter in range(x, x + long, max(line // 3, 3)):
            tall = int(rng.integers(line // 4, line // 2 + 1))
            cv2.rectangle(still, (letter, y - tall), (letter + line // 5, y), (235, 235, 235), -1)
    chosen, colour = 0, strong(rng)
    moves = rng.random(n) < 0.03
    for t in range(n):
        chosen = (chosen + int(moves[t])) % len(lines)
        picture = still.copy()
        x, y, long = lines[chosen]
        cv2.rectangle(picture, (x - 6, y - line // 2 - 4), (x + long, y + 6), colour, 2)
        yield picture


def cuts(rng: Generator, width: int, height: int, n: int) -> Iterator[Picture]:
    """Some of the others after each other, with hard cuts, fades to black and flashes between."""
    kinds = [kind for kind in KINDS if kind != "cuts"]
    shown = 0
    while shown < n:
        length = min(int(rng.integers(12, 90)), n - shown)
        fades, flash = rng.random() < 0.3, int(rng.integers(4))
        light = np.full((height, width, 3), strong(rng), np.uint8)
        part = scene(kinds[int(rng.integers(len(kinds)))], rng, width, height, length)
        for index, picture in enumerate(part):
            if flash == 0 and index < 4:
                yield cv2.addWeighted(picture, index / 4, light, 1 - index / 4, 0)
            elif fades and length - index <= 8:
                yield cv2.convertScaleAbs(picture, alpha=(length - index - 1) / 8)
            else:
                yield picture
        shown += length


KINDS: dict[str, Callable[[Generator, int, int, int], Iterator[Picture]]] = {
    "platformer": platformer,
    "shooter": shooter,
    "map": from_above,
    "racing": racing,
    "particles": particles,
    "menu": menu,
    "cuts": cuts,
}
"""Scenes by name."""
