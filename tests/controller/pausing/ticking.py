"""A stand-in for a game: a tree of processes, each counting in memory that tests read.

Run as a script it is the game; imported it starts and watches one.  With ``page``
the root also counts its ticks with anything pressed on that pad page.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SLOTS = 64
PRESSED = SLOTS - 1
"""The slot whose count is the number of ticks with something pressed."""
WAIT_S = 60.0


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Poll until ``condition`` holds, long enough for any machine."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {WAIT_S:.0f} s for {what}"
        time.sleep(0.002)


class TickingGame:
    """A running tree; slot 0 is its root.

    Args:
        folder: Where the counters may be kept.
        parents: For slot 1, 2, ... the slot of its parent.
        options: Further words for the script: ``fork`` (the last slot keeps forking),
            ``threads`` (20 threads), ``leaderless`` (the first thread ends),
            ``foreign`` (slot 1 becomes the user nobody), ``page=PATH``.
    """

    def __init__(self, folder: Path, parents: Sequence[int] = (), options: Sequence[str] = ()):
        path = folder / f"ticks-{time.monotonic_ns()}"
        path.write_bytes(bytes(16 * SLOTS))
        self._words = memoryview(_map(path)).cast("Q")
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(path), ",".join(map(str, parents)), *options],
            start_new_session=True,
        )
        self.pid = self.process.pid
        wait_for(lambda: all(self.counts()[: len(parents) + 1]), "the game to start")

    def counts(self) -> list[int]:
        """How often each slot has ticked."""
        return list(self._words[1::2])

    def pids(self) -> list[int]:
        """Process id of each slot in use."""
        return [pid for pid in self._words[::2] if pid]

    def stands(self, *slots: int) -> bool:
        """Whether none of ``slots`` (all, if none is given) ticks for a while."""
        before = self._of(slots)
        time.sleep(0.05)
        return self._of(slots) == before

    def await_ticks(self, *slots: int) -> None:
        """Wait until each of ``slots`` (all in use, if none is given) has ticked again."""
        slots = slots or tuple(range(len(self.pids())))
        before = self._of(slots)
        wait_for(lambda: all(map(int.__gt__, self._of(slots), before)), f"ticks of {slots}")

    def close(self) -> None:
        """End the whole tree, whatever state it is in."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        wait_for(lambda: not any(map(_lives, self.pids())), "the game to end")

    def _of(self, slots: Sequence[int]) -> list[int]:
        counts = self.counts()
        return [counts[slot] for slot in slots] if slots else counts


def reused_pid(pid: int) -> subprocess.Popen[bytes]:
    """A new sleeping process that has the id of one that has just ended."""
    script = (
        "import ctypes, os, sys\n"
        "wanted = ctypes.c_int32(int(sys.argv[1]))\n"
        "words = [0, 0, 0, 0, 17, 0, 0, 0, ctypes.addressof(wanted), 1, 0]\n"
        "arguments = (ctypes.c_uint64 * 11)(*words)\n"
        "new = ctypes.CDLL(None, use_errno=True).syscall(435, arguments, 88)\n"
        "if new == 0: os.execvp('sleep', ['sleep', '600'])\n"
        "print(new, flush=True)\n"
        "if new > 0: os.waitpid(new, 0)\n"
    )
    helper = subprocess.Popen(
        [sys.executable, "-c", script, str(pid)], stdout=subprocess.PIPE, start_new_session=True
    )
    assert helper.stdout is not None
    with helper.stdout:
        answer = int(helper.stdout.readline())
    if answer != pid:
        import pytest  # not at the top: the game would load it too

        helper.wait()
        pytest.skip("clone3 cannot choose a process id here (seccomp or an old kernel)")
    return helper


def end(helper: subprocess.Popen[bytes]) -> None:
    os.killpg(helper.pid, signal.SIGKILL)
    helper.wait()


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _map(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def _pad(path: str) -> Callable[[], bool]:
    """Whether the page at ``path`` differs from what it says now, stamps aside."""
    memory = _map(Path(path))

    def values() -> list[int]:
        return [value for _, *pair in struct.iter_unpack("=Ihh", memory[64:96]) for value in pair]

    rest = values()
    return lambda: values() != rest


def _play(path: str, parents: str, *options: str) -> None:
    words = memoryview(_map(Path(path))).cast("Q")
    children = [int(parent) for parent in parents.split(",") if parent]
    page = next((_pad(option[5:]) for option in options if option.startswith("page=")), None)
    slot = _spawn(children)
    if "threads" in options:
        for _ in range(20):
            threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()
    if "foreign" in options and slot == 1:
        os.setuid(65534)
    words[2 * slot] = os.getpid()

    def tick() -> None:
        while True:
            words[2 * slot + 1] += 1
            if slot == 0 and page is not None and page():
                words[2 * PRESSED + 1] += 1
            if slot == len(children) and "fork" in options:
                _fork_next(words)
            time.sleep(0.002)

    if "leaderless" in options:
        import ctypes

        threading.Thread(target=tick).start()
        ctypes.CDLL(None).pthread_exit(None)
    tick()


def _spawn(parents: list[int]) -> int:
    """Fork the tree; returns the slot of the process it returns in."""
    slot = 0
    for child, parent in enumerate(parents, start=1):
        if parent == slot and os.fork() == 0:
            slot = child
    return slot


def _fork_next(words: memoryview[int]) -> None:
    """Fork a child that only ticks, as long as few have been."""
    free = list(words[::2]).index(0)
    if free < 40 and os.fork() == 0:
        words[2 * free] = os.getpid()
        while True:
            words[2 * free + 1] += 1
            time.sleep(0.002)
    wait_for(lambda: free >= 40 or words[2 * free] != 0, "the child")


if __name__ == "__main__":
    _play(*sys.argv[1:])
