"""Guards between what the policy wants and what reaches the pad.

Invariant 2: START, BACK and GUIDE open menus, quit games and end matches, so they
are masked unless the player allows them by name.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.errors import AgentError
from controller.state import NO_BUTTONS, Button, GamepadState

if TYPE_CHECKING:
    from collections.abc import Iterable

MENU_BUTTONS = Button.START | Button.BACK | Button.GUIDE


def parse_buttons(names: Iterable[str]) -> Button:
    """Flags for button names such as ``start`` or ``LEFT_SHOULDER``.

    Raises:
        AgentError: A name is not a button.
    """
    flags = NO_BUTTONS
    for name in names:
        try:
            flags |= Button[name.strip().upper()]
        except KeyError:
            known = ", ".join(button.name.lower() for button in Button if button.name)
            raise AgentError(f"{name!r} is not a button", f"buttons are {known}") from None
    return flags


class MenuGuard:
    """Masks the menu buttons that were not allowed and counts what it held back.

    Args:
        allowed: Menu buttons that may pass.
    """

    def __init__(self, allowed: Button = NO_BUTTONS) -> None:
        self.masked_buttons = MENU_BUTTONS & ~allowed
        self.held_back: Counter[str] = Counter()

    def filter(self, state: GamepadState) -> GamepadState:
        """``state`` without the masked buttons."""
        blocked = state.buttons & self.masked_buttons
        if not blocked:
            return state
        self.held_back.update(button.name for button in blocked if button.name)
        return replace(state, buttons=state.buttons & ~self.masked_buttons)
