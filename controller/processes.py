"""A game's processes: which there are, whether they run, and how they are ended.

A game's hand imports this module, so it needs nothing but psutil.
"""

from __future__ import annotations

import io
import os
import sys
import time
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LAUNCH_VARIABLE = "NITROPILOT_LAUNCH"
"""Marks all that was started for one launch, by whatever parent: children inherit it."""
END_PATIENCE_S = 3.0
END_ROUNDS = 3
"""How often what a launch has started is looked for: one that ends may have started another."""
DISPLAY_VARIABLE = "NITROPILOT_LAUNCH_DISPLAY"
"""Marks the X server that was started for one launch."""
_CHILDREN_FILE = Path("/proc/thread-self/children")
_ENDED = {b"Z", b"X", b"x"}
_STOPPED = {b"T", b"t"}
_ENDED_STATUS = {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}


class State(Enum):
    """What a process is doing, as far as pausing it is concerned."""

    RUNNING = "running"
    STOPPED = "stopped"
    GONE = "gone"


def state(process: psutil.Process) -> State:
    """Whether ``process`` runs, has stopped as a whole, or has ended.

    A process counts as stopped when each of its threads is, as running or gone
    while any thread is not.  A zombie is gone, and so is a process whose id now
    belongs to another one.
    """
    if not process.is_running():
        return State.GONE
    if sys.platform == "linux":
        threads = {text[text.rfind(b")") + 2 :][:1] for text in _per_thread(process.pid, "stat")}
        gone, stopped = threads <= _ENDED, threads <= _STOPPED | _ENDED
    else:
        try:
            status = process.status()
        except psutil.NoSuchProcess:
            return State.GONE
        gone, stopped = status in _ENDED_STATUS, status == psutil.STATUS_STOPPED
    return State.GONE if gone else State.STOPPED if stopped else State.RUNNING


def descendants(pid: int) -> list[int]:
    """Ids of all processes below ``pid``, parents before their children.

    A child that ends while the list is made can hide a sibling, so whoever needs
    all of them asks again until nothing new shows up.
    """
    if sys.platform == "linux" and _CHILDREN_FILE.exists():
        family = [pid]
        for member in family:  # grows while it is walked
            family += [child for child in _children(member) if child not in family]
        return family[1:]
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _children(pid: int) -> list[int]:
    """What the kernel lists as children; costs 3 µs a thread, however many processes run."""
    return [int(child) for text in _per_thread(pid, "children") for child in text.split()]


def _per_thread(pid: int, name: str) -> Iterator[bytes]:
    """The file ``name`` of every thread of ``pid`` that still is there."""
    try:
        threads = [entry.path for entry in os.scandir(f"/proc/{pid}/task")]
    except (FileNotFoundError, ProcessLookupError):
        return
    for thread in threads:
        try:
            with io.FileIO(f"{thread}/{name}") as file:
                yield file.read()
        except (FileNotFoundError, ProcessLookupError):
            continue


def birth(pid: int) -> str | None:
    """What tells a process from a later one with the same id; None if there is none."""
    try:
        if sys.platform == "linux":
            # The 22nd field, in ticks since the boot: unlike a date, no clock moves it.
            with io.FileIO(f"/proc/{pid}/stat") as file:
                text = file.read()
            born = text[text.rfind(b")") + 2 :].split()[19].decode()
        else:
            born = repr(psutil.Process(pid).create_time())
    except (OSError, psutil.Error):
        return None
    return born


def marked(launch: str, variable: str = LAUNCH_VARIABLE) -> list[psutil.Process]:
    """All processes of a launch: those that bear its mark, whoever their parents are, and what
    they started without it."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            if process.environ().get(variable) == launch:
                found[process.pid] = process
        except (psutil.Error, OSError):
            continue
    for pid in [below for member in found for below in descendants(member)]:
        with suppress(psutil.Error):
            found.setdefault(pid, psutil.Process(pid))
    return [*found.values()]


def end_all(processes: Iterable[psutil.Process], patience: float = END_PATIENCE_S) -> None:
    """End processes, frozen ones too: politely, then not.

    Args:
        processes: Those to end; some may be gone.
        patience: Seconds for each of the two ways.
    """
    left = [*processes]
    for act in ("terminate", "kill"):
        for process in left:
            try:
                getattr(process, act)()
                process.resume()
            except (psutil.Error, OSError):
                continue
        left = _outlasting(left, patience)


def _outlasting(processes: list[psutil.Process], patience: float) -> list[psutil.Process]:
    """Those that still run after so many seconds; sooner, if there are none."""
    deadline = time.monotonic() + patience
    while left := [one for one in processes if state(one) is not State.GONE]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.01)
    return left
