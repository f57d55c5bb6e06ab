"""``Pauser``: stop a game between two decisions and let it go on.

On Linux a process is stopped with SIGSTOP, on Windows with NtSuspendProcess
(both through psutil).  The root of the tree stops first, because it shows the
picture; its descendants follow, until a look at the tree finds no new one.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

from nitropilot.controller.errors import PauseFailed, PauseRefused, ProcessGone
from nitropilot.controller.processes import State, birth, descendants, state

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType

    from nitropilot.controller.ledger.entry import Entry

TIMEOUT_S = 5.0
WINDOWS_SETTLE_S = 0.02
"""How long to wait for a suspended Windows process to look suspended."""
_POLL_S = 0.0005
_CHOOSE = "choose the game's own process: `nitropilot windows` lists them"


class Pauser:
    """Freezes and thaws one process and everything below it.  Thread-safe.

    Args:
        pid: Root of the tree: the process that owns the game's window.
        protect: Ids of processes that must keep running, such as an X server.
        timeout: Seconds that all processes together may take to stop or to go on.
        entry: Where each process is noted before it is stopped.

    Raises:
        PauseRefused: The process belongs to the system, to another user, or has
            NitroPilot or a protected process below it.
        ProcessGone: No such process runs.
    """

    def __init__(
        self,
        pid: int,
        *,
        protect: Collection[int] = (),
        timeout: float = TIMEOUT_S,
        entry: Entry | None = None,
    ) -> None:
        self._root = _open(pid)
        self._timeout = timeout
        self._entry = entry
        self._lock = threading.Lock()
        self._checked: set[psutil.Process] = set()
        self._stopped: list[psutil.Process] = []
        self._frozen = False
        for guarded in (os.getpid(), *protect):
            _refuse_ancestor(self._root, guarded)
        try:
            self._refuse(self._root)
        except psutil.NoSuchProcess:
            raise _gone(pid) from None

    @property
    def pid(self) -> int:
        """Id of the root process."""
        return self._root.pid

    @property
    def frozen(self) -> bool:
        """Whether ``freeze`` has stopped the game and ``thaw`` was not called since."""
        return self._frozen

    def alive(self) -> bool:
        """Whether the root process has not ended."""
        return state(self._root) is not State.GONE

    def stopped_by_others(self) -> bool:
        """Whether the root stands still although this object did not stop it."""
        with self._lock:
            return self._root not in self._stopped and state(self._root) is State.STOPPED

    def continued_by_others(self) -> bool:
        """Whether the root runs although this object holds it stopped."""
        with self._lock:
            return self._frozen and state(self._root) is State.RUNNING

    def freeze(self) -> None:
        """Stop the whole tree; returns when every process has stopped.

        Does nothing when it is frozen.  A process that something else stopped
        before stays as it is, and ``thaw`` will leave it so.

        Raises:
            PauseFailed: A process did not stop in time; the game runs on.
            PauseRefused: A process below the root is not ours; the game runs on.
            ProcessGone: The root has ended.
        """
        with self._lock:
            if self._frozen:
                return
            try:
                self._stop_tree(time.monotonic() + self._timeout)
            except BaseException:
                self._resume()
                raise
            self._frozen = True

    def thaw(self) -> None:
        """Let everything run that ``freeze`` stopped; does nothing when it does.

        Raises:
            PauseFailed: A process is still stopped; something else may hold it.
        """
        with self._lock:
            self._resume()

    def close(self) -> None:
        """Thaw.  Safe to call twice."""
        self.thaw()

    def __enter__(self) -> Pauser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _stop_tree(self, deadline: float) -> None:
        try:
            self._stop(self._root, deadline)
        except psutil.NoSuchProcess:
            raise _gone(self._root.pid) from None
        seen = {self._root.pid}
        tree = [self._root]
        while new := [pid for pid in descendants(self._root.pid) if pid not in seen]:
            seen.update(new)
            for pid in new:
                with suppress(psutil.NoSuchProcess):
                    process = psutil.Process(pid)
                    self._refuse(process)
                    self._stop(process, deadline)
                    tree.append(process)
        self._checked.intersection_update(tree)
        if not self.alive():
            raise _gone(self._root.pid)

    def _stop(self, process: psutil.Process, deadline: float) -> None:
        """Stop one process and see it stopped before its children are touched.

        In that order a parent in the middle of ``vfork`` can finish it; it could
        not stop while a stopped child keeps it waiting.
        """
        if state(process) is State.STOPPED:
            return
        self._note(process)
        self._stopped.append(process)
        try:
            process.suspend()
        except (psutil.AccessDenied, OSError) as error:
            raise _denied(process) from error
        if sys.platform == "win32":
            deadline = min(deadline, time.monotonic() + WINDOWS_SETTLE_S)
        if _leaves(process, State.RUNNING, deadline):
            return
        # A Windows thread inside a blocking call (a read from a pipe) never looks suspended,
        # but the call cannot return to the game's code before the process is resumed.
        if sys.platform != "win32":
            raise PauseFailed(
                f"{_label(process)} did not stop within {self._timeout:g} s; the game runs on",
                "it may be waiting for a disk or a driver: try again, or play without pausing",
            )

    def _note(self, process: psutil.Process) -> None:
        """Write down what will be stopped: who comes after our death has to know."""
        if self._entry is not None and (born := birth(process.pid)) is not None:
            try:
                self._entry.freezing([(process.pid, born)])
            except OSError as error:
                raise PauseFailed(
                    f"{self._entry.path} cannot be written ({error.strerror}), "
                    "so the game is not stopped",
                    "make room there, or play with --mode realtime",
                ) from error

    def _resume(self) -> None:
        """Let go of everything, last stopped first: children before their parents.

        A parent that runs first could find its helper processes not answering.
        """
        for process in reversed(self._stopped):
            with suppress(psutil.Error, OSError):  # what it means shows in the check below
                process.resume()
        stopped, self._stopped, self._frozen = self._stopped, [], False
        if self._entry is not None and stopped:
            self._entry.thawed()
        deadline = time.monotonic() + self._timeout
        for process in stopped:
            if not _leaves(process, State.STOPPED, deadline):
                raise PauseFailed(
                    f"{_label(process)} is still stopped {self._timeout:g} s after it was resumed",
                    "a debugger or another pausing tool may hold it: resume it there",
                )

    def _refuse(self, process: psutil.Process) -> None:
        if process in self._checked:
            return
        try:
            owner, user = _user(process), _user(psutil.Process())
        except psutil.AccessDenied as error:
            raise _denied(process) from error
        if owner != user:
            raise PauseRefused(
                f"{_label(process)} belongs to the user {owner}, NitroPilot runs as {user}",
                "run the game and NitroPilot as the same user",
            )
        self._checked.add(process)


def _open(pid: int) -> psutil.Process:
    """The live process ``pid``; ids of single threads do not count."""
    if pid <= 0 or pid == (4 if sys.platform == "win32" else 1):
        raise PauseRefused(f"process {pid} belongs to the operating system", _CHOOSE)
    try:
        process = psutil.Process(pid)
        if psutil.pid_exists(pid) and state(process) is not State.GONE:
            return process
    except psutil.NoSuchProcess:
        pass
    raise _gone(pid)


def _refuse_ancestor(root: psutil.Process, guarded: int) -> None:
    try:
        process = psutil.Process(guarded)
        line = [process, *process.parents()]
    except psutil.NoSuchProcess:
        return
    if root not in line:
        return
    if guarded != os.getpid():
        what = f"has process {guarded} below it, which must run on"
    elif root.pid == guarded:
        what = "is NitroPilot itself"
    else:
        what = "started NitroPilot, as a terminal does, and would pause it too"
    raise PauseRefused(f"{_label(root)} {what}", _CHOOSE)


def _leaves(process: psutil.Process, old: State, deadline: float) -> bool:
    """Wait until ``process`` is no longer ``old``; False when the time is over."""
    while state(process) is old:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _user(process: psutil.Process) -> int | str:
    if sys.platform == "win32":
        owner: int | str = process.username()
    else:
        owner = process.uids().real
    return owner


def _label(process: psutil.Process) -> str:
    try:
        return f"process {process.pid} ({process.name()})"
    except psutil.Error:
        return f"process {process.pid}"


def _gone(pid: int) -> ProcessGone:
    return ProcessGone(f"process {pid} is not running", "start the game and choose it again")


def _denied(process: psutil.Process) -> PauseRefused:
    return PauseRefused(
        f"the system does not let NitroPilot pause {_label(process)}",
        "run the game without administrator rights, or play without pausing",
    )
