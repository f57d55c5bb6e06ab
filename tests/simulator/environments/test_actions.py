"""What 20 numbers press."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nitropilot.agent.pad.mapping import pad_states
from nitropilot.controller.state import Button, GamepadState
from nitropilot.policy.actions import CHECKPOINT, ENVIRONMENT, decode
from nitropilot.simulator.environments.actions import (
    BUTTONS,
    WIDTH,
    action_of,
    actions_of,
    in_layout,
    pad_state,
)
from nitropilot.simulator.environments.errors import BadAction

UNIT = st.floats(-1, 1, width=32)
PULL = st.floats(0, 1, width=32)
STATES = st.builds(
    GamepadState,
    st.tuples(UNIT, UNIT),
    st.tuples(UNIT, UNIT),
    PULL,
    PULL,
    st.integers(0, 2**16 - 1).map(lambda bits: Button(bits & 0xF3FF & ~0x0400)),
)


def test_there_are_20() -> None:
    """16 buttons and 4 axes, in the order of docs/actions.md."""
    assert WIDTH == 20
    assert ENVIRONMENT.tokens == BUTTONS


@given(STATES)
def test_a_state_survives(state: GamepadState) -> None:
    """y grows upward at both ends."""
    again = pad_state(action_of(state), Button.START | Button.BACK)
    assert again.buttons == state.buttons
    assert np.allclose((*again.left, *again.right), (*state.left, *state.right))
    assert np.allclose(
        (again.left_trigger, again.right_trigger), (state.left_trigger, state.right_trigger)
    )


def test_menus_are_closed_unless_a_task_opens_them() -> None:
    """A START at random pauses a game, and it is never won."""
    action = np.zeros(WIDTH)
    action[[BUTTONS.index("START"), BUTTONS.index("BACK"), BUTTONS.index("SOUTH")]] = 1
    assert pad_state(action).buttons == Button.A
    assert pad_state(action, Button.START).buttons == Button.A | Button.START


def test_a_button_is_pressed_above_a_half() -> None:
    """Triggers are as far pulled as they are said to be."""
    action = np.full(WIDTH, 0.5)
    state = pad_state(action)
    assert state.buttons == Button(0)
    assert (state.left_trigger, state.right_trigger, state.left) == (0.5, 0.5, (0.5, 0.5))
    assert pad_state(action + 0.01).buttons != Button(0)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (np.zeros(25), r"the shape \(25,\)"),
        (np.zeros((1, 20)), r"the shape \(1, 20\)"),
        (np.full(20, np.nan), "number 0 of an action is nan"),
        ([0.0] * 19 + [float("inf")], "number 19 of an action is inf"),
        ("press A", "an action is 'press A'"),
        (None, "shape|number 0"),
    ],
)
def test_what_is_no_action(action: object, said: str) -> None:
    """One line that says what it was, and what it should be."""
    with pytest.raises(BadAction, match=said) as failure:
        pad_state(action)  # type: ignore[arg-type]
    assert failure.value.hint


def test_what_is_too_much_is_clipped() -> None:
    """A policy's noise overshoots."""
    assert pad_state(np.full(20, 7.0)).left == (1.0, 1.0)


def test_a_policys_answer_presses_the_same_in_an_environment_and_in_play() -> None:
    """What is measured here has to be what a player gets."""
    raw = np.random.default_rng(2).uniform(-0.2, 1.2, (64, 25)).astype(np.float32)
    decoded = decode(raw)
    played = pad_states(decoded)
    for action, state in zip(actions_of(decoded), played, strict=True):
        tried = pad_state(action, Button.START | Button.BACK)
        assert tried.buttons == state.buttons & ~Button.GUIDE
        assert np.allclose(tried.left, state.left)
        assert np.allclose(tried.right, state.right)
        assert (tried.left_trigger, tried.right_trigger) == (
            state.left_trigger, state.right_trigger,
        )  # fmt: skip


def test_an_action_in_a_policys_layout() -> None:
    """As training writes it down, y downward."""
    action = action_of(GamepadState(left=(0.25, 1.0), buttons=Button.A))
    decoded = CHECKPOINT.read(in_layout(action, CHECKPOINT)[None])
    assert decoded.pressed(0) == {"SOUTH"}
    assert np.allclose(decoded.j_left[0], (0.25, -1.0))
