"""``Level``: one level, played by its game's own script, tick by tick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.controller.state import NEUTRAL
from nitropilot.simulator.arcade.core.numbers import CANVAS
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.demonstrations.bursts import Bursts
from nitropilot.simulator.environments.actions import action_of
from nitropilot.simulator.environments.arcade_env import ArcadeEnv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.controller.state import GamepadState
    from nitropilot.simulator.environments.task_env import Image

FIRST_LEVEL = 1_000_000
"""Seeds of levels that are taught begin here: those of the benchmark and of tests lie below."""


class Tick(NamedTuple):
    """One tick of play.

    Attributes:
        state: What was pressed in it.
        picture: What was shown at its end, ``H x W x 3``.
        taught: Whether it was the script, and not somebody else.
    """

    state: GamepadState
    picture: Image
    taught: bool


@dataclass
class Level:
    """What is played, and the chance in it; played once.

    Attributes:
        task: Its name, "runner-2".
        seed: Of the level.
        bursts: Of foreign input, if there are any.
        won: Whether the script won; known when all ticks are over.
    """

    task: str
    seed: int
    bursts: Bursts | None
    won: bool = False

    @classmethod
    def drawn(cls, task: str, seed: int, number: int, noisy: float) -> Level:
        """One of the levels that are taught.

        Args:
            task: Its name.
            seed: Of all levels.
            number: Which of them.
            noisy: Share of them with bursts of foreign input.
        """
        rng = np.random.default_rng((seed, number))
        level = FIRST_LEVEL + int(rng.integers(2**30))
        return cls(task, level, Bursts(rng) if rng.random() < noisy else None)

    @property
    def noisy(self) -> bool:
        """Whether somebody else has the pad now and then."""
        return self.bursts is not None

    @property
    def game(self) -> str:
        """The game's name."""
        return TASKS[self.task].rules.name

    def ticks(self, size: int = CANVAS) -> Iterator[Tick]:
        """All of it, from one tick of rest to its end.

        The rest is there so that what is shown first has a row before the first decision.

        Args:
            size: Side of the pictures in pixels.
        """
        env = ArcadeEnv(self.task, size)
        try:
            env.reset(seed=self.seed)
            state, taught, over = NEUTRAL, True, False
            while not over:
                picture, _, terminated, truncated, info = env.step(action_of(state))
                yield Tick(state, picture, taught)
                over = terminated or truncated
                other = self.bursts.next() if self.bursts is not None else None
                state, taught = (env.expert(), True) if other is None else (other, False)
            self.won = bool(info["success"])
        finally:
            env.close()
