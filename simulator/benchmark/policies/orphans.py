"""``Pipes``: a child's end of the two pipes; a child without a parent ends.

A thread reads what comes.  When that ends, whoever wanted this process is gone, however it went:
this process has some seconds to put things in order, then it and all that it started are killed.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from nitropilot.engines.errors import WireError
from nitropilot.mailbox import Mailbox
from nitropilot.simulator.benchmark.policies.wire import receive, send

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE_S = 5.0
"""For a process whose parent is gone."""


class Pipes:
    """Takes stdin and stdout away from everybody else in this process.

    Args:
        gone: Called, in the reader's thread, when the parent is gone.
    """

    def __init__(self, gone: Callable[[], None] | None = None) -> None:
        self._gone = gone
        self._in = os.fdopen(os.dup(0), "rb")
        self._out = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)  # what a library prints is no message
        self._lock = threading.Lock()
        self._box: Mailbox[dict[str, Any] | None] = Mailbox()
        threading.Thread(target=self._read, name="nitropilot-pipe", daemon=True).start()

    def send(self, message: dict[str, Any]) -> None:
        """Tell the parent; one that is gone hears nothing."""
        with self._lock:
            try:
                send(self._out, message)
            except OSError:
                return

    def receive(self, timeout: float | None = None) -> dict[str, Any] | None:
        """The next message; None when there will be none.

        Raises:
            queue.Empty: None came in time.
        """
        return self._box.get(timeout)

    def take(self) -> dict[str, Any] | None:
        """A message that is there already; None when there is none."""
        try:
            return self._box.get_nowait()
        except queue.Empty:
            return None

    def _read(self) -> None:
        try:
            while (message := receive(self._in)) is not None:
                self._box.put(message)
        except WireError as error:
            sys.stderr.write(f"{error}\n")
        self._box.put(None)
        if self._gone is not None:
            self._gone()
        time.sleep(GRACE_S)
        end_all_of_us()


def end_all_of_us() -> None:
    """Kill this process and all that it started, where they are a session of their own."""
    if sys.platform != "win32" and os.getsid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
