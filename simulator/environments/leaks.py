"""``LeakWatch``: a launched game that takes more and more is ended before the machine is full."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import psutil

LOOK_S = 2.0
"""From one look to the next."""
MORE_DESCRIPTORS = 512
"""That a game may have more of than when its episode began: half of what Linux gives a process."""
MORE_MEMORY = 0.25
"""The same of memory, as a share of the machine's."""


@dataclass(frozen=True)
class Taken:
    """What a game and all that it started have.

    Attributes:
        memory: Bytes in the machine's memory.
        descriptors: Open files, pipes and sockets.
    """

    memory: int
    descriptors: int


class LeakWatch:
    """Looks now and then; what is there at the first look is the game's own.

    Args:
        pid: The game's root process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._first = taken(pid)
        self._looked = time.monotonic()

    def leak(self) -> str:
        """What the game leaks, in words; "" if nothing, or if it is too soon to look again."""
        if time.monotonic() - self._looked < LOOK_S:
            return ""
        self._looked = time.monotonic()
        now = taken(self._pid)
        more = now.descriptors - self._first.descriptors
        if more > MORE_DESCRIPTORS:
            return f"it leaks descriptors: {now.descriptors} are open, {more} more than at first"
        grown = now.memory - self._first.memory
        if grown > MORE_MEMORY * psutil.virtual_memory().total:
            whole, mib = now.memory >> 20, grown >> 20
            return f"it leaks memory: it has {whole} MiB, {mib} MiB more than at first"
        return ""


def taken(pid: int) -> Taken:
    """What the tree of a process has now; who has ended meanwhile has nothing."""
    memory = descriptors = 0
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.Error:
        tree = []
    for process in tree:
        try:
            memory += process.memory_info().rss
            if sys.platform == "win32":
                descriptors += process.num_handles()
            else:
                descriptors += process.num_fds()
        except psutil.Error:
            continue
    return Taken(memory, descriptors)
