"""Words in shared memory that processes wait for (Linux's futex); Python has no call for it."""

from __future__ import annotations

import ctypes
import platform
import sys
from typing import TYPE_CHECKING

from nitropilot.controller.errors import ClockFailed

if TYPE_CHECKING:
    import mmap

_NUMBERS = {"x86_64": 202, "aarch64": 98, "riscv64": 98, "ppc64le": 221, "s390x": 238}
_WAIT, _WAKE = 0, 1
_EVERYBODY = 2**31 - 1


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class Futex:
    """The 32-bit word at an offset of a mapping, which must stay mapped meanwhile.

    Raises:
        ClockFailed: Not on Linux, or on a machine whose system calls are not known here.
    """

    def __init__(self, memory: mmap.mmap, offset: int) -> None:
        number = _NUMBERS.get(platform.machine()) if sys.platform == "linux" else None
        if number is None:
            raise ClockFailed(
                f"no shared clock on {sys.platform} ({platform.machine()})",
                "pause the game's process instead",
            )
        self._number = number
        self._call = ctypes.CDLL(None, use_errno=True).syscall
        self._address = ctypes.addressof(ctypes.c_uint32.from_buffer(memory, offset))

    def wake(self) -> None:
        """Wake whoever waits for the word; also keeps what was written before in order."""
        self._ask(_WAKE, _EVERYBODY, None)

    def wait(self, value: int, timeout: float) -> None:
        """Wait while the word is ``value``, at most so many seconds; may return early."""
        span = _Timespec(int(timeout), int(timeout % 1 * 1e9))
        self._ask(_WAIT, value, ctypes.byref(span))

    def _ask(self, operation: int, value: int, span: object) -> None:
        self._call(
            ctypes.c_long(self._number), ctypes.c_void_p(self._address), ctypes.c_long(operation),
            ctypes.c_long(value), span, None, ctypes.c_long(0),
        )  # fmt: skip
