"""A game of the arcade in process: no window, no clock, one call for one step.

    game = Game("runner")
    game.reset(seed=7, level=1)
    while game.outcome is Outcome.PLAYING:
        frame = game.draw()          # 256 x 256 x 3 uint8, RGB
        game.step(GamepadState(left=(1.0, 0.0)))

The same seed and the same pads give the same frames, here and in the game's window.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

from nitropilot.errors import NitroPilotError
from nitropilot.simulator.arcade.core.numbers import CANVAS
from nitropilot.simulator.arcade.core.pad import pad
from nitropilot.simulator.arcade.core.places import chart
from nitropilot.simulator.arcade.core.world import Outcome
from nitropilot.simulator.arcade.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pygame
    from numpy.typing import NDArray

    from nitropilot.controller.state import GamepadState
    from nitropilot.simulator.arcade.core.places import Place
    from nitropilot.simulator.arcade.core.world import World

LEVELS = 3


class ArcadeError(NitroPilotError):
    """A game, a level or a size that there is not, or a step that cannot be made."""


class Painter(Protocol):
    """Paints the worlds of one level."""

    def paint(self, canvas: pygame.Surface, world: Any) -> None:
        """The picture of a world, from nothing else."""


def painter_of(game: str, world: World) -> Painter:
    """The painter of a game's level; here pygame is loaded."""
    module = importlib.import_module(f"nitropilot.simulator.arcade.games.{game}.painter")
    made: Painter = getattr(module, f"{game.title()}Painter")(world)
    return made


def places_of(game: str, world: World) -> Iterator[Place]:
    """What is where in the picture of a game's world."""
    module = importlib.import_module(f"nitropilot.simulator.arcade.games.{game}.places")
    found: Iterator[Place] = module.places(world)
    return found


class Game:
    """One of the five games.

    Args:
        name: "runner", "arena", "maze", "road" or "pulse".

    Raises:
        ArcadeError: There is no such game.
    """

    def __init__(self, name: str) -> None:
        if name not in RULES:
            raise ArcadeError(f"there is no game {name!r}", f"games are {', '.join(RULES)}")
        self.name = name
        self.rules = RULES[name]
        self.reset(0, 0)

    def reset(self, seed: int, level: int = 0) -> None:
        """Begin a level; the same seed gives the same one.

        Args:
            seed: 0 or more.
            level: 0 to 2, harder and harder.

        Raises:
            ArcadeError: There is no such level, or the seed is negative.
        """
        if level not in range(LEVELS):
            raise ArcadeError(f"{self.name} has no level {level}", f"levels are 0 to {LEVELS - 1}")
        if seed < 0:
            raise ArcadeError(f"the seed is {seed}", "a seed is 0 or more")
        self.start(self.rules.new(seed, level))

    def start(self, world: World) -> None:
        """Begin with a world that was made elsewhere."""
        self.world = world
        self._painter: Painter | None = None
        self._canvas: pygame.Surface | None = None

    def step(self, state: GamepadState) -> None:
        """Go on by 1/60 s with the pad in this state.

        Raises:
            ArcadeError: The level is over.
        """
        if self.outcome is not Outcome.PLAYING:
            raise ArcadeError(f"the level is {self.outcome.value} already", "reset the game first")
        self.world.step(pad(state))

    def draw(self, size: int = CANVAS) -> NDArray[np.uint8]:
        """The picture as it is now, ``size x size x 3`` RGB; smaller ones are averaged.

        Raises:
            ArcadeError: The size is not in 16 to 1024.
        """
        from nitropilot.simulator.arcade.paint.texture import pixels_of

        if not 16 <= size <= 4 * CANVAS:
            raise ArcadeError(f"a picture of {size} px", f"sizes are 16 to {4 * CANVAS}")
        pixels = pixels_of(self.canvas())
        if size == CANVAS:
            return pixels
        way = cv2.INTER_AREA if size < CANVAS else cv2.INTER_NEAREST
        return np.asarray(cv2.resize(pixels, (size, size), interpolation=way), np.uint8)

    def places(self, side: int = 16) -> NDArray[np.bool_]:
        """What is where in the picture as it is now: ``Kind x side x side`` (``core.places``)."""
        return chart(places_of(self.name, self.world), side)

    def canvas(self) -> pygame.Surface:
        """The picture as it is now, as pygame's surface; the next call paints over it."""
        from nitropilot.simulator.arcade.paint.texture import blank

        if self._painter is None or self._canvas is None:
            self._painter = painter_of(self.name, self.world)
            self._canvas = blank(CANVAS, CANVAS, (0, 0, 0))
        self._painter.paint(self._canvas, self.world)
        return self._canvas

    @property
    def outcome(self) -> Outcome:
        """Whether it is won or lost yet."""
        return self.world.outcome

    @property
    def progress(self) -> float:
        """0 to 1, by rungs; never falls."""
        return self.world.progress

    @property
    def over(self) -> bool:
        """Whether it is won or lost."""
        return self.outcome is not Outcome.PLAYING

    def state(self) -> dict[str, Any]:
        """All that a judge or a script may want to know, as plain values (JSON)."""
        return {"game": self.name, "level": self.world.level, "seed": self.world.seed,
                **self.world.state()}  # fmt: skip

    def expert(self) -> GamepadState:
        """What the game's script would press now."""
        return self.rules.expert(self.world)
