"""An SDL program for the pad tests: prints what SDL tells it, one JSON line per request.

It reads words from stdin: ``read``, ``again`` (switch joysticks off and on),
``watch N`` (count the torn states until N have been seen), and ends with stdin.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")  # pygame calls its controller module experimental

import pygame  # noqa: E402
from pygame._sdl2 import controller as controllers  # noqa: E402


class Pad:
    """The first joystick, opened both plainly and as a game controller."""

    def __init__(self) -> None:
        self.open()

    def open(self) -> None:
        pygame.joystick.init()
        controllers.init()
        self.count = pygame.joystick.get_count()
        if self.count:
            self.stick = pygame.joystick.Joystick(0)
            self.controller = controllers.Controller(0)

    def open_again(self) -> None:
        controllers.quit()
        pygame.joystick.quit()
        self.open()

    def axes(self) -> list[int]:
        return [self.controller.get_axis(axis) for axis in range(6)]

    def read(self) -> dict[str, Any]:
        pygame.event.pump()
        if not self.count:
            return {"count": 0}
        return {
            "count": self.count,
            "name": self.stick.get_name(),
            "guid": self.stick.get_guid(),
            "is_controller": controllers.is_controller(0),
            "raw_axes": [round(self.stick.get_axis(axis) * 32768) for axis in range(6)],
            "raw_buttons": [
                i for i in range(self.stick.get_numbuttons()) if self.stick.get_button(i)
            ],
            "raw_hats": [self.stick.get_hat(i) for i in range(self.stick.get_numhats())],
            "axes": self.axes(),
            "buttons": [self.controller.get_button(button) for button in range(15)],
        }

    def watch(self, changes: int) -> dict[str, int]:
        """Both sticks must always show one value: the writer never sends two different."""
        torn = 0
        before = None
        while changes:
            pygame.event.pump()
            left, _, right, _, _, _ = self.axes()
            torn += left != right
            changes -= left != before
            before = left
        return {"torn": torn}


def answer(pad: Pad, words: list[str]) -> dict[str, Any]:
    if words[0] == "again":
        pad.open_again()
    if words[0] == "watch":
        return pad.watch(int(words[1]))
    return pad.read()


def main() -> None:
    pygame.display.init()
    pygame.display.set_mode((64, 64))
    pad = Pad()
    for line in sys.stdin:
        print(json.dumps(answer(pad, line.split())), flush=True)


main()
