"""From raw channels to buttons: the mapping and the guard."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.agent import AgentError, MenuGuard, parse_buttons
from nitropilot.agent.pad.guards import MENU_BUTTONS
from nitropilot.agent.pad.mapping import pad_states
from nitropilot.controller import NEUTRAL, NO_BUTTONS, Button, GamepadState
from nitropilot.policy.actions import TOKENS, decode

WANTED: dict[str, GamepadState] = {
    "BACK": GamepadState(buttons=Button.BACK),
    "DPAD_DOWN": GamepadState(buttons=Button.DPAD_DOWN),
    "DPAD_LEFT": GamepadState(buttons=Button.DPAD_LEFT),
    "DPAD_RIGHT": GamepadState(buttons=Button.DPAD_RIGHT),
    "DPAD_UP": GamepadState(buttons=Button.DPAD_UP),
    "EAST": GamepadState(buttons=Button.B),
    "GUIDE": GamepadState(buttons=Button.GUIDE),
    "LEFT_SHOULDER": GamepadState(buttons=Button.LEFT_SHOULDER),
    "LEFT_THUMB": GamepadState(buttons=Button.LEFT_THUMB),
    "LEFT_TRIGGER": GamepadState(left_trigger=1.0),
    "NORTH": GamepadState(buttons=Button.Y),
    "RIGHT_BOTTOM": GamepadState(right=(0.0, -1.0)),
    "RIGHT_LEFT": GamepadState(right=(-1.0, 0.0)),
    "RIGHT_RIGHT": GamepadState(right=(1.0, 0.0)),
    "RIGHT_SHOULDER": GamepadState(buttons=Button.RIGHT_SHOULDER),
    "RIGHT_THUMB": GamepadState(buttons=Button.RIGHT_THUMB),
    "RIGHT_TRIGGER": GamepadState(right_trigger=1.0),
    "RIGHT_UP": GamepadState(right=(0.0, 1.0)),
    "SOUTH": GamepadState(buttons=Button.A),
    "START": GamepadState(buttons=Button.START),
    "WEST": GamepadState(buttons=Button.X),
}


def press(*tokens: str, left: tuple[float, float] = (0, 0), right: tuple[float, float] = (0, 0)):  # type: ignore[no-untyped-def]
    """The pad state of one action with these tokens and sticks (y down, as the policy has it)."""
    buttons = [1.0 if token in tokens else 0.0 for token in TOKENS]
    sticks = [(value + 1) / 2 for value in (*left, *right)]
    (state,) = pad_states(decode(np.array([buttons + sticks], np.float32)))
    return state


def test_the_table_is_complete() -> None:
    """A token that the table lacks would never be pressed, and nobody would notice."""
    assert set(WANTED) == set(TOKENS)


@pytest.mark.parametrize("token", TOKENS)
def test_each_token(token: str) -> None:
    """Two swapped buttons make a policy that jumps when it should shoot."""
    assert press(token) == WANTED[token]


def test_several_at_once() -> None:
    """Buttons add up, triggers are pulled beside them, flicks leave the left stick alone."""
    state = press("SOUTH", "LEFT_TRIGGER", "RIGHT_UP", "RIGHT_LEFT", left=(1.0, 0.0))
    assert state == GamepadState(
        left=(1.0, 0.0), right=(-1.0, 1.0), left_trigger=1.0, buttons=Button.A
    )
    assert press("RIGHT_UP", "RIGHT_BOTTOM").right == (0.0, 0.0)


@pytest.mark.parametrize(("y", "up"), [(1.0, -1.0), (-0.5, 0.5)])
def test_y_is_turned_round(y: float, up: float) -> None:
    """The policy's y grows downward as on the screen, a pad's grows upward."""
    assert press(left=(0.25, y)).left == pytest.approx((0.25, up), abs=1e-6)
    assert press(right=(-0.25, y)).right == pytest.approx((-0.25, up), abs=1e-6)


def test_no_token_is_a_neutral_pad() -> None:
    """Rest must be rest: a stick that is a hair off walks into every abyss."""
    assert press() == NEUTRAL


def test_one_state_an_action_in_order() -> None:
    """Played in another order a jump would come before its run-up."""
    raw = np.full((3, 25), 0.0, np.float32)
    raw[:, 21:] = 0.5
    for step, token in enumerate(("WEST", "NORTH", "EAST")):
        raw[step, TOKENS.index(token)] = 1.0
    assert [state.buttons for state in pad_states(decode(raw))] == [Button.X, Button.Y, Button.B]


def test_menu_buttons_are_masked() -> None:
    """START pauses, BACK leaves, GUIDE opens the launcher: none without leave (invariant 2)."""
    guard = MenuGuard()
    wanted = GamepadState(left=(0.5, 0.0), right_trigger=1.0, buttons=MENU_BUTTONS | Button.A)
    for _ in range(3):
        assert guard.filter(wanted) == GamepadState(
            left=(0.5, 0.0), right_trigger=1.0, buttons=Button.A
        )
    guard.filter(GamepadState(buttons=Button.START))
    assert guard.held_back == {"START": 4, "BACK": 3, "GUIDE": 3}


@pytest.mark.parametrize("name", ["start", "BACK", " Guide "])
def test_a_menu_button_is_allowed_by_name(name: str) -> None:
    """Allowing one must not allow the others."""
    allowed = parse_buttons([name])
    guard = MenuGuard(allowed)
    state = guard.filter(GamepadState(buttons=MENU_BUTTONS))
    assert state.buttons == allowed
    assert name.strip().upper() not in guard.held_back
    assert len(guard.held_back) == 2


@pytest.mark.parametrize("button", [b for b in Button if not b & MENU_BUTTONS])
def test_every_other_button_passes(button: Button) -> None:
    """A guard that masks too much makes a policy look lame."""
    guard = MenuGuard()
    assert guard.filter(GamepadState(buttons=button)).buttons == button
    assert not guard.held_back


def test_parsing_names() -> None:
    """Names come from a command line and from JSON, in any case."""
    assert parse_buttons([]) == NO_BUTTONS
    assert parse_buttons(["a", "Left_Shoulder"]) == Button.A | Button.LEFT_SHOULDER
    with pytest.raises(AgentError, match="'pause' is not a button") as failure:
        parse_buttons(["a", "pause"])
    for button in Button:
        assert str(button.name).lower() in failure.value.hint
