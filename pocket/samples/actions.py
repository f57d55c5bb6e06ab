"""Pad states as the channels of a checkpoint, in whole numbers, and back again.

Pools hold a channel as a byte of 0 to 254, so that a stick at rest (0.5) is exactly 127.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nitropilot.policy.actions import CHECKPOINT, ENVIRONMENT, decode
from nitropilot.simulator.environments.actions import action_of, actions_of, pad_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nitropilot.controller.state import GamepadState
    from nitropilot.simulator.arcade.core.world import World
    from nitropilot.simulator.arcade.rules import Rules

FULL = 254
STICK_Y = (len(ENVIRONMENT.tokens) + 1, len(ENVIRONMENT.tokens) + 3)


def bytes_of(states: Sequence[GamepadState]) -> NDArray[np.uint8]:
    """``T x 25`` bytes of T pad states."""
    values = np.stack([action_of(state) for state in states])
    values[:, STICK_Y] *= -1.0
    channels = CHECKPOINT.write(ENVIRONMENT.read(values))
    return np.rint(channels * FULL).astype(np.uint8)


def channels_of(kept: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Channels in [0, 1] of bytes, whatever their shape."""
    return np.asarray(kept.astype(np.float32) / FULL, np.float32)


def states_of(chunk: NDArray[np.float32]) -> list[GamepadState]:
    """The pad states of a chunk, ``T x 25`` as the network answers it."""
    return [pad_state(action) for action in actions_of(decode(chunk))]


def plan(rules: Rules, world: World, count: int) -> list[GamepadState]:
    """What the script presses in the next ticks if nobody else does; the world stays as it is."""
    from nitropilot.simulator.arcade.core.pad import pad

    twin, states = world.clone(), []
    for _ in range(count):
        states.append(rules.expert(twin))
        twin.step(pad(states[-1]))
    return states
