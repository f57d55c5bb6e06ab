"""From decoded policy actions to pad states.

The policy's tokens name positions (SOUTH is the bottom button) and its sticks
grow downward; a pad has Xbox letters and y up.  Triggers are buttons to the
policy, so they are pulled fully or not at all.  The four ``RIGHT_*`` direction
tokens have no XInput control: they flick the right stick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.controller.state import Button, GamepadState
from nitropilot.policy.actions import flicked

if TYPE_CHECKING:
    from nitropilot.policy.actions import DecodedChunk

TOKEN_BUTTONS: dict[str, Button] = {
    "BACK": Button.BACK,
    "DPAD_DOWN": Button.DPAD_DOWN,
    "DPAD_LEFT": Button.DPAD_LEFT,
    "DPAD_RIGHT": Button.DPAD_RIGHT,
    "DPAD_UP": Button.DPAD_UP,
    "EAST": Button.B,
    "GUIDE": Button.GUIDE,
    "LEFT_SHOULDER": Button.LEFT_SHOULDER,
    "LEFT_THUMB": Button.LEFT_THUMB,
    "NORTH": Button.Y,
    "RIGHT_SHOULDER": Button.RIGHT_SHOULDER,
    "RIGHT_THUMB": Button.RIGHT_THUMB,
    "SOUTH": Button.A,
    "START": Button.START,
    "WEST": Button.X,
}


def pad_states(chunk: DecodedChunk) -> list[GamepadState]:
    """One pad state per action of a decoded chunk, in playing order."""
    right = flicked(chunk).tolist()
    return [_pad_state(chunk, step, right[step]) for step in range(len(chunk.buttons))]


def _pad_state(chunk: DecodedChunk, step: int, right: list[float]) -> GamepadState:
    pressed = chunk.pressed(step)
    buttons = Button(0)
    for token in pressed & TOKEN_BUTTONS.keys():
        buttons |= TOKEN_BUTTONS[token]
    left_x, left_y = (float(v) for v in chunk.j_left[step])
    right_x, right_y = right
    return GamepadState(
        left=(left_x, -left_y),
        right=(right_x, -right_y),
        left_trigger=float("LEFT_TRIGGER" in pressed),
        right_trigger=float("RIGHT_TRIGGER" in pressed),
        buttons=buttons,
    )
