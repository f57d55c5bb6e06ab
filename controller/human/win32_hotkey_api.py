"""``User32`` over ctypes."""

from __future__ import annotations

import ctypes
import sys
from ctypes import byref
from ctypes.wintypes import BOOL, DWORD, HWND, INT, LPARAM, MSG, UINT, WPARAM

assert sys.platform == "win32"  # for mypy: the chooser imports this module on Windows only

WM_QUIT = 0x0012
WM_HOTKEY = 0x0312
PM_NOREMOVE = 0

_SIGNATURES = {
    "RegisterHotKey": ([HWND, INT, UINT, UINT], BOOL),
    "UnregisterHotKey": ([HWND, INT], BOOL),
    "GetMessageW": ([ctypes.POINTER(MSG), HWND, UINT, UINT], INT),
    "PeekMessageW": ([ctypes.POINTER(MSG), HWND, UINT, UINT, UINT], BOOL),
    "PostThreadMessageW": ([DWORD, UINT, WPARAM, LPARAM], BOOL),
}


class Api:
    """The calls themselves; see ``win32_hotkeys.User32`` for what each answers."""

    def __init__(self) -> None:
        self._user32 = ctypes.WinDLL("user32", use_last_error=True)
        for name, (arguments, result) in _SIGNATURES.items():
            function = getattr(self._user32, name)
            function.argtypes, function.restype = arguments, result
        self._kernel32 = ctypes.WinDLL("kernel32")
        self._kernel32.GetCurrentThreadId.restype = DWORD

    def thread_id(self) -> int:
        """Asking for messages makes the queue that ``end`` posts to."""
        self._user32.PeekMessageW(byref(MSG()), None, 0, 0, PM_NOREMOVE)
        return int(self._kernel32.GetCurrentThreadId())

    def register(self, number: int, modifiers: int, vk: int) -> int:
        if self._user32.RegisterHotKey(None, number, modifiers, vk):
            return 0
        return ctypes.get_last_error() or -1

    def unregister(self, number: int) -> None:
        self._user32.UnregisterHotKey(None, number)

    def next_hotkey(self) -> int | None:
        message = MSG()
        while self._user32.GetMessageW(byref(message), None, 0, 0) > 0:
            if message.message == WM_HOTKEY:
                return int(message.wParam)
        return None

    def end(self, thread_id: int) -> None:
        self._user32.PostThreadMessageW(thread_id, WM_QUIT, 0, 0)
