"""A game of the arcade in a window of its own, played with real gamepads.

The window shows the same picture as in process, each pixel as a square of ``scale`` pixels, and
steps the game exactly once for each picture that it presents.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from nitropilot.simulator.arcade.core.numbers import CANVAS
from nitropilot.simulator.arcade.core.pad import Raw, pad_of, read_controller
from nitropilot.simulator.arcade.core.world import HZ, Outcome
from nitropilot.simulator.arcade.game import Game

if TYPE_CHECKING:
    from collections.abc import Callable

    import pygame
    from pygame._sdl2 import controller

    from nitropilot.simulator.arcade.core.world import World

PAUSE = 75
"""Ticks between the end of a level and the next one."""


class Pace:
    """Sixty steps a second by the clock.  pygame's own waits whole milliseconds: 62 and a half."""

    def __init__(self) -> None:
        self._due = time.perf_counter()

    def wait(self) -> None:
        """Until the next step is due; who comes late by more than one goes on from now."""
        now = time.perf_counter()
        self._due = max(self._due + 1 / HZ, now)
        time.sleep(self._due - now)


class Window:
    """A window, the pads that are plugged in, and the game in it.

    Args:
        game: What is played; its level goes on from where it stands.
        scale: Pixels of the window for one of the picture.
    """

    def __init__(self, game: Game, scale: int = 2) -> None:
        os.environ.setdefault("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")
        # A picture that is ready needs no OpenGL, which without a card takes most of a core.
        os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
        import pygame
        from pygame._sdl2 import controller

        self.game = game
        pygame.display.init()
        controller.init()
        pygame.display.set_caption(f"NitroPilot {game.name.title()}")
        self.screen = pygame.display.set_mode((CANVAS * scale, CANVAS * scale))
        self.pads: dict[int, controller.Controller] = {}
        self.show()

    def poll(self) -> bool:
        """Hear of new pads; False once the window is to be closed."""
        import pygame
        from pygame._sdl2 import controller

        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                return False
            if event.type == pygame.CONTROLLERDEVICEADDED:
                pad = controller.Controller(event.device_index)
                self.pads[pad.id] = pad
            if event.type == pygame.CONTROLLERDEVICEREMOVED:
                self.pads.pop(event.instance_id, None)
        return True

    def read(self) -> list[Raw]:
        """What all pads say now."""
        return [read_controller(pad) for pad in self.pads.values()]

    def show(self) -> pygame.Surface:
        """Present the picture of now, and give it back as it is in process."""
        import pygame

        canvas = self.game.canvas()
        large = pygame.transform.scale(canvas, self.screen.get_size())
        self.screen.blit(large, (0, 0))
        pygame.display.flip()
        return canvas

    def advance(self) -> None:
        """One step with what the pads say; ``show`` presents it."""
        self.game.world.step(pad_of(self.read()))

    def step(self) -> pygame.Surface:
        """One step with what the pads say, and its picture."""
        self.advance()
        return self.show()

    def play(self, following: Callable[[World], World] | None = None) -> None:
        """Play in real time until the window is closed; a level's end begins the next one.

        Args:
            following: Which world comes after one that is over; None: the next seed's.
        """
        pace = Pace()
        rest = 0
        while self.poll():
            self.step()
            rest = rest + 1 if self.game.over else 0
            if rest > PAUSE:
                world = self.game.world
                self.game.start(following(world) if following else self._next(world))
                rest = 0
            pace.wait()

    def _next(self, world: World) -> World:
        """The same level of another seed, and after a win one level up."""
        level = min(world.level + (world.outcome is Outcome.WON), 2)
        return self.game.rules.new(world.seed + 1, level)
