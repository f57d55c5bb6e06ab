"""Play a kept pad trace again, in a new process of its game: admission's proof, and CI's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.environments.actions import action_of
from nitropilot.simulator.environments.arcade_window import ArcadeWindowEnv
from nitropilot.simulator.environments.game_env import GameEnv
from nitropilot.simulator.games.known import GAME_TASKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.simulator.games.traces import PadTrace


@dataclass(frozen=True)
class Replayed:
    """What came of it.

    Attributes:
        won: Whether the task was won.
        progress: Where it ended.
        steps: How many were played.
        facts: What the judge read at the end.
        digests: One for every picture, that of ``reset`` first.
    """

    won: bool
    progress: float
    steps: int
    facts: dict[str, Any]
    digests: tuple[str, ...]


def replay(
    trace: PadTrace, before: Callable[[int], None] | None = None, track: str | None = None
) -> Replayed:
    """Launch the game and play a trace to its end, or to the episode's.

    Args:
        trace: The trace.
        before: Called before every step with its number, from 0: to dawdle.
        track: As ``GameEnv``.

    Raises:
        SimulatorError: The game is not to be had, or failed.
    """
    env = _opened(trace.task, track)
    try:
        picture, info = env.reset(seed=trace.seed)
        digests = [_digest(picture)]
        for number, state in enumerate(trace.states):
            if before is not None:
                before(number)
            picture, _, terminated, truncated, info = env.step(action_of(state))
            digests.append(_digest(picture))
            if terminated or truncated:
                break
        return Replayed(
            info["success"], info["progress"], len(digests) - 1, info["judge"], tuple(digests)
        )
    finally:
        env.close()


def _opened(task: str, track: str | None) -> GameEnv:
    """In the size in which nothing of the picture is lost."""
    if task in TASKS:
        return ArcadeWindowEnv(task, track=track)
    setting = GAME_TASKS[task][0].setting
    assert setting is not None
    width, height = setting.size
    return GameEnv(task, size=(height, width), track=track)


def _digest(picture: Any) -> str:
    return hashlib.blake2b(picture.tobytes(), digest_size=8).hexdigest()
