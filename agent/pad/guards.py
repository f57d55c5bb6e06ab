"""Guards between what the policy wants and what reaches the pad.

Invariant 2: START, BACK and GUIDE open menus, quit games and end matches, so they
are masked unless the player allows them by name.  Beside that rule stands a list of the
controls that the agent may use at all, which can be changed while it plays.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from nitropilot.agent.errors import AgentError
from nitropilot.controller.state import AXIS_CONTROLS, NO_BUTTONS, Button, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nitropilot.controller.state import GamepadState

MENU_BUTTONS = Button.START | Button.BACK | Button.GUIDE


BUTTON_NAMES = tuple(button.name.lower() for button in Button if button.name)
CONTROLS = (*BUTTON_NAMES, *AXIS_CONTROLS)
"""Everything on a pad that can be allowed or not, by the names that the REST API uses."""


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


def parse_controls(names: Iterable[str]) -> tuple[str, ...]:
    """Those of ``CONTROLS`` that are named, in their order.

    Raises:
        AgentError: A name is none of them.
    """
    wanted = {name.strip().lower() for name in names}
    if unknown := sorted(wanted.difference(CONTROLS)):
        raise AgentError(
            f"{unknown[0]!r} is nothing on a pad", f"controls are {', '.join(CONTROLS)}"
        )
    return tuple(name for name in CONTROLS if name in wanted)


class MenuGuard:
    """Masks what was not allowed, and counts what it held back.

    Args:
        allowed: Menu buttons that may pass.
        controls: The controls that the agent may use, as ``limit`` takes them.

    Attributes:
        held_back: How often each control was held back, by its name in capitals.

    Raises:
        AgentError: A name in ``controls`` is nothing on a pad.
    """

    def __init__(self, allowed: Button = NO_BUTTONS, controls: Iterable[str] = CONTROLS) -> None:
        self.menu_allowed = MENU_BUTTONS & allowed
        self.held_back: Counter[str] = Counter()
        self._enforce: Callable[[Limits], object] = lambda _limits: None
        self.limit(controls)

    def enforced_by(self, enforce: Callable[[Limits], object]) -> None:
        """Tell ``enforce`` the limits, now and whenever they change."""
        self._enforce = enforce
        enforce(self._limits)

    @property
    def controls(self) -> tuple[str, ...]:
        """The controls that the agent may use, but for the rule on menu buttons."""
        return self._controls

    def limit(self, controls: Iterable[str]) -> None:
        """Let only these controls pass from the next action on; from any thread.

        A menu button needs to be allowed by the session as well.

        Args:
            controls: Names out of ``CONTROLS``; none at all is possible.

        Raises:
            AgentError: A name is none of them.
        """
        wanted = parse_controls(controls)
        buttons = parse_buttons(name for name in wanted if name in BUTTON_NAMES)
        axes = tuple(name for name in AXIS_CONTROLS if name not in wanted)
        everything = parse_buttons(BUTTON_NAMES)
        masked = (everything & ~buttons) | (MENU_BUTTONS & ~self.menu_allowed)
        self._controls = wanted
        self._limits = Limits(masked, axes)  # one assignment: an action sees old or new
        self._enforce(self._limits)

    @property
    def limits(self) -> Limits:
        """What is held back now."""
        return self._limits

    def filter(self, state: GamepadState) -> GamepadState:
        """``state`` without what is not allowed, which is counted."""
        limits = self._limits
        blocked = state.buttons & limits.buttons
        self.held_back.update(button.name for button in blocked if button.name)
        self.held_back.update(name.upper() for name in limits.moved(state))
        return limits.mask(state)
