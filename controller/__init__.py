"""Virtual gamepads, pausing a game, and the watchdog over both.

Importing this package touches no driver; the heavier parts load when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from controller.chooser import KINDS, PadReport, gamepad_reports, open_gamepad
from controller.errors import (
    ControllerError,
    PadFailed,
    PadUnavailable,
    PauseFailed,
    PauseRefused,
    ProcessGone,
    ShimError,
    WatchdogError,
)
from controller.gamepad import Gamepad
from controller.state import NEUTRAL, NO_BUTTONS, Button, GamepadState

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
    from controller.pad_page import PadPage, find_page
    from controller.pauser import Pauser
    from controller.sdl_pad import SdlPad, launch_environment
    from controller.watchdog import Watchdog
else:
    _LATE = {
        "PadPage": "controller.pad_page",
        "Pauser": "controller.pauser",
        "SdlPad": "controller.sdl_pad",
        "Watchdog": "controller.watchdog",
        "find_page": "controller.pad_page",
        "launch_environment": "controller.sdl_pad",
    }

    def __getattr__(name: str) -> object:
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_LATE[name]), name)
