"""``XInput`` over ctypes."""

from __future__ import annotations

import ctypes
import sys
from ctypes.wintypes import DWORD, SHORT, WORD

from nitropilot.controller.human.xinput_pads import Report

assert sys.platform == "win32"  # for mypy: the chooser imports this module on Windows only

ERROR_SUCCESS = 0


class _Gamepad(ctypes.Structure):
    _fields_ = (
        ("buttons", WORD),
        ("left_trigger", ctypes.c_ubyte),
        ("right_trigger", ctypes.c_ubyte),
        ("left_x", SHORT),
        ("left_y", SHORT),
        ("right_x", SHORT),
        ("right_y", SHORT),
    )


class _State(ctypes.Structure):
    _fields_ = (("packet", DWORD), ("gamepad", _Gamepad))


class Api:
    """The call itself; see ``xinput_pads.XInput`` for what it answers."""

    def __init__(self) -> None:
        self._get_state = ctypes.WinDLL("xinput1_4").XInputGetState
        self._get_state.argtypes = [DWORD, ctypes.POINTER(_State)]
        self._get_state.restype = DWORD

    def report(self, slot: int) -> Report | None:
        """The state of the pad in a slot, None if there is none."""
        state = _State()
        if self._get_state(slot, ctypes.byref(state)) != ERROR_SUCCESS:
            return None
        pad = state.gamepad
        return Report(
            pad.buttons,
            pad.left_trigger,
            pad.right_trigger,
            (pad.left_x, pad.left_y),
            (pad.right_x, pad.right_y),
        )
