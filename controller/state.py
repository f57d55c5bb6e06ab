"""``GamepadState``: everything an Xbox 360 pad can say at one moment.

Conventions are XInput's: sticks in [-1, 1] with y growing **upward**, triggers
in [0, 1], buttons as a set of flags.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntFlag
from typing import NamedTuple


class Button(IntFlag):
    """The buttons of an Xbox 360 pad; values are XInput's ``wButtons`` bits."""

    DPAD_UP = 0x0001
    DPAD_DOWN = 0x0002
    DPAD_LEFT = 0x0004
    DPAD_RIGHT = 0x0008
    START = 0x0010
    BACK = 0x0020
    LEFT_THUMB = 0x0040
    RIGHT_THUMB = 0x0080
    LEFT_SHOULDER = 0x0100
    RIGHT_SHOULDER = 0x0200
    GUIDE = 0x0400
    A = 0x1000
    B = 0x2000
    X = 0x4000
    Y = 0x8000


NO_BUTTONS = Button(0)


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(float(value), low), high) if value == value else 0.0


@dataclass(frozen=True)
class GamepadState:
    """One pad state; out-of-range values are clipped and NaN becomes rest.

    Attributes:
        left: Left stick ``(x, y)`` in [-1, 1], y up.
        right: Right stick ``(x, y)`` in [-1, 1], y up.
        left_trigger: 0 (released) to 1 (pulled).
        right_trigger: 0 (released) to 1 (pulled).
        buttons: Flags of the pressed buttons.
    """

    left: tuple[float, float] = (0.0, 0.0)
    right: tuple[float, float] = (0.0, 0.0)
    left_trigger: float = 0.0
    right_trigger: float = 0.0
    buttons: Button = NO_BUTTONS

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        for stick in ("left", "right"):
            x, y = getattr(self, stick)
            set_(self, stick, (_clamp(x, -1.0, 1.0), _clamp(y, -1.0, 1.0)))
        for trigger in ("left_trigger", "right_trigger"):
            set_(self, trigger, _clamp(getattr(self, trigger), 0.0, 1.0))

    @property
    def is_neutral(self) -> bool:
        """Whether nothing is pressed, pulled or pushed."""
        return self == NEUTRAL


NEUTRAL = GamepadState()
"""Sticks centred, triggers released, no button pressed."""


AXIS_CONTROLS = {
    "left_stick": "left",
    "right_stick": "right",
    "left_trigger": "left_trigger",
    "right_trigger": "right_trigger",
}
"""Names of sticks and triggers, and the parts of a ``GamepadState`` that they are."""


class Limits(NamedTuple):
    """What is masked: buttons, and names of sticks and triggers."""

    buttons: Button
    axes: tuple[str, ...]

    def moved(self, state: GamepadState) -> list[str]:
        """The masked sticks and triggers that are not at rest."""
        parts = ((name, AXIS_CONTROLS[name]) for name in self.axes)
        return [name for name, part in parts if getattr(state, part) != getattr(NEUTRAL, part)]

    def mask(self, state: GamepadState) -> GamepadState:
        """``state`` without what is masked."""
        if state.buttons & self.buttons:
            state = replace(state, buttons=state.buttons & ~self.buttons)
        for name in self.moved(state):
            part = AXIS_CONTROLS[name]
            state = replace(state, **{part: getattr(NEUTRAL, part)})
        return state


NO_LIMITS = Limits(NO_BUTTONS, ())
