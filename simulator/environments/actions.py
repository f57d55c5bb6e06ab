"""An environment's action: 20 numbers, and the pad state that they are.

The channels are those of ``policy.actions.ENVIRONMENT``: 16 buttons in [0, 1], in their order
(BACK, DPAD_DOWN, ... WEST), then left x, left y, right x, right y in [-1, 1].  Two things differ
from a policy's answer, because a game is played here and not predicted: **y grows upward**, as on
a pad, and triggers are analog.  Another button is pressed above 0.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.agent.pad.mapping import TOKEN_BUTTONS
from nitropilot.controller.state import NO_BUTTONS, Button, GamepadState
from nitropilot.policy.actions import ENVIRONMENT, PRESSED_ABOVE, DecodedChunk, Layout
from nitropilot.simulator.environments.errors import BadAction

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BUTTONS = ENVIRONMENT.tokens
WIDTH = ENVIRONMENT.width
LOW = np.array([0.0] * len(BUTTONS) + [-1.0] * 4, np.float32)
HIGH = np.ones(WIDTH, np.float32)
TRIGGERS = (BUTTONS.index("LEFT_TRIGGER"), BUTTONS.index("RIGHT_TRIGGER"))
MENUS = Button.START | Button.BACK
"""They do nothing unless a task allows them: they lead out of the game."""
_Y = (len(BUTTONS) + 1, len(BUTTONS) + 3)
_PRESSED = tuple(
    (place, TOKEN_BUTTONS[name]) for place, name in enumerate(BUTTONS) if name in TOKEN_BUTTONS
)


def pad_state(action: ArrayLike, allowed: Button = NO_BUTTONS) -> GamepadState:
    """The pad state of an action.

    Args:
        action: 20 finite numbers; what lies outside of its range is clipped.
        allowed: Which of START and BACK may be pressed.

    Raises:
        BadAction: It has another shape, or holds what is no finite number.
    """
    values = checked(action).tolist()
    left_x, left_y, right_x, right_y = values[len(BUTTONS) :]
    buttons = Button(0)
    for place, button in _PRESSED:
        if values[place] > PRESSED_ABOVE:
            buttons |= button
    left, right = (values[place] for place in TRIGGERS)
    return GamepadState((left_x, left_y), (right_x, right_y), left, right,
                        buttons & ~(MENUS & ~allowed))  # fmt: skip


def checked(action: Any) -> NDArray[np.float32]:
    """An action as float32, clipped to the space.

    Raises:
        BadAction: See ``pad_state``.
    """
    try:
        values = np.asarray(action, np.float32)
    except (TypeError, ValueError) as error:
        raise BadAction(f"an action is {action!r}", f"it is an array of {WIDTH} numbers") from error
    if values.shape != (WIDTH,):
        raise BadAction(f"an action has the shape {values.shape}", f"it is ({WIDTH},)")
    if not np.isfinite(values).all():
        place = int(np.flatnonzero(~np.isfinite(values))[0])
        raise BadAction(f"number {place} of an action is {values[place]}", "it has to be finite")
    return values.clip(LOW, HIGH)


def action_of(state: GamepadState) -> NDArray[np.float32]:
    """The action that gives a pad state; GUIDE is lost."""
    pressed = {button for _, button in _PRESSED if state.buttons & button}
    values = np.zeros(WIDTH, np.float32)
    for place, button in _PRESSED:
        values[place] = button in pressed
    values[list(TRIGGERS)] = state.left_trigger, state.right_trigger
    values[len(BUTTONS) :] = *state.left, *state.right
    return values


def actions_of(chunk: DecodedChunk) -> NDArray[np.float32]:
    """``T x 20``: a policy's decoded chunk as actions of an environment; y is turned round."""
    values = ENVIRONMENT.write(chunk)
    values[..., _Y] *= -1.0
    return values


def in_layout(action: ArrayLike, layout: Layout) -> NDArray[np.float32]:
    """An action in a policy's layout, y downward, triggers pulled or not; what it lacks is 0."""
    values = checked(action).copy()
    values[list(_Y)] *= -1.0
    written: NDArray[np.float32] = layout.write(ENVIRONMENT.read(values[None]))[0]
    return written
