"""All processes of one launch, also those that whoever was started first has left behind.

A game may be started by a script that ends at once, or show its window in a second process
after a launcher has ended.  Descendants are known by their parents, by the session that the
first process leads, and by a mark in their environment, which only few lose.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from nitropilot import capture
from nitropilot.agent.target.windows import largest
from nitropilot.capture.errors import WindowNotFound
from nitropilot.controller.processes import (
    END_PATIENCE_S,
    END_ROUNDS,
    LAUNCH_VARIABLE,
    State,
    descendants,
    end_all,
    state,
)

if TYPE_CHECKING:
    from nitropilot.capture import Window


@dataclass
class LaunchTree:
    """The processes of one launch.

    Attributes:
        mark: The value of ``LAUNCH_VARIABLE`` in their environment.
        process: The one that was started, once it was; it leads a session.
    """

    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    process: subprocess.Popen[bytes] | None = None

    def owns(self, pid: int | None) -> bool:
        """Whether a process belongs to the launch."""
        if pid is None or self.process is None:
            return False
        root = self._root_pid()
        return pid == root or self._marked(pid) or (root is not None and pid in descendants(root))

    def members(self) -> list[psutil.Process]:
        """All processes of the launch."""
        found = {one for one in psutil.process_iter() if self._marked(one.pid)}
        if (root := self._root_pid()) is not None:
            with suppress(psutil.NoSuchProcess):
                first = psutil.Process(root)
                found |= {first, *first.children(recursive=True)}
        return list(found)

    def running(self) -> bool:
        """Whether any process of the launch has not ended."""
        if self.process is not None and self.process.poll() is None:
            return True
        return any(state(member) is not State.GONE for member in self.members())

    def window(self, display: str | None) -> Window:
        """The window of the launch, the largest of several.

        Raises:
            WindowNotFound: It has none (yet).
            NoDisplay: There is no such display.
        """
        found = [one for one in capture.list_windows(display) if self.owns(one.pid)]
        if not found:
            raise WindowNotFound("the game has no window")
        return largest(found)

    def end(self, patience: float) -> None:
        """End all processes, also those that one of them starts meanwhile: politely, then not.

        Args:
            patience: Seconds between the one and the other.
        """
        for _ in range(END_ROUNDS):
            if members := self.members():
                end_all(members, patience)
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):  # one that the system itself holds up
                self.process.wait(END_PATIENCE_S)

    def _root_pid(self) -> int | None:
        """The id of the process that was started; None once a stranger has it."""
        if self.process is None:
            return None
        if self.process.returncode is not None and psutil.pid_exists(self.process.pid):
            return None
        return self.process.pid

    def _marked(self, pid: int) -> bool:
        """Whether a process is of the session that was begun for the launch, or has its mark."""
        root = self._root_pid()
        if root is not None and _session(pid) == root:
            return True
        try:
            return psutil.Process(pid).environ().get(LAUNCH_VARIABLE) == self.mark
        except (psutil.Error, OSError):
            return False


def _session(pid: int) -> int | None:
    session = None
    if sys.platform != "win32":
        with suppress(OSError):
            session = os.getsid(pid)
    return session
