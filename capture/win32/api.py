"""``Win32Api`` over ctypes."""

from __future__ import annotations

import ctypes
import sys
from ctypes import byref, c_void_p, create_unicode_buffer, sizeof
from ctypes.wintypes import (
    BOOL,
    DWORD,
    HWND,
    INT,
    LPARAM,
    LPDWORD,
    LPPOINT,
    LPRECT,
    LPWSTR,
    POINT,
    RECT,
)
from functools import cache

from nitropilot.capture.window import Rect

assert sys.platform == "win32"  # for mypy: the choosers import this module on Windows only

DWMWA_CLOAKED = 14
DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2 = -4
SM_XVIRTUALSCREEN, SM_YVIRTUALSCREEN, SM_CXVIRTUALSCREEN, SM_CYVIRTUALSCREEN = 76, 77, 78, 79

_WindowVisitor = ctypes.WINFUNCTYPE(BOOL, HWND, LPARAM)

_SIGNATURES = {
    "ClientToScreen": ([HWND, LPPOINT], BOOL),
    "EnumWindows": ([_WindowVisitor, LPARAM], BOOL),
    "GetClientRect": ([HWND, LPRECT], BOOL),
    "GetShellWindow": ([], HWND),
    "GetSystemMetrics": ([INT], INT),
    "GetWindowTextLengthW": ([HWND], INT),
    "GetWindowTextW": ([HWND, LPWSTR, INT], INT),
    "GetWindowThreadProcessId": ([HWND, LPDWORD], DWORD),
    "IsHungAppWindow": ([HWND], BOOL),
    "IsIconic": ([HWND], BOOL),
    "IsWindow": ([HWND], BOOL),
    "IsWindowVisible": ([HWND], BOOL),
    "SetProcessDpiAwarenessContext": ([c_void_p], BOOL),
}


@cache
def load() -> Api:
    """The one ``Api`` of this process."""
    return Api()


class Api:
    """The calls themselves; see ``win32.Win32Api`` for what each answers."""

    def __init__(self) -> None:
        self._user32 = ctypes.WinDLL("user32", use_last_error=True)
        for name, (arguments, result) in _SIGNATURES.items():
            function = getattr(self._user32, name)
            function.argtypes, function.restype = arguments, result
        self._dwmapi = ctypes.WinDLL("dwmapi")
        self._dwmapi.DwmGetWindowAttribute.argtypes = [HWND, DWORD, c_void_p, DWORD]
        # HRESULT as a plain number: ctypes would raise OSError for a closed window.
        self._dwmapi.DwmGetWindowAttribute.restype = ctypes.c_long
        # Without this Windows scales rectangles on high-DPI monitors, and mss then
        # reads the wrong pixels.  It fails when a host program has chosen already.
        self._user32.SetProcessDpiAwarenessContext(DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2)

    def top_level_windows(self) -> list[int]:
        handles: list[int] = []

        def visit(handle: int, _: int) -> bool:
            handles.append(handle)
            return True

        self._user32.EnumWindows(_WindowVisitor(visit), 0)
        return handles

    def shell_window(self) -> int:
        return self._user32.GetShellWindow() or 0

    def exists(self, handle: int) -> bool:
        return bool(self._user32.IsWindow(handle))

    def visible(self, handle: int) -> bool:
        return bool(self._user32.IsWindowVisible(handle))

    def iconic(self, handle: int) -> bool:
        return bool(self._user32.IsIconic(handle))

    def cloaked(self, handle: int) -> bool:
        value = DWORD()
        failed = self._dwmapi.DwmGetWindowAttribute(
            handle, DWMWA_CLOAKED, byref(value), sizeof(value)
        )
        return not failed and value.value != 0

    def title(self, handle: int) -> str:
        # Reads the text the system keeps; sends no message, so a hung window cannot block it.
        buffer = create_unicode_buffer(self._user32.GetWindowTextLengthW(handle) + 1)
        self._user32.GetWindowTextW(handle, buffer, len(buffer))
        return buffer.value

    def pid(self, handle: int) -> int | None:
        value = DWORD()
        thread = self._user32.GetWindowThreadProcessId(handle, byref(value))
        return value.value if thread else None

    def client_rect(self, handle: int) -> Rect | None:
        size, corner = RECT(), POINT()
        inside = self._user32.GetClientRect(handle, byref(size))
        if not inside or not self._user32.ClientToScreen(handle, byref(corner)):
            return None
        return Rect(corner.x, corner.y, size.right, size.bottom)

    def virtual_screen(self) -> Rect:
        metric = self._user32.GetSystemMetrics
        return Rect(
            metric(SM_XVIRTUALSCREEN),
            metric(SM_YVIRTUALSCREEN),
            metric(SM_CXVIRTUALSCREEN),
            metric(SM_CYVIRTUALSCREEN),
        )

    def hung(self, handle: int) -> bool:
        return bool(self._user32.IsHungAppWindow(handle))
