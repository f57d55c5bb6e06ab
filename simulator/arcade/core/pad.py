"""The pad as the games read it: whole numbers, the same in process and through SDL.

A state is rounded as the pad page and SDL round it, so a game that is stepped in process with a
``GamepadState`` reads the very numbers that its window reads from a real gamepad.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from nitropilot.controller.state import NO_BUTTONS, Button

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nitropilot.controller.state import GamepadState

FULL = 256
"""A stick at its edge."""
DEAD_ZONE = 51
"""A stick that is moved less, a fifth, is at rest."""
EDGE = 32767
"""A stick at its edge, in SDL's numbers."""
PULLED = 12000
"""From here on a trigger counts as pulled."""


class Pad(NamedTuple):
    """What a game reads of a pad at one tick.

    Attributes:
        x: Left stick and d-pad together, -256 to 256.
        y: The same upward.
        aim_x: Right stick, -256 to 256.
        aim_y: The same upward.
        buttons: Buttons that are down.
        left_trigger: Whether it is pulled.
        right_trigger: Whether it is pulled.
    """

    x: int = 0
    y: int = 0
    aim_x: int = 0
    aim_y: int = 0
    buttons: Button = NO_BUTTONS
    left_trigger: bool = False
    right_trigger: bool = False

    def down(self, *buttons: Button) -> bool:
        """Whether any of these buttons is down."""
        return any(self.buttons & button for button in buttons)


REST = Pad()


class Raw(NamedTuple):
    """A pad in SDL's numbers: sticks -32768 to 32767 with y down, triggers 0 to 32767."""

    left_x: int = 0
    left_y: int = 0
    right_x: int = 0
    right_y: int = 0
    left_trigger: int = 0
    right_trigger: int = 0
    buttons: Button = NO_BUTTONS


def raw_of(state: GamepadState) -> Raw:
    """What SDL's controller would say of this state."""
    (left_x, left_y), (right_x, right_y) = state.left, state.right
    return Raw(
        round(left_x * EDGE),
        round(-left_y * EDGE),
        round(right_x * EDGE),
        round(-right_y * EDGE),
        round(state.left_trigger * 65535) * EDGE // 65535,
        round(state.right_trigger * 65535) * EDGE // 65535,
        state.buttons,
    )


def pad_of(raws: Iterable[Raw]) -> Pad:
    """All connected pads as one: what is pushed adds up, what is down on any is down."""
    x = y = aim_x = aim_y = 0
    buttons = NO_BUTTONS
    left = right = False
    for raw in raws:
        x += _stick(raw.left_x)
        y -= _stick(raw.left_y)
        aim_x += _stick(raw.right_x)
        aim_y -= _stick(raw.right_y)
        buttons |= raw.buttons
        left = left or raw.left_trigger >= PULLED
        right = right or raw.right_trigger >= PULLED
    x += FULL * (bool(buttons & Button.DPAD_RIGHT) - bool(buttons & Button.DPAD_LEFT))
    y += FULL * (bool(buttons & Button.DPAD_UP) - bool(buttons & Button.DPAD_DOWN))
    return Pad(_within(x), _within(y), _within(aim_x), _within(aim_y), buttons, left, right)


def pad(state: GamepadState) -> Pad:
    """What a game reads of one pad in this state."""
    return pad_of([raw_of(state)])


def _stick(value: int) -> int:
    steps = min(abs(value), EDGE) * FULL // EDGE
    steps = 0 if steps < DEAD_ZONE else steps
    return steps if value > 0 else -steps


def _within(value: int) -> int:
    return max(-FULL, min(FULL, value))


class Controller(Protocol):
    """The part of pygame's controller that the arcade reads."""

    def get_axis(self, axis: int, /) -> int:
        """Value of an axis: sticks -32768 to 32767, triggers 0 to 32767."""

    def get_button(self, button: int, /) -> bool:
        """Whether a button is down."""


def read_controller(controller: Controller) -> Raw:
    """What a real pad says now."""
    import pygame

    buttons = NO_BUTTONS
    for button in Button:
        number = getattr(pygame, f"CONTROLLER_BUTTON_{_SDL_NAMES.get(button, button.name)}")
        if controller.get_button(number):
            buttons |= button
    axis = controller.get_axis
    return Raw(
        axis(pygame.CONTROLLER_AXIS_LEFTX),
        axis(pygame.CONTROLLER_AXIS_LEFTY),
        axis(pygame.CONTROLLER_AXIS_RIGHTX),
        axis(pygame.CONTROLLER_AXIS_RIGHTY),
        axis(pygame.CONTROLLER_AXIS_TRIGGERLEFT),
        axis(pygame.CONTROLLER_AXIS_TRIGGERRIGHT),
        buttons,
    )


_SDL_NAMES = {
    Button.LEFT_THUMB: "LEFTSTICK",
    Button.RIGHT_THUMB: "RIGHTSTICK",
    Button.LEFT_SHOULDER: "LEFTSHOULDER",
    Button.RIGHT_SHOULDER: "RIGHTSHOULDER",
}
