"""One run: a launch, the script of pads by game time, and where the game was at each tick."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.simulator.environments.actions import action_of
from nitropilot.simulator.environments.task_env import HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.freeze.subjects import Subject
    from benchmarks.freeze.ways import Way


@dataclass(frozen=True)
class Run:
    """What came of it.

    Attributes:
        way: How it was held.
        times: Game time of each row, seconds, ``N``.
        values: What the game said then, ``N x Q``, in the order of ``Subject.read``.
        finish: Game time at its end, seconds.
        won: Whether the task was.
        ahead: Seconds by which the game's own steps ran ahead of the time that it was given; at
            most 0 but for a step, as a busy machine only holds them up.
        missed: Ticks whose pad came too late, as on a machine that is too busy.
        digest: Of all pictures and values, which in lockstep are the same each time.
    """

    way: Way
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    finish: float
    won: bool
    ahead: float
    missed: int
    digest: str

    def at(self, seconds: float) -> NDArray[np.float64]:
        """The values at a moment, ``Q``; of one that has ended, the last."""
        return np.array([np.interp(seconds, self.times, column) for column in self.values.T])


def play(subject: Subject, way: Way, seconds: float) -> Run:
    """Launch the game, hold it in that way, and press the script.

    Raises:
        SimulatorError: The game is not to be had, or failed.
    """
    env = subject.env(way)
    digest = hashlib.blake2b(digest_size=8)
    times, values, turns = [], [], []
    pads = subject.pads[: int(seconds * HZ)]
    try:
        picture, info = env.reset(seed=subject.seed)
        over = False
        while True:
            digest.update(picture.tobytes())
            times.append(info["game_time"])
            values.append(subject.values(info["judge"]))
            turns.append(int(info["judge"][subject.own]))
            tick = round(info["game_time"] * HZ)
            if over or tick >= len(pads):
                break
            picture, _, terminated, truncated, info = env.step(action_of(pads[tick]))
            over = terminated or truncated
        digest.update(repr(values).encode())
        table = np.array(values, np.float64)
        return Run(
            way,
            np.array(times),
            table,
            times[-1],
            bool(info["success"]),
            (turns[-1] - turns[0]) / subject.own_hz - times[-1],
            round(times[-1] * HZ) - (len(times) - 1),
            digest.hexdigest(),
        )
    finally:
        env.close()
