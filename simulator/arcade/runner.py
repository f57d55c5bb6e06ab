"""Runner: a little side-scroller with a real window that reads a real SDL gamepad.

Run it with ``python -m nitropilot.simulator.arcade.runner``.  The left stick or the d-pad walks,
A jumps; the landscape scrolls under the walker, who stays in the middle.  The world
is drawn from the position alone, so the same play gives the same pictures.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pygame

SIZE = (640, 480)
FPS = 60
GROUND = 380
SKY = (92, 148, 220)
"""By which ``doctor`` knows its picture."""
WALK_SPEED = 4.0
JUMP_SPEED = 11.0
GRAVITY = 0.55
DEAD_ZONE = 0.2
WORLD = 8000
"""Width of the landscape in pixels; it repeats after that."""


class Pad(Protocol):
    """The part of pygame's controller that the game reads."""

    def get_axis(self, axis: int, /) -> int:
        """Value of an axis, -32768 to 32767."""

    def get_button(self, button: int, /) -> bool:
        """Whether a button is down."""


@dataclass
class Walker:
    """The player's figure: position in the world, height above ground, speed upward."""

    x: float = 0.0
    height: float = 0.0
    rising: float = 0.0

    def step(self, stick: float, jump: bool) -> None:
        """Advance one frame (1/60 s) with the stick in [-1, 1] and the jump button."""
        if abs(stick) > DEAD_ZONE:
            self.x += WALK_SPEED * stick
        if jump and self.height == 0:
            self.rising = JUMP_SPEED
        self.height = max(self.height + self.rising, 0.0)
        self.rising = self.rising - GRAVITY if self.height > 0 else 0.0


@dataclass(frozen=True)
class Thing:
    """Something that stands in the landscape: x, width, height and colour."""

    x: int
    width: int
    height: int
    colour: tuple[int, int, int]


def landscape(seed: int = 1) -> list[Thing]:
    """Towers and bushes along the whole world, the same for the same seed."""
    rng = random.Random(seed)
    return [
        Thing(
            x,
            rng.randint(24, 70),
            rng.randint(20, 240),
            (rng.randint(60, 230), rng.randint(60, 230), rng.randint(60, 230)),
        )
        for x in range(0, WORLD, 100)
    ]


def main() -> None:
    """Open the window and play until it is closed."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    os.environ.setdefault("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")
    # Two rectangles need no OpenGL, which without a graphics card takes most of a core.
    os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
    import pygame
    from pygame._sdl2 import controller

    pygame.display.init()
    controller.init()
    pygame.display.set_caption("NitroPilot Runner")
    screen = pygame.display.set_mode(SIZE)
    clock = pygame.time.Clock()
    walker, things = Walker(), landscape()
    pads: dict[int, controller.Controller] = {}
    while True:
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                return
            if event.type == pygame.CONTROLLERDEVICEADDED:
                pad = controller.Controller(event.device_index)
                pads[pad.id] = pad
            if event.type == pygame.CONTROLLERDEVICEREMOVED:
                pads.pop(event.instance_id, None)
        walker.step(*read_pads(pads.values()))
        draw(screen, walker, things)
        pygame.display.flip()
        clock.tick(FPS)


def read_pads(pads: Iterable[Pad]) -> tuple[float, bool]:
    """Walking direction in [-1, 1] and whether to jump, from all connected pads."""
    import pygame

    stick, jump = 0.0, False
    for pad in pads:
        stick += pad.get_axis(pygame.CONTROLLER_AXIS_LEFTX) / 32767
        stick += pad.get_button(pygame.CONTROLLER_BUTTON_DPAD_RIGHT)
        stick -= pad.get_button(pygame.CONTROLLER_BUTTON_DPAD_LEFT)
        jump = jump or bool(pad.get_button(pygame.CONTROLLER_BUTTON_A))
    return max(-1.0, min(1.0, stick)), jump


def draw(screen: pygame.Surface, walker: Walker, things: list[Thing]) -> None:
    """Paint the sky, the landscape around the walker, the ground and the walker."""
    import pygame

    screen.fill(SKY)
    pygame.draw.rect(screen, (84, 60, 40), (0, GROUND, SIZE[0], SIZE[1] - GROUND))
    for thing in things:
        x = (thing.x - walker.x) % WORLD
        x = x - WORLD if x > WORLD - 200 else x
        if x < SIZE[0]:
            box = (x, GROUND - thing.height, thing.width, thing.height)
            pygame.draw.rect(screen, thing.colour, box)
    for stripe in range(-80, SIZE[0] + 80, 80):
        x = stripe - walker.x % 80
        pygame.draw.rect(screen, (104, 78, 52), (x, GROUND + 20, 40, 60))
    top = GROUND - 48 - walker.height
    pygame.draw.rect(screen, (230, 40, 50), (SIZE[0] // 2 - 16, top, 32, 48), border_radius=6)
    pygame.draw.circle(screen, (255, 224, 189), (SIZE[0] // 2, int(top)), 13)


if __name__ == "__main__":
    main()
