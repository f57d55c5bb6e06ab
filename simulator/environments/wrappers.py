"""Other ways to act in an environment: by names, in a policy's layout, or held for longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium import spaces

from nitropilot.policy.actions import CHECKPOINT, Layout
from nitropilot.policy.errors import ObservationError
from nitropilot.simulator.environments.actions import BUTTONS, TRIGGERS, WIDTH, actions_of
from nitropilot.simulator.environments.errors import BadAction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Image = NDArray[np.uint8]
    Vector = NDArray[np.float32]
    Env = gymnasium.Env[Image, Vector]

_DIGITAL = tuple(name for place, name in enumerate(BUTTONS) if place not in TRIGGERS)
_STICKS = ("left_stick", "right_stick")


class NamedActions(gymnasium.ActionWrapper["Image", "Mapping[str, Any]", "Vector"]):
    """Actions by name: ``{"SOUTH": 1, "left_stick": [1.0, 0.0], "RIGHT_TRIGGER": [0.5]}``.

    Buttons are 0 or 1, triggers one number in [0, 1], sticks x and y in [-1, 1] with y up.  What is
    not named is at rest.
    """

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        kinds: dict[str, spaces.Space[Any]] = {name: spaces.Discrete(2) for name in _DIGITAL}
        kinds |= {BUTTONS[place]: spaces.Box(0.0, 1.0, (1,), np.float32) for place in TRIGGERS}
        kinds |= {name: spaces.Box(-1.0, 1.0, (2,), np.float32) for name in _STICKS}
        self.action_space = spaces.Dict(kinds)

    def action(self, action: Mapping[str, Any]) -> Vector:
        """The 20 numbers.

        Raises:
            BadAction: A name is unknown, or a value does not fit it.
        """
        values = np.zeros(WIDTH, np.float32)
        for name, value in action.items():
            place, size = self._place(name)
            given = np.asarray(value, np.float32).ravel()
            if given.size != size:
                raise BadAction(f"{name} is {value!r}", f"it takes {size} numbers")
            values[place : place + size] = given
        return values

    @staticmethod
    def _place(name: str) -> tuple[int, int]:
        if name in BUTTONS:
            return BUTTONS.index(name), 1
        if name in _STICKS:
            return len(BUTTONS) + 2 * _STICKS.index(name), 2
        raise BadAction(f"an action has no {name!r}", f"it has {', '.join((*BUTTONS, *_STICKS))}")


class PolicyActions(gymnasium.ActionWrapper["Image", "Vector", "Vector"]):
    """Actions as a policy answers them: 25 raw channels, or those of another layout."""

    def __init__(self, env: Env, layout: Layout = CHECKPOINT) -> None:
        super().__init__(env)
        self._layout = layout
        low = 0.0 if layout.halved else -1.0
        self.action_space = spaces.Box(low, 1.0, (layout.width,), np.float32)

    def action(self, action: Vector) -> Vector:
        """The 20 numbers.

        Raises:
            BadAction: It has another width, or holds what is no finite number.
        """
        try:
            decoded = self._layout.read(np.asarray(action, np.float32)[None])
        except ObservationError as error:
            raise BadAction(str(error), f"it has {self._layout.width} finite numbers") from error
        values: Vector = actions_of(decoded)[0]
        return values


class RepeatAction(gymnasium.Wrapper["Image", "Vector", "Image", "Vector"]):
    """Each action is played for several steps; rewards add up, and an end ends it.

    Args:
        env: An environment of ours.
        times: Steps, 1 or more.
    """

    def __init__(self, env: Env, times: int) -> None:
        if times < 1:
            raise ValueError(f"an action cannot be played {times} times: 1 or more")
        super().__init__(env)
        self._times = times

    def step(self, action: Vector) -> tuple[Image, float, bool, bool, dict[str, Any]]:
        """Play the action; ``frames`` of the info are those of all its steps."""
        total, frames = 0.0, 0
        for _ in range(self._times):
            picture, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            frames += info["frames"]
            if terminated or truncated:
                break
        return picture, total, terminated, truncated, info | {"frames": frames}
