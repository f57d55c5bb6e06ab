"""The pad in whole numbers: the same however it comes."""

from __future__ import annotations

import pytest

from nitropilot.controller.state import NEUTRAL, Button, GamepadState
from nitropilot.simulator.arcade.core.pad import (
    DEAD_ZONE,
    FULL,
    REST,
    Raw,
    pad,
    pad_of,
    read_controller,
)


class Controller:
    """A controller as pygame shows it: axes in -32768..32767, buttons down or not."""

    def __init__(self, axes: dict[int, int], buttons: set[int]) -> None:
        self.axes = axes
        self.buttons = buttons

    def get_axis(self, axis: int) -> int:
        """SDL's value of an axis."""
        return self.axes.get(axis, 0)

    def get_button(self, button: int) -> bool:
        """Whether a button is down."""
        return button in self.buttons


def test_a_pad_at_rest_does_nothing() -> None:
    """A pad that drifts would make every frozen picture different."""
    assert pad(NEUTRAL) == REST
    assert pad(GamepadState(left=(0.19, -0.19), right=(0.1, 0.1), left_trigger=0.2)) == REST
    assert pad_of([]) == REST


@pytest.mark.parametrize("way", [-1.0, 1.0])
def test_sticks_are_alike_on_both_sides(way: float) -> None:
    """A game that is faster to the right than to the left is learned wrongly."""
    read = pad(GamepadState(left=(way, way), right=(way * 0.5, 0.0)))
    assert (read.x, read.y) == (way * FULL, way * FULL)
    assert read.aim_x == way * 127 or read.aim_x == way * 128
    assert abs(pad(GamepadState(left=(way * 0.21, 0.0))).x) >= DEAD_ZONE


def test_the_d_pad_is_a_stick_too() -> None:
    """Policies press either."""
    read = pad(GamepadState(buttons=Button.DPAD_LEFT | Button.DPAD_UP))
    assert (read.x, read.y) == (-FULL, FULL)
    both = pad(GamepadState(left=(1.0, 0.0), buttons=Button.DPAD_RIGHT))
    assert both.x == FULL


def test_triggers_are_pulled_or_not() -> None:
    """Half a pull counts, as a trigger of a policy is pressed above .5."""
    assert pad(GamepadState(right_trigger=0.5)).right_trigger
    assert not pad(GamepadState(right_trigger=0.3)).right_trigger
    assert pad(GamepadState(left_trigger=1.0)).left_trigger


def test_all_pads_play() -> None:
    """Every pad that is plugged in counts."""
    raws = [Raw(left_x=32767), Raw(buttons=Button.A), Raw(right_trigger=32767)]
    read = pad_of(raws)
    assert read.x == FULL
    assert read.down(Button.A)
    assert read.right_trigger


def test_a_real_pad_is_read_whole() -> None:
    """A button that is read as another one plays another game."""
    import pygame

    axes = {pygame.CONTROLLER_AXIS_LEFTX: -32767, pygame.CONTROLLER_AXIS_RIGHTY: 32767,
            pygame.CONTROLLER_AXIS_TRIGGERLEFT: 32767}  # fmt: skip
    raw = read_controller(Controller(axes, {pygame.CONTROLLER_BUTTON_X}))
    assert raw == Raw(left_x=-32767, right_y=32767, left_trigger=32767, buttons=Button.X)
    read = [read_controller(Controller({}, {number})).buttons for number in range(15)]
    assert sorted(read) == sorted(Button), "each of SDL's buttons is one of ours"
