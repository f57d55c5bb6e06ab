"""Virtual gamepads, pausing a game, and the watchdog over both.

Importing this package touches no driver; the heavier parts load when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from nitropilot.controller.errors import (
    ControllerError,
    PadFailed,
    PadUnavailable,
    PauseFailed,
    PauseRefused,
    ProcessGone,
    ShimError,
    WatchdogError,
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
    "Gamepad",
    "GamepadState",
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
    "Watchdog",
    "WatchdogError",
    "find_page",
    "gamepad_reports",
    "launch_environment",
    "open_gamepad",
]

if TYPE_CHECKING:
    from nitropilot.controller.pads.pad_page import PadPage, find_page
    from nitropilot.controller.pads.sdl_pad import SdlPad, launch_environment
    from nitropilot.controller.pausing.pauser import Pauser
    from nitropilot.controller.pausing.watchdog import Watchdog
else:
    _LATE = {
        "PadPage": "nitropilot.controller.pads.pad_page",
        "Pauser": "nitropilot.controller.pausing.pauser",
        "SdlPad": "nitropilot.controller.pads.sdl_pad",
        "Watchdog": "nitropilot.controller.pausing.watchdog",
        "find_page": "nitropilot.controller.pads.pad_page",
        "launch_environment": "nitropilot.controller.pads.sdl_pad",
    }

    def __getattr__(name: str) -> object:
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_LATE[name]), name)
