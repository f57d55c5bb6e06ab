"""What a game sees: SDL opens the first controller and answers each input line with its state.

Run in the guest as ``python -m tests.uinput_vm.sdl_reader``.  The first line of
output describes the controller; after that one JSON line comes back per line read.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ |= {
    "SDL_VIDEODRIVER": "dummy",
    "SDL_AUDIODRIVER": "dummy",
    "SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS": "1",
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
}

import pygame
from pygame._sdl2 import controller

FIND_TIMEOUT_S = 60.0
BUTTONS = {
    name: getattr(pygame, f"CONTROLLER_BUTTON_{name}")
    for name in (
        "A", "B", "X", "Y", "BACK", "GUIDE", "START", "LEFTSTICK", "RIGHTSTICK", "LEFTSHOULDER",
        "RIGHTSHOULDER", "DPAD_UP", "DPAD_DOWN", "DPAD_LEFT", "DPAD_RIGHT",
    )
}  # fmt: skip
AXES = {
    name: getattr(pygame, f"CONTROLLER_AXIS_{name}")
    for name in ("LEFTX", "LEFTY", "RIGHTX", "RIGHTY", "TRIGGERLEFT", "TRIGGERRIGHT")
}


def find_controller() -> controller.Controller:
    pygame.display.init()
    controller.init()
    deadline = time.monotonic() + FIND_TIMEOUT_S
    while not any(controller.is_controller(i) for i in range(controller.get_count())):
        if time.monotonic() > deadline:
            sys.exit(f"SDL found no controller within {FIND_TIMEOUT_S:.0f} s")
        pygame.event.pump()
        time.sleep(0.05)
    first = next(i for i in range(controller.get_count()) if controller.is_controller(i))
    return controller.Controller(first)


def identity(pad: controller.Controller) -> dict[str, object]:
    joystick = pad.as_joystick()
    return {
        "controller": pad.name,
        "joystick": joystick.get_name(),
        "guid": joystick.get_guid(),
        "axes": joystick.get_numaxes(),
        "buttons": joystick.get_numbuttons(),
        "hats": joystick.get_numhats(),
    }


def snapshot(pad: controller.Controller) -> dict[str, object]:
    pygame.event.pump()
    if not pad.attached():
        return {"attached": False}
    return {
        "attached": True,
        "buttons": [name for name, number in BUTTONS.items() if pad.get_button(number)],
        "axes": {name: pad.get_axis(number) for name, number in AXES.items()},
    }


def main() -> None:
    pad = find_controller()
    print(json.dumps(identity(pad)), flush=True)
    for line in sys.stdin:
        if line.strip() == "find":
            pad = find_controller()
        print(json.dumps(snapshot(pad)), flush=True)


if __name__ == "__main__":
    main()
