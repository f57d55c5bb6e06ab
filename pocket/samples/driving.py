"""A policy plays many levels side by side, so that it is asked about many pictures at once.

Each level is played as ``benchmark`` plays it in the paused track: a picture, a chunk, the first
of its actions, the next picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from nitropilot.pocket.samples.actions import states_of
from nitropilot.simulator.arcade.core.world import Outcome
from nitropilot.simulator.arcade.game import Game
from nitropilot.simulator.arcade.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nitropilot.policy.network.policy import Policy
    from nitropilot.simulator.arcade.core.world import World

WIDE = 48
"""Levels that are played at a time."""


@dataclass
class Level:
    """One level while it is played.

    Attributes:
        task: Its name.
        seed: Its seed.
        keep: Whether to keep what was seen and the worlds in which it was.
        patience: Decisions without any progress, after which it is left; None: never.
        frames: What was seen at each decision, ``S x S x 3``.
        worlds: Copies of the worlds there.
    """

    task: str
    seed: int
    keep: bool = False
    patience: int | None = None
    frames: list[NDArray[np.uint8]] = field(default_factory=list)
    worlds: list[World] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.limit = TASKS[self.task].ticks
        self.game = Game(TASKS[self.task].rules.name)
        self.game.reset(self.seed, TASKS[self.task].level)
        self._decided, self._best, self._since = 0, 0.0, 0

    @property
    def over(self) -> bool:
        """Won, lost, cut off, or left."""
        return self.game.over or self.game.world.tick >= self.limit or self._stuck

    @property
    def _stuck(self) -> bool:
        return self.patience is not None and self._decided - self._since > self.patience

    @property
    def won(self) -> bool:
        """Whether it is won."""
        return self.game.outcome is Outcome.WON

    def look(self, size: int) -> NDArray[np.uint8]:
        """The picture that decides."""
        picture = self.game.draw(size)
        self._decided += 1
        if self.game.progress > self._best:
            self._best, self._since = self.game.progress, self._decided
        if self.keep:
            self.frames.append(picture)
            self.worlds.append(self.game.world.clone())
        return picture

    def play(self, chunk: NDArray[np.float32]) -> None:
        """Play actions, ``n x 25``, until they or the level are over."""
        for state in states_of(chunk):
            if self.over:
                return
            self.game.step(state)


def drive(
    policy: Policy,
    levels: Iterator[Level],
    played: int,
    euler: int,
    generator: torch.Generator,
    wide: int = WIDE,
) -> Iterator[Level]:
    """Play levels, each of which comes back when it is over.

    Args:
        policy: What decides.
        levels: What is played; taken as there is room.
        played: Actions played of a chunk.
        euler: Euler steps of a chunk.
        generator: Of the noise.
        wide: How many are played at a time.
    """
    size = policy.image_size
    running: list[Level] = []
    while True:
        while len(running) < wide and (level := next(levels, None)) is not None:
            running.append(level)
        if not running:
            return
        pictures = np.stack([level.look(size) for level in running])
        images = torch.from_numpy(pictures).permute(0, 3, 1, 2)[:, None].float() * (2 / 255) - 1
        chunks = policy.sample(images, steps=euler, generator=generator).numpy()
        for level, chunk in zip(running, chunks, strict=True):
            level.play(chunk[:played])
        yield from [level for level in running if level.over]
        running = [level for level in running if not level.over]
