"""A small SDL program: opens a window, prints its handle, reads events until killed."""

from __future__ import annotations

import pygame

pygame.display.init()
pygame.display.set_mode((200, 150))
print(pygame.display.get_wm_info()["window"], flush=True)
while True:
    pygame.event.wait(1000)
