"""``TaskEnv``: what every environment does alike, whatever game it is.

One step is 1/60 s of game time.  A subclass begins an episode, plays one step, and says how it
stands (``Standing``); here actions are checked, rewards and ends are made of what it says, and
every ``reset`` and ``step`` has the same keys in its info.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium import spaces

from nitropilot.controller.state import NO_BUTTONS, Button
from nitropilot.simulator.environments.actions import HIGH, LOW, pad_state
from nitropilot.simulator.environments.errors import BadSize, NoEpisode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nitropilot.controller.state import GamepadState
    from nitropilot.simulator.environments.second_judge import Disagreement

    Image = NDArray[np.uint8]

HZ = 60
NOT_HELD, IN_PROCESS = "none", "in process"
"""Ways to freeze that are none: the game runs on, or it has no time of its own."""
MOST_SEED = 2**31 - 1
LEAST_SIDE, MOST_SIDE = 8, 4096
"""Of an observation, in pixels."""


def sides(size: Any) -> tuple[int, int]:
    """Height and width of an observation that is asked for as a side, or as both.

    Raises:
        BadSize: It is something else, or too small or large.
    """
    both = (size, size) if isinstance(size, int | np.integer) else size
    whole = isinstance(both, tuple | list) and len(both) == 2
    if not whole or any(isinstance(side, bool) or not isinstance(side, int | np.integer)
                        or not LEAST_SIDE <= side <= MOST_SIDE for side in both):  # fmt: skip
        raise BadSize(
            f"an observation cannot have the size {size!r}",
            f"a side, or height and width: whole numbers from {LEAST_SIDE} to {MOST_SIDE}",
        )
    return int(both[0]), int(both[1])


class Measured(float):
    """Seconds of the machine's, not of the episode's: to compare two episodes sees no difference.

    Gymnasium's ``check_env`` wants the same info for the same actions, which no two measurements
    of time would be.
    """

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Measured) or float(self) == other

    def __hash__(self) -> int:
        return 0


@dataclass(frozen=True)
class Standing:
    """How an episode stands.

    Attributes:
        progress: 0 to 1, never falling.
        won, lost: Whether it is over, and how.
        facts: What the judge has read.
        frames: Pictures that the game drew in this step.
        steps: Sixtieths of a second that are over: more than 1 if the game did not wait.
        score, full_score: What the task counts, in its own unit, and how much of it wins; None
            where it counts nothing.
    """

    progress: float
    won: bool = False
    lost: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    frames: int = 1
    steps: int = 1
    score: float | None = None
    full_score: float | None = None


class TaskEnv(gymnasium.Env["Image", "NDArray[np.float32]"]):
    """One task of one game.

    Args:
        limit: Steps after which an episode is cut off.
        size: Height and width of the observation.
        render_mode: "rgb_array", "human" or None.
        allowed: Which of START and BACK do something.
        freeze: How the game is held still between two steps, in words.

    Attributes:
        observation_space: ``H x W x 3`` uint8, RGB.
        action_space: 20 numbers: see ``simulator.environments.actions``.
        standing: How the episode stands.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as Gymnasium declares it
        "render_modes": ["rgb_array", "human"], "render_fps": HZ, "deterministic": True,
    }  # fmt: skip

    def __init__(
        self,
        limit: int,
        size: tuple[int, int],
        render_mode: str | None = None,
        allowed: Button = NO_BUTTONS,
        freeze: str = "",
    ) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(
                f"there is no render_mode {render_mode!r}: there are "
                f"{', '.join(self.metadata['render_modes'])} and None"
            )
        self.observation_space = spaces.Box(0, 255, (*size, 3), np.uint8)
        self.action_space = spaces.Box(LOW, HIGH, dtype=np.float32)
        self.render_mode = render_mode
        self._limit, self._allowed, self._freeze = limit, allowed, freeze
        self._steps = -1
        self._over = "has not begun"
        self.standing = Standing(0.0)
        self._progress = 0.0
        self._returned = time.perf_counter()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Image, dict[str, Any]]:
        """Begin an episode at the task's start state.

        Args:
            seed: Of all chance in it; None takes another one each time.
            options: None are known.

        Raises:
            SimulatorError: The game cannot be started.
        """
        super().reset(seed=seed)
        if options:
            raise ValueError(f"unknown options: {', '.join(map(str, options))}")
        if seed is None:
            seed = int(self.np_random.integers(MOST_SEED))
        began = time.perf_counter()
        self._over = "could not be begun"
        standing = self._begin(seed)
        self._steps, self._progress = 0, standing.progress
        told = self._told(standing, began)
        self._over = ""
        return told

    def step(self, action: NDArray[np.float32]) -> tuple[Image, float, bool, bool, dict[str, Any]]:
        """Play 1/60 s.

        Returns:
            The picture after it; the rise of ``progress``; whether the task is won or lost;
            whether its time is over; info.

        Raises:
            BadAction: The action is none; nothing is pressed, and the episode goes on.
            NoEpisode: ``reset`` has to begin one.
            SimulatorError: The game failed; the episode is void.
        """
        if self._over:
            raise NoEpisode(f"the episode {self._over}", "call reset first")
        state = pad_state(action, self._allowed)
        began = time.perf_counter()
        try:
            standing = self._play(state)
            self._steps = min(self._steps + standing.steps, self._limit)
            reward = max(standing.progress - self._progress, 0.0)
            self._progress = max(standing.progress, self._progress)
            frame, info = self._told(standing, began)
        except BaseException:
            self._over = "is void: the game failed"
            raise
        terminated = standing.won or standing.lost
        truncated = not terminated and self._steps >= self._limit
        if terminated or truncated:
            self._over = "is over"
        return frame, reward, terminated, truncated, info

    def close(self) -> None:
        """End the episode, and let go of what belongs to it.  Safe to call twice."""
        self._over = "was closed"

    @property
    def disagreements(self) -> Sequence[Disagreement]:
        """Where the picture showed something else than the game said, in this episode."""
        return ()

    @property
    def stands(self) -> bool:
        """Whether something holds the game still while the caller thinks."""
        return self._freeze not in (NOT_HELD, IN_PROCESS)

    def render(self) -> Any:
        """The picture, ``H x W x 3`` uint8, for ``rgb_array``; for ``human`` it is in a window."""
        if self.render_mode == "rgb_array":
            return self._picture()
        return None

    def _told(self, standing: Standing, began: float) -> tuple[Image, dict[str, Any]]:
        """Observation and info; the caller's time begins here."""
        self.standing = standing
        picture = self._picture()
        now = time.perf_counter()
        info = {
            "game_time": self._steps / HZ,
            "progress": self._progress,
            "success": standing.won,
            "judge": standing.facts,
            "freeze": self._freeze,
            "frames": standing.frames,
            "wall_time": Measured(now - began),
            "delay": Measured(began - self._returned if self._steps else 0.0),
        }
        self._returned = now
        return picture, info

    @abstractmethod
    def _begin(self, seed: int) -> Standing:
        """Begin an episode."""

    @abstractmethod
    def _play(self, state: GamepadState) -> Standing:
        """Play one step."""

    @abstractmethod
    def _picture(self) -> Image:
        """What the game shows now, in the observation's size."""
