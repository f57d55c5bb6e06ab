"""The pad states that the guest sends, by name; both sides of the machine read this table."""

from __future__ import annotations

from nitropilot.controller import Button, GamepadState

PRESSES = {button.name or "": GamepadState(buttons=button) for button in Button}

PUSHES = {
    "left_right": GamepadState(left=(1.0, 0.0)),
    "left_left": GamepadState(left=(-1.0, 0.0)),
    "left_up": GamepadState(left=(0.0, 1.0)),
    "left_down": GamepadState(left=(0.0, -1.0)),
    "right_right": GamepadState(right=(1.0, 0.0)),
    "right_left": GamepadState(right=(-1.0, 0.0)),
    "right_up": GamepadState(right=(0.0, 1.0)),
    "right_down": GamepadState(right=(0.0, -1.0)),
    "left_trigger_full": GamepadState(left_trigger=1.0),
    "left_trigger_third": GamepadState(left_trigger=1 / 3),
    "left_trigger_most": GamepadState(left_trigger=2 / 3),
    "right_trigger_full": GamepadState(right_trigger=1.0),
    "right_trigger_third": GamepadState(right_trigger=1 / 3),
    "right_trigger_most": GamepadState(right_trigger=2 / 3),
    "half_way": GamepadState(left=(0.5, 0.5), right=(-0.5, -0.5)),
}

MIXES = {
    "diagonal_pad": GamepadState(buttons=Button.DPAD_UP | Button.DPAD_RIGHT),
    "everything": GamepadState(
        left=(-1.0, 1.0),
        right=(1.0, -1.0),
        left_trigger=1.0,
        right_trigger=1.0,
        buttons=Button.A | Button.X | Button.LEFT_SHOULDER | Button.DPAD_LEFT | Button.START,
    ),
}

CASES = {**PRESSES, **PUSHES, **MIXES}

KILLS = 20
"""Hands that are killed or stopped while they press everything."""
