"""``HumanPads``: what a human does with physical pads, all of them read as one.

Linux reads the kernel's event devices, Windows asks XInput.  Virtual pads of ours are left
out, and so are the copies that Steam makes of pads, which would show ours once more.
"""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.controller.errors import PadUnavailable
from nitropilot.controller.state import NEUTRAL, NO_BUTTONS, GamepadState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

STICK_DEAD_ZONE = 0.3
"""A stick that is pushed less far is at rest: worn ones stay off the centre by themselves."""
TRIGGER_DEAD_ZONE = 0.15


@dataclass(frozen=True)
class HumanReport:
    """Whether physical pads can be read here.

    Attributes:
        available: Whether nothing is missing.
        reason: How they are read, or what is missing.
        hint: The fix; empty when available.
        pads: How many are there now; None where that is not known.
    """

    available: bool
    reason: str
    hint: str = ""
    pads: int | None = None


class HumanPads(ABC):
    """Physical pads, as they come and go.  Used from one thread, but for ``wake``."""

    @abstractmethod
    def poll(self, timeout: float) -> GamepadState | None:
        """The state of all pads as one, when it has changed within ``timeout`` seconds.

        A pad that is unplugged rests.  None: nothing has changed.
        """

    @abstractmethod
    def wake(self) -> None:
        """Make a ``poll`` that waits return soon, and every later one at once."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the devices.  Safe to call twice."""

    def __enter__(self) -> HumanPads:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_human_pads() -> HumanPads:
    """Read the physical pads of this machine; none may be there yet.

    Raises:
        PadUnavailable: They cannot be read here; the hint says what to do.
    """
    if sys.platform == "win32":
        from nitropilot.controller.human.xinput_pads import XInputPads, load_xinput

        pads: HumanPads = XInputPads(load_xinput())
    elif sys.platform == "linux":
        from nitropilot.controller.human.evdev_pads import EvdevPads

        pads = EvdevPads()
    else:
        raise PadUnavailable(f"physical pads cannot be read on {sys.platform}")
    return pads


def human_report() -> HumanReport:
    """Whether a human can take over with a pad; opens no device."""
    if sys.platform == "win32":
        report = HumanReport(True, "physical pads are read through XInput")
    elif sys.platform == "linux":
        from nitropilot.controller.human.evdev_pads import evdev_report

        report = evdev_report()
    else:
        report = HumanReport(False, f"physical pads cannot be read on {sys.platform}")
    return report


def touched(state: GamepadState) -> bool:
    """Whether somebody holds something, beyond what a pad does by itself."""
    return (
        bool(state.buttons)
        or max(state.left_trigger, state.right_trigger) > TRIGGER_DEAD_ZONE
        or max(math.hypot(*state.left), math.hypot(*state.right)) > STICK_DEAD_ZONE
    )


def merged(states: Iterable[GamepadState]) -> GamepadState:
    """Several pads as one: all buttons, and of sticks and triggers those pushed furthest."""
    whole = list(states)
    if len(whole) < 2:
        return whole[0] if whole else NEUTRAL
    buttons = NO_BUTTONS
    for state in whole:
        buttons |= state.buttons
    return GamepadState(
        left=max((state.left for state in whole), key=lambda stick: math.hypot(*stick)),
        right=max((state.right for state in whole), key=lambda stick: math.hypot(*stick)),
        left_trigger=max(state.left_trigger for state in whole),
        right_trigger=max(state.right_trigger for state in whole),
        buttons=buttons,
    )
