"""A game in its window, with a virtual pad of SDL's that plays a trace: run by ``test_window``.

The pad is set before each step, in the numbers of the pad page; everything after that is the way
of every real pad: SDL's events, its mapping, pygame's controller.  One line on stdout for each
picture: digests of what the game painted and of what the window has.  After the last one it stays
until stdin ends, so that the window can be looked at.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pygame

from nitropilot.simulator.arcade.game import Game
from nitropilot.simulator.arcade.paint.texture import pixels_of
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.arcade.window import Window

GAME_CONTROLLER = 1
BUTTONS = 15
"""As SDL's controllers number them."""


def sdl() -> ctypes.CDLL:
    """The very SDL that pygame has loaded."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    path = next(line.split()[-1] for line in maps if "libSDL2-2" in line)
    library = ctypes.CDLL(path)
    library.SDL_JoystickOpen.restype = ctypes.c_void_p
    library.SDL_JoystickSetVirtualAxis.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_int16)
    library.SDL_JoystickSetVirtualButton.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_uint8)
    return library


class VirtualPad:
    """SDL's own virtual joystick, of a game controller's kind."""

    def __init__(self) -> None:
        self.sdl = sdl()
        index = self.sdl.SDL_JoystickAttachVirtual(GAME_CONTROLLER, 6, BUTTONS, 0)
        assert index >= 0, "SDL makes no virtual joystick"
        self.joystick = self.sdl.SDL_JoystickOpen(index)

    def set(self, axes: list[int], buttons: list[int]) -> None:
        """Axes in SDL's order, -32768 to 32767, and numbers of the buttons that are down."""
        for axis, value in enumerate(axes):
            assert self.sdl.SDL_JoystickSetVirtualAxis(self.joystick, axis, value) == 0
        for button in range(BUTTONS):
            down = button in buttons
            assert self.sdl.SDL_JoystickSetVirtualButton(self.joystick, button, down) == 0


def digest(surface: pygame.Surface) -> str:
    """Of a picture's pixels."""
    return hashlib.sha256(np.ascontiguousarray(pixels_of(surface)).tobytes()).hexdigest()[:16]


def of_window(window: Window) -> str:
    """Of the window's pixels, one of each square of four."""
    pixels = pygame.surfarray.array3d(window.screen).swapaxes(0, 1)
    assert all(np.array_equal(pixels[::2, ::2], pixels[y::2, x::2]) for y in (0, 1) for x in (0, 1))
    return hashlib.sha256(np.ascontiguousarray(pixels[::2, ::2]).tobytes()).hexdigest()[:16]


def main(name: str, seed: int, trace: list[dict[str, Any]]) -> None:
    """Play it."""
    task = TASKS[name]
    game = Game(task.rules.name)
    game.reset(seed, task.level)
    window = Window(game)
    pad = VirtualPad()
    pad.set([0, 0, 0, 0, -32768, -32768], [])
    while not window.pads:
        assert window.poll()
    for step in trace:
        pad.set(step["axes"], step["buttons"])
        assert window.poll()
        print(digest(window.step()), of_window(window))
    print(json.dumps(game.state()), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text()))
