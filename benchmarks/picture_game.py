"""A window of any size that looks like a busy game and reads a pad: ``picture_game.py WxH``."""

from __future__ import annotations

import os
import sys

# Games draw with the graphics card; SDL would draw with the processor what is measured here.
os.environ["SDL_FRAMEBUFFER_ACCELERATION"] = "0"

import pygame

BLOCK = 40
FRAMES_PER_S = 60


def main() -> None:
    """Show the picture, move a block over it, and poll the pad, until the window is closed."""
    width, height = (int(number) for number in sys.argv[1].split("x"))
    pygame.init()
    pads = [pygame.joystick.Joystick(number) for number in range(pygame.joystick.get_count())]
    screen = pygame.display.set_mode((width, height), pygame.NOFRAME)
    pygame.display.set_caption(f"picture {width} x {height}")
    for x in range(0, width, BLOCK):
        for y in range(0, height, BLOCK):
            colour = (x * 7 % 256, y * 5 % 256, (x * 3 + y * 11) % 256)
            screen.fill(colour, (x, y, BLOCK, BLOCK))
    pygame.display.flip()
    clock, frame = pygame.time.Clock(), 0
    while not any(event.type == pygame.QUIT for event in pygame.event.get()):
        reach = pads[0].get_axis(0) if pads else 0.0
        place = pygame.Rect((frame * 8) % width, int(height / 2 * (1 + reach / 2)), BLOCK, BLOCK)
        screen.fill((frame % 256, 255 - frame % 256, 128), place)
        pygame.display.update(place)
        frame += 1
        clock.tick(FRAMES_PER_S)


if __name__ == "__main__":
    main()
