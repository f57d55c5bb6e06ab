"""Colours and textures in whole numbers, so that every machine paints the same.

Nothing here blends with an alpha channel, which processors round in different ways: shapes have a
colour key, light is added, shadow is subtracted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pygame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Colour = tuple[int, int, int]

"""Side of every game's picture, in pixels."""
KEY = (255, 0, 255)
"""What is not there."""
_BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.int64)


def mix(one: Colour, other: Colour, part: int) -> Colour:
    """Between two colours: ``part`` of 256 of the other one."""
    red, green, blue = (a + (b - a) * part // 256 for a, b in zip(one, other, strict=True))
    return red, green, blue


def shade(colour: Colour, percent: int) -> Colour:
    """Darker, or above 100 brighter."""
    red, green, blue = (max(0, min(255, part * percent // 100)) for part in colour)
    return red, green, blue


def ramp(colours: Sequence[Colour], steps: int) -> list[Colour]:
    """As many colours as wanted, evenly between the given ones."""
    made = []
    for step in range(steps):
        place = step * (len(colours) - 1) * 256 // max(steps - 1, 1)
        index = min(place // 256, len(colours) - 2)
        made.append(mix(colours[index], colours[index + 1], place - index * 256))
    return made


def noise(seed: int, width: int, height: int, cell: int) -> NDArray[np.int64]:
    """Smooth noise that can be tiled, ``height x width`` in 0 to 255."""
    columns, rows = max(width // cell, 1), max(height // cell, 1)
    lattice = np.random.RandomState(seed % 2**32).randint(0, 256, (rows, columns)).astype(np.int64)
    x, x_part = _steps(width, columns)
    y, y_part = _steps(height, rows)
    right, down = (x + 1) % columns, (y + 1) % rows
    above = lattice[y][:, x] * (256 - x_part) + lattice[y][:, right] * x_part
    below = lattice[down][:, x] * (256 - x_part) + lattice[down][:, right] * x_part
    mixed = above * (256 - y_part)[:, None] + below * y_part[:, None]
    return np.asarray(mixed // 65536, np.int64)


def _steps(length: int, cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    place = np.arange(length, dtype=np.int64) * cells * 256 // length
    part = place % 256
    return place // 256, part * part * (768 - 2 * part) // 65536


def fractal(seed: int, width: int, height: int, cell: int, octaves: int = 3) -> NDArray[np.int64]:
    """Noise with finer noise on it, in 0 to 255."""
    total = np.zeros((height, width), np.int64)
    weight = 0
    for octave in range(octaves):
        share = 1 << (octaves - octave)
        total += share * noise(seed + 97 * octave, width, height, max(cell >> octave, 2))
        weight += share
    return total // weight


def ridge(seed: int, width: int, cell: int, octaves: int = 3) -> NDArray[np.int64]:
    """Heights along a line that can be tiled, ``width`` in 0 to 255."""
    return np.asarray(fractal(seed, width, 1, cell, octaves)[0], np.int64)


def dithered(values: NDArray[np.int64], colours: Sequence[Colour]) -> NDArray[np.uint8]:
    """Values in 0 to 255 in these colours, ``H x W x 3``; between two of them a pattern of both."""
    height, width = values.shape
    pattern = np.tile(_BAYER, (height // 4 + 1, width // 4 + 1))[:height, :width]
    steps = np.clip(values, 0, 255) * (len(colours) - 1) * 16 // 255
    index = np.clip((steps + pattern) // 16, 0, len(colours) - 1)
    return np.asarray(np.array(colours, np.uint8)[index], np.uint8)


def fade(width: int, height: int, colours: Sequence[Colour]) -> NDArray[np.uint8]:
    """From the first colour on top to the last one below, ``H x W x 3``."""
    rows = np.arange(height, dtype=np.int64) * 255 // max(height - 1, 1)
    return dithered(np.repeat(rows[:, None], width, axis=1), colours)


def blank(width: int, height: int, colour: Colour = KEY) -> pygame.Surface:
    """A surface of one colour; what has the key's colour is not there."""
    surface = pygame.Surface((width, height), 0, 32)
    surface.fill(colour)
    if colour == KEY:
        surface.set_colorkey(KEY, pygame.RLEACCEL)
    return surface


def surface_of(pixels: NDArray[np.uint8], there: NDArray[np.bool_] | None = None) -> pygame.Surface:
    """A surface of ``H x W x 3`` pixels, or of those that are there."""
    height, width = pixels.shape[:2]
    if there is not None:
        pixels = np.where(there[..., None], pixels, np.array(KEY, np.uint8))
    surface = blank(width, height, KEY if there is not None else (0, 0, 0))
    pygame.surfarray.blit_array(surface, pixels.swapaxes(0, 1))
    return surface


def pixels_of(surface: pygame.Surface) -> NDArray[np.uint8]:
    """``H x W x 3`` RGB, a copy; the surface has 32 bits a pixel."""
    width, height = surface.get_size()
    raw = np.frombuffer(surface.get_buffer(), np.uint8).reshape(height, width, 4)  # type: ignore[call-overload]
    return np.asarray(cv2.cvtColor(raw, cv2.COLOR_BGRA2RGB), np.uint8)


def glow(radius: int, colour: Colour) -> pygame.Surface:
    """Light to be added: strong in its middle, nothing at its edge."""
    side = np.arange(-radius, radius + 1, dtype=np.int64)
    squares = side[:, None] ** 2 + side[None, :] ** 2
    power = np.maximum(0, 256 - squares * 256 // max(radius * radius, 1))
    power = power * power // 256
    parts = (power[..., None] * np.array(colour, np.int64)) // 256
    return surface_of(parts.astype(np.uint8))


def shadow(width: int, height: int, strength: int) -> pygame.Surface:
    """An ellipse to be subtracted."""
    surface = blank(width, height, (0, 0, 0))
    pygame.draw.ellipse(surface, (strength, strength, strength), (0, 0, width, height))
    return surface


def add(canvas: pygame.Surface, light: pygame.Surface, x: int, y: int) -> None:
    """Light around a place."""
    place = (x - light.get_width() // 2, y - light.get_height() // 2)
    canvas.blit(light, place, special_flags=pygame.BLEND_RGB_ADD)


def subtract(canvas: pygame.Surface, dark: pygame.Surface, x: int, y: int) -> None:
    """Shadow around a place."""
    place = (x - dark.get_width() // 2, y - dark.get_height() // 2)
    canvas.blit(dark, place, special_flags=pygame.BLEND_RGB_SUB)


def centred(canvas: pygame.Surface, sprite: pygame.Surface, x: int, y: int) -> None:
    """A sprite around a place."""
    canvas.blit(sprite, (x - sprite.get_width() // 2, y - sprite.get_height() // 2))


def outlined(sprite: pygame.Surface, colour: Colour) -> pygame.Surface:
    """The sprite with a line of one pixel around it; one pixel larger on each side."""
    inner = pixels_of(sprite)
    height, width = inner.shape[:2]
    pixels = np.zeros((height + 2, width + 2, 3), np.uint8)
    pixels[...] = np.array(KEY, np.uint8)
    pixels[1:-1, 1:-1] = inner
    there = (pixels != np.array(KEY, np.uint8)).any(axis=2)
    around = np.zeros_like(there)
    for x, y in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        around |= np.roll(there, (y, x), (0, 1))
    pixels[around & ~there] = colour
    return surface_of(pixels, there | around)


def ball(radius: int, colours: Sequence[Colour]) -> pygame.Surface:
    """A ball that is lit from the upper left; the first colour is its darkest."""
    side = np.arange(-radius, radius + 1, dtype=np.int64)
    y, x = side[:, None], side[None, :]
    inside = x * x + y * y <= radius * radius + radius // 2
    light = (x + radius // 3) ** 2 + (y + radius // 3) ** 2
    values = 255 - light * 255 // max(2 * radius * radius, 1)
    return surface_of(dithered(values, colours), inside)
