"""``Stage``: an environment in which an episode is played, and what of it is written down."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.controller.state import NO_BUTTONS
from nitropilot.simulator.benchmark.policies.info import info_at
from nitropilot.simulator.environments.actions import WIDTH, pad_state
from nitropilot.simulator.environments.errors import NoEpisode, SimulatorError
from nitropilot.simulator.environments.task_env import HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nitropilot.simulator.benchmark.policies.answers import Actions
    from nitropilot.simulator.benchmark.runner.video import EpisodeVideo
    from nitropilot.simulator.environments.task_env import TaskEnv

REST: NDArray[np.float32] = np.zeros(WIDTH, np.float32)
"""The action of a pad that nobody touches."""


class GameFailed(SimulatorError):
    """The game failed, and no policy is to blame.

    Args:
        how: What records call it.
        message: What happened.
    """

    def __init__(self, how: str, message: str) -> None:
        super().__init__(message)
        self.how = how


NOT_STARTED, CRASHED, LAPSED = "game not started", "game crashed", "lapsed"


class Stage:
    """Plays one episode of an environment.

    Args:
        env: Of a task.
        seed: The game's.
        facts: What a policy may know of the episode; see ``policies.info``.
        video: Takes every picture; None for none.
        digest: Whether to digest all pictures.
        alive: Told after every step.

    Attributes:
        picture: The newest, ``H x W x 3`` uint8.
        over: Whether it is won, lost, or out of time.
        end: "won", "lost" or "limit", when it is over.
        steps: That were played.
        frames: Pictures that the game drew.
        progress: 0 to 1.
        judged: What the judge has read.
        freezes, frozen_seconds: How often the game was held still, and for how long together.
        actions: All that were played.

    Raises:
        GameFailed: It cannot be started.
    """

    def __init__(
        self,
        env: TaskEnv,
        seed: int,
        facts: dict[str, Any],
        video: EpisodeVideo | None = None,
        digest: bool = False,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self.env = env
        self._facts, self._video, self._alive = facts, video, alive
        self._digest = hashlib.sha256() if digest else None
        self.over, self.end = False, ""
        self.steps = self.frames = 0
        self.progress = 0.0
        self.judged: dict[str, Any] = {}
        self.freezes, self.frozen_seconds = 0, 0.0
        self.actions: list[NDArray[np.float32]] = []
        try:
            self.picture, info = env.reset(seed=seed)
        except Exception as error:
            raise GameFailed(NOT_STARTED, _told(error)) from error
        self._note(info)

    @property
    def info(self) -> dict[str, Any]:
        """What a policy may know now."""
        return info_at(self._facts, self.steps)

    @property
    def digest(self) -> str | None:
        """SHA-256 over all pictures so far; None where not asked for."""
        return self._digest.hexdigest() if self._digest else None

    @property
    def trace(self) -> Actions:
        """``steps x 20``: all that was played."""
        return np.array(self.actions, np.float32).reshape(-1, WIDTH)

    def step(self, action: NDArray[np.float32]) -> None:
        """Play 1/60 s.

        Raises:
            GameFailed: The game failed.
        """
        try:
            self.picture, _, terminated, truncated, info = self.env.step(action)
        except NoEpisode as error:  # the machine was too busy: the game did nothing wrong
            raise GameFailed(LAPSED, _told(error)) from error
        except Exception as error:
            raise GameFailed(CRASHED, _told(error)) from error
        self._count(action, round(info["game_time"] * HZ))
        if self.env.stands:
            self.freezes += 1
            self.frozen_seconds += float(info["delay"])
        self.over = terminated or truncated
        if self.over:
            self.end = "won" if info["success"] else "lost" if terminated else "limit"
        self._note(info)
        self._alive()
        if self._video is not None:
            self._video.put(self.picture, pad_state(action, NO_BUTTONS))

    def _count(self, action: NDArray[np.float32], steps: int) -> None:
        """A game that did not wait had the pad of before in the steps that were missed."""
        missed = max(steps - self.steps - 1, 0)
        before = self.actions[-1] if self.actions else REST
        self.actions += [before] * missed + [action]
        self.steps = len(self.actions)

    @property
    def scores(self) -> tuple[float | None, float | None]:
        """The task's own count, and that as a share of what wins; None where it counts nothing."""
        raw, full = self.env.standing.score, self.env.standing.full_score
        return raw, raw / full if raw is not None and full else None

    def _note(self, info: dict[str, Any]) -> None:
        self.frames += int(info["frames"])
        self.progress = float(info["progress"])
        self.judged = dict(info["judge"])
        if self._digest is not None:
            self._digest.update(self.picture.tobytes())


def _told(error: BaseException) -> str:
    """An error in one line."""
    said = error.line() if isinstance(error, SimulatorError) else f"{type(error).__name__}: {error}"
    return said[:1000]
