"""Short turns on the processor, in exchange for early ones.

Linux gives every thread its share in turns of some milliseconds.  Whoever asks for shorter turns
gets no more of the processor, but is let on sooner when it wakes, beside others that compute all
the time (EEVDF's custom slices, since Linux 6.12).  No right is needed; older kernels do nothing.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

TURN_NS = 100_000
"""The shortest turn that Linux gives."""
CALLS = {"x86_64": 314, "aarch64": 274}
"""Number of ``sched_setattr`` by machine."""
ATTRIBUTES = struct.Struct("=IIQiIQQQ")
"""``struct sched_attr``: size, policy, flags, niceness, priority, runtime, deadline, period."""
_NORMAL = 0


def ask_for_early_turns() -> bool:
    """Ask for short turns for this thread and those that it starts; whether the kernel agreed."""
    if sys.platform == "linux" and (call := CALLS.get(platform.machine())):
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        asked = ATTRIBUTES.pack(ATTRIBUTES.size, _NORMAL, 0, nice, 0, TURN_NS, 0, 0)
        given = ctypes.create_string_buffer(asked)
        return bool(ctypes.CDLL(None).syscall(call, 0, given, 0) == 0)
    return False


def turn_ns() -> int:
    """The length of this thread's turns, where the kernel tells; else 0."""
    found = ctypes.create_string_buffer(ATTRIBUTES.size)
    if sys.platform == "linux" and (call := CALLS.get(platform.machine())):
        # sched_getattr has the next number on all of these machines.
        ctypes.CDLL(None).syscall(call + 1, 0, found, ATTRIBUTES.size, 0)
    return int(ATTRIBUTES.unpack(found.raw)[5])
