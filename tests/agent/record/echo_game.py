"""A game that shows its pad: ``python -m tests.agent.record.echo_game LOG``.

The whole window is as bright as the left stick is far to the right.  Each time that changes, a
line of LOG says when the window was shown so (the true monotonic clock, which is one for all
processes here), before and after the call, and how far the stick was, from -1 to 1.  Before it, and
where nothing has changed, a line says when it looked at its pad, before and after.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import time

from nitropilot.controller.clock.layout import (
    CLOCK_VARIABLE,
    COURSE,
    COURSES,
    HEADER,
    SCALE_ONE,
    TURN,
)

SIZE = (160, 120)


class TrueClock:
    """The clock of everybody else, for a game whose own one is ours."""

    def __init__(self) -> None:
        with open(os.environ[CLOCK_VARIABLE], "rb") as file:  # noqa: PTH123
            self._page = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._base = HEADER.unpack_from(self._page)[4]

    def now(self) -> float:
        """Seconds, worked back from what the game's clock shows and from how it goes."""
        while True:
            turn = self._turn()
            shown = time.perf_counter_ns() - self._base
            course = COURSE.unpack_from(self._page, COURSES + COURSE.size * (turn & 1))
            _, _, since_true, since_virtual, scale = course
            if turn == self._turn() and scale:
                return float(since_true + (shown - since_virtual) * SCALE_ONE / scale) / 1e9

    def _turn(self) -> int:
        (turn,) = struct.unpack_from("=I", self._page, TURN)
        return int(turn)


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
    clock = TrueClock()
    with open(log_path, "w", buffering=1, encoding="ascii") as log:  # noqa: PTH123
        while True:
            looked = clock.now()
            for event in pygame.event.get():
                if event.type == pygame.CONTROLLERDEVICEADDED:
                    pads.append(controller.Controller(event.device_index))
            log.write(f"{looked} {clock.now()}\n")
            stick = sum(pad.get_axis(pygame.CONTROLLER_AXIS_LEFTX) for pad in pads) / 32767
            if stick != shown:
                shown = stick
                level = round((max(min(stick, 1.0), -1.0) + 1) * 127.5)
                screen.fill((level, level, level))
                before = clock.now()
                pygame.display.flip()
                log.write(f"{before} {clock.now()} {stick}\n")
            time.sleep(0.001)


if __name__ == "__main__":
    main(sys.argv[1])
