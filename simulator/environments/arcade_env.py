"""``ArcadeEnv``: a task of the arcade in process, without a window and without waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from nitropilot.simulator.arcade.core.numbers import CANVAS
from nitropilot.simulator.arcade.core.world import Outcome
from nitropilot.simulator.arcade.game import Game
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.environments.errors import UnknownTask
from nitropilot.simulator.environments.showing import PictureWindow
from nitropilot.simulator.environments.task_env import IN_PROCESS, Standing, TaskEnv, sides

if TYPE_CHECKING:
    from nitropilot.controller.state import GamepadState
    from nitropilot.simulator.arcade.tasks import Task
    from nitropilot.simulator.environments.task_env import Image

SCALE = 2
"""Pixels of the window of ``human``, each way, for one of the game's."""


class ArcadeEnv(TaskEnv):
    """One of the arcade's fifteen tasks.

    Args:
        task: "runner-1" to "pulse-3".
        size: Side of the observation, or height and width, in pixels.
        render_mode: "rgb_array", "human" (a window of its own) or None.

    Raises:
        UnknownTask: There is no such task.
        BadSize: The size is none.
    """

    def __init__(
        self, task: str, size: int | tuple[int, int] = CANVAS, render_mode: str | None = None
    ) -> None:
        self.task = task_of(task)
        super().__init__(self.task.ticks, sides(size), render_mode, freeze=IN_PROCESS)
        self._game = Game(self.task.rules.name)
        self._window = PictureWindow(f"NitroPilot {self.task.name}", SCALE)

    def expert(self) -> GamepadState:
        """What the game's script would press now: it reads the game's state."""
        return self._game.expert()

    def close(self) -> None:
        """Close the window of ``human``, if there is one."""
        super().close()
        self._window.close()

    def _begin(self, seed: int) -> Standing:
        self._game.reset(seed, self.task.level)
        return self._standing()

    def _play(self, state: GamepadState) -> Standing:
        self._game.step(state)
        if self.render_mode == "human":
            self._window.show(self._game.draw(CANVAS))
        return self._standing()

    def _standing(self) -> Standing:
        outcome, (climbed, rungs) = self._game.outcome, self._game.world.rungs()
        return Standing(
            self._game.progress,
            won=outcome is Outcome.WON,
            lost=outcome is Outcome.LOST,
            facts=self._game.state(),
            score=climbed,
            full_score=rungs,
        )

    def _picture(self) -> Image:
        height, width = self.observation_space.shape[:2]  # type: ignore[index]
        return in_size(self._game.draw(CANVAS), height, width)


def arcade_env(task: str, window: bool = False, **options: Any) -> TaskEnv:
    """A task of the arcade in process, or in a window of its own.

    Args:
        task: "runner-1" to "pulse-3".
        window: Whether it is launched, as a program with a window on a private display: slower,
            and step by step the same in lockstep.  ``options`` may then have ``track``.
        options: As ``ArcadeEnv`` and ``ArcadeWindowEnv`` take them.

    Raises:
        UnknownTask: There is no such task or track.
        BadSize: The size is none.
    """
    if window:
        from nitropilot.simulator.environments.arcade_window import ArcadeWindowEnv

        return ArcadeWindowEnv(task, **options)
    return ArcadeEnv(task, **options)


def task_of(name: str) -> Task:
    """A task of the arcade.

    Raises:
        UnknownTask: There is none of that name.
    """
    if name not in TASKS:
        raise UnknownTask(f"the arcade has no task {name!r}", f"tasks are {', '.join(TASKS)}")
    return TASKS[name]


def in_size(picture: Image, height: int, width: int) -> Image:
    """The arcade's own picture, averaged to a smaller size; in a larger one a pixel is a block."""
    if picture.shape[:2] == (height, width):
        return picture
    larger = height >= CANVAS and width >= CANVAS
    way = cv2.INTER_NEAREST if larger else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, (width, height), interpolation=way), np.uint8)
