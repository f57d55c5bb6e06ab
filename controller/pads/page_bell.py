"""``Bell``: wakes a game that sleeps until its pad changes.

A game that waits for its pad (a blocking read, epoll) sleeps in the kernel on a word of the
page.  Looking at the page a thousand times a second instead would cost each game a share of a
core for nothing, and a millisecond each time.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import mmap

_FUTEX = {"x86_64": 202, "aarch64": 98, "riscv64": 98, "i686": 240, "armv7l": 240, "ppc64le": 221}
"""The system call's number; the C library has no name for it."""
_WAKE = 1
_ALL = 2**31 - 1


class Bell:
    """One word of a page that other processes may sleep on.

    Where the call is not known, nobody is woken: games look by themselves 20 times a second,
    and whenever they read.

    Args:
        memory: The mapped page, which must be open when the bell is rung.
        offset: Of the word, in bytes.
    """

    def __init__(self, memory: mmap.mmap, offset: int) -> None:
        word = ctypes.c_uint32.from_buffer(memory, offset)
        self._address = ctypes.addressof(word)  # the object itself would keep the page from closing

    def ring(self) -> None:
        """Wake whoever sleeps on the word."""
        call = _system_call()
        if call is not None:
            call(_FUTEX[platform.machine()], self._address, _WAKE, _ALL)


@cache
def _system_call() -> Any:
    """The C library's ``syscall``, or None where there is no use for it."""
    call = None
    machine = platform.machine()
    # The kernel's machine, and ours: a 32-bit Python on a 64-bit kernel has other numbers.
    known = machine in _FUTEX and ("64" in machine) == (sys.maxsize > 2**32)
    if sys.platform == "linux" and known:
        call = ctypes.CDLL(None).syscall
        call.argtypes = (ctypes.c_long, ctypes.c_void_p, ctypes.c_long, ctypes.c_long)
        call.restype = ctypes.c_long
    return call
