"""Virtual gamepads, pausing a game, and the hand that does both in a process of its own.

Importing this package touches no driver; the heavier parts load when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from nitropilot.controller.errors import (
    ControllerError,
    GameTaken,
    HandError,
    LedgerError,
    PadFailed,
    PadUnavailable,
    PauseFailed,
    PauseRefused,
    ProcessGone,
    ShimError,
)
from nitropilot.controller.pads.chooser import KINDS, PadReport, gamepad_reports, open_gamepad
from nitropilot.controller.pads.gamepad import Gamepad
from nitropilot.controller.state import NEUTRAL, NO_BUTTONS, Button, GamepadState

__all__ = [
    "KINDS",
    "NEUTRAL",
    "NO_BUTTONS",
    "Button",
    "ControllerError",
    "GameTaken",
    "Gamepad",
    "GamepadState",
    "Hand",
    "HandError",
    "LedgerError",
    "PadFailed",
    "PadPage",
    "PadReport",
    "PadUnavailable",
    "PauseFailed",
    "PauseRefused",
    "Pauser",
    "ProcessGone",
    "SdlPad",
    "ShimError",
    "StepHand",
    "find_page",
    "gamepad_reports",
    "launch_environment",
    "open_gamepad",
]

if TYPE_CHECKING:
    from nitropilot.controller.hand.hand import Hand
    from nitropilot.controller.hand.step_hand import StepHand
    from nitropilot.controller.pads.pad_page import PadPage, find_page
    from nitropilot.controller.pads.sdl_pad import SdlPad, launch_environment
    from nitropilot.controller.pausing.pauser import Pauser
else:
    _LATE = {
        "Hand": "nitropilot.controller.hand.hand",
        "PadPage": "nitropilot.controller.pads.pad_page",
        "Pauser": "nitropilot.controller.pausing.pauser",
        "StepHand": "nitropilot.controller.hand.step_hand",
        "SdlPad": "nitropilot.controller.pads.sdl_pad",
        "find_page": "nitropilot.controller.pads.pad_page",
        "launch_environment": "nitropilot.controller.pads.sdl_pad",
    }

    def __getattr__(name: str) -> object:
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_LATE[name]), name)
