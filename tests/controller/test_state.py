"""``GamepadState``: whatever a policy computes, a pad gets values it can take."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nitropilot.controller import NEUTRAL, NO_BUTTONS, Button, GamepadState

ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
ANY_STICK = st.tuples(ANY_FLOAT, ANY_FLOAT)


@given(ANY_STICK, ANY_STICK, ANY_FLOAT, ANY_FLOAT)
def test_every_value_ends_in_range(
    left: tuple[float, float], right: tuple[float, float], pull: float, other_pull: float
) -> None:
    """An axis out of range wraps around in a 16-bit report and turns full right into full left."""
    state = GamepadState(left, right, pull, other_pull)
    assert all(-1.0 <= value <= 1.0 for value in (*state.left, *state.right))
    assert all(0.0 <= value <= 1.0 for value in (state.left_trigger, state.right_trigger))


@given(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_values_in_range_are_kept(x: float, y: float, pull: float, other_pull: float) -> None:
    """Clipping that shifts good values would steer away from what the policy chose."""
    state = GamepadState((x, y), (y, x), pull, other_pull)
    assert (state.left, state.right) == ((x, y), (y, x))
    assert (state.left_trigger, state.right_trigger) == (pull, other_pull)


@pytest.mark.parametrize(
    ("value", "stick", "trigger"),
    [
        (math.nan, 0.0, 0.0),
        (math.inf, 1.0, 1.0),
        (-math.inf, -1.0, 0.0),
        (1.5, 1.0, 1.0),
        (-1.5, -1.0, 0.0),
        (1, 1.0, 1.0),
    ],
)
def test_out_of_range(value: float, stick: float, trigger: float) -> None:
    """NaN compares false with everything: a plain min/max lets it through or picks an end."""
    state = GamepadState((value, 0), (0, value), value, value)
    assert state == GamepadState((stick, 0.0), (0.0, stick), trigger, trigger)
    assert isinstance(state.left_trigger, float)


def test_default_is_neutral() -> None:
    """Stop, crash and takeover all send this one state."""
    assert GamepadState().is_neutral
    assert NEUTRAL.left == NEUTRAL.right == (0.0, 0.0)
    assert NEUTRAL.left_trigger == NEUTRAL.right_trigger == 0.0
    assert NEUTRAL.buttons == NO_BUTTONS


@pytest.mark.parametrize(
    "change",
    [
        {"left": (0.01, 0.0)},
        {"left": (0.0, -0.01)},
        {"right": (0.01, 0.0)},
        {"right": (0.0, -0.01)},
        {"left_trigger": 0.01},
        {"right_trigger": 0.01},
        *({"buttons": button} for button in Button),
    ],
    ids=str,
)
def test_anything_else_is_not_neutral(change: dict[str, object]) -> None:
    """A field that ``is_neutral`` forgets would be left pressed by whoever trusts it."""
    assert not dataclasses.replace(NEUTRAL, **change).is_neutral  # type: ignore[arg-type]


def test_state_cannot_change() -> None:
    """``NEUTRAL`` is shared by the whole process: one write to it would press a button for all."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        NEUTRAL.buttons = Button.A  # type: ignore[misc]


def test_buttons_are_xinput_bits() -> None:
    """The flags go to the driver as they are; XInput fixes their values."""
    assert {button.name: int(button) for button in Button} == {
        "DPAD_UP": 0x0001, "DPAD_DOWN": 0x0002, "DPAD_LEFT": 0x0004, "DPAD_RIGHT": 0x0008,
        "START": 0x0010, "BACK": 0x0020, "LEFT_THUMB": 0x0040, "RIGHT_THUMB": 0x0080,
        "LEFT_SHOULDER": 0x0100, "RIGHT_SHOULDER": 0x0200, "GUIDE": 0x0400,
        "A": 0x1000, "B": 0x2000, "X": 0x4000, "Y": 0x8000,
    }  # fmt: skip
