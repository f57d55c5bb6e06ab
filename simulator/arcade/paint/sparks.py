"""Sparks and dust: where each one is follows from its event's time and number alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from nitropilot.simulator.arcade.core.numbers import share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.simulator.arcade.core.world import Event
    from nitropilot.simulator.arcade.paint.texture import Colour

_WAYS = (
    (256, 0), (181, 181), (0, 256), (-181, 181), (-256, 0), (-181, -181), (0, -256), (181, -181),
    (236, 98), (98, 236), (-98, 236), (-236, 98), (-236, -98), (-98, -236), (98, -236), (236, -98),
)  # fmt: skip


def scattered(event: Event, number: int) -> int:
    """A number of chance in 0 to 255 for the n-th spark of an event."""
    mixed = (event.tick * 73856093) ^ (event.x * 19349663) ^ (number * 83492791)
    return (mixed >> 7) & 255


def burst(
    canvas: pygame.Surface, event: Event, age: int, place: tuple[int, int],
    colours: Sequence[Colour], *, count: int = 12, speed: int = 500, fall: int = 0, life: int = 26,
) -> None:  # fmt: skip
    """Sparks that fly in all directions, slower and smaller with time.

    Args:
        canvas: What to paint on.
        event: Of which they come.
        age: Ticks since then.
        place: Where that is in the picture.
        colours: From the youngest to the oldest.
        count: How many.
        speed: Of the fastest, 1/256 px a tick.
        fall: By how much they sink, 1/256 px a tick and tick.
        life: Ticks after which they are gone.
    """
    if not 0 <= age < life:
        return
    colour = colours[min(age * len(colours) // life, len(colours) - 1)]
    for number in range(count):
        chance = scattered(event, number)
        way = _WAYS[(number + chance) % len(_WAYS)]
        far = speed * (128 + chance // 2) // 256 * (age - age * age // (3 * life))
        x = place[0] + share(way[0], far, 65536)
        y = place[1] + share(way[1], far, 65536) + fall * age * age // 512
        size = 3 if age < life // 3 else 2 if age < 2 * life // 3 else 1
        canvas.fill(colour, (x - size // 2, y - size // 2, size, size))


def ring(canvas: pygame.Surface, age: int, place: tuple[int, int], colour: Colour,
         life: int = 16, most: int = 26) -> None:  # fmt: skip
    """A ring that grows and thins out."""
    if 0 <= age < life:
        radius = 4 + most * age // life
        pygame.draw.circle(canvas, colour, place, radius, max(1, 3 - 3 * age // life))
