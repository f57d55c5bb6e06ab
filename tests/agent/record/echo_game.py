"""A game that shows its pad: ``python -m tests.agent.record.echo_game LOG``.

The whole window is as bright as the left stick is far to the right.  Each time that changes, a
line of LOG says when the window was shown so (``time.perf_counter``, which is one clock for all
processes here), before and after the call, and how far the stick was, from -1 to 1.
"""

from __future__ import annotations

import os
import sys
import time

SIZE = (160, 120)


def main(log_path: str) -> None:
    """Run until it is killed."""
    os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
    os.environ["SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS"] = "1"
    os.environ["SDL_FRAMEBUFFER_ACCELERATION"] = "0"
    import pygame
    from pygame._sdl2 import controller

    pygame.display.init()
    controller.init()
    screen = pygame.display.set_mode(SIZE)
    pads: list[controller.Controller] = []
    shown = None
    with open(log_path, "w", buffering=1, encoding="ascii") as log:  # noqa: PTH123
        while True:
            for event in pygame.event.get():
                if event.type == pygame.CONTROLLERDEVICEADDED:
                    pads.append(controller.Controller(event.device_index))
            stick = sum(pad.get_axis(pygame.CONTROLLER_AXIS_LEFTX) for pad in pads) / 32767
            if stick != shown:
                shown = stick
                level = round((max(min(stick, 1.0), -1.0) + 1) * 127.5)
                screen.fill((level, level, level))
                before = time.perf_counter()
                pygame.display.flip()
                log.write(f"{before} {time.perf_counter()} {stick}\n")
            time.sleep(0.001)


if __name__ == "__main__":
    main(sys.argv[1])
