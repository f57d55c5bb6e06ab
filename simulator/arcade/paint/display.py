"""What stands on top of every picture: hearts, and how far the level is."""

from __future__ import annotations

from functools import cache

import pygame

from nitropilot.simulator.arcade.paint.texture import Colour, blank, outlined, shade

DARK = (24, 20, 34)
LIGHT = (250, 244, 230)


def bar(
    canvas: pygame.Surface, rungs: tuple[int, int], colour: Colour, x: int = 60, wide: int = 136
) -> None:
    """How far the level is: one notch for each rung."""
    done, all_rungs = rungs
    canvas.fill(DARK, (x - 2, 5, wide + 4, 9))
    canvas.fill(shade(colour, 35), (x, 7, wide, 5))
    for rung in range(all_rungs):
        left, right = rung * wide // all_rungs, (rung + 1) * wide // all_rungs
        if rung < done:
            canvas.fill(colour, (x + left, 7, right - left - 1, 5))
            canvas.fill(shade(colour, 135), (x + left, 7, right - left - 1, 1))
        else:
            canvas.fill(DARK, (x + right - 1, 7, 1, 5))


@cache
def heart(full: bool) -> pygame.Surface:
    """One of them."""
    shape = blank(11, 10)
    colour = (236, 60, 78) if full else (74, 58, 74)
    for x in (3, 7):
        pygame.draw.circle(shape, colour, (x, 3), 3)
    pygame.draw.polygon(shape, colour, [(0, 4), (10, 4), (5, 9)])
    if full:
        shape.fill((255, 170, 176), (2, 2, 2, 2))
    return outlined(shape, DARK)


def hearts(canvas: pygame.Surface, left: int, of: int, x: int = 6) -> None:
    """What is left of them."""
    for number in range(of):
        canvas.blit(heart(number < left), (x + 14 * number, 4))
