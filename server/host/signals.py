"""The signals that ask a command to end in good order."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from nitropilot.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    Handler = Callable[[int, FrameType | None], None]


def ending_signals() -> list[signal.Signals]:
    """Ctrl-C, ``kill`` and, unless ``nohup`` has it ignored, the end of the terminal."""
    found = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        found.append(signal.SIGBREAK)
    elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        found.append(signal.SIGHUP)
    return found


def reloading_signals() -> list[signal.Signals]:
    """SIGHUP, where no terminal is there whose end it could tell of."""
    found: list[signal.Signals] = []
    if sys.platform != "win32" and not any(os.isatty(fd) for fd in (0, 1, 2)):
        found.append(signal.SIGHUP)
    return found


def in_another_thread(act: Callable[[int], object]) -> Handler:
    """A signal handler that has another thread call ``act`` with the signal's number.

    A handler interrupts the main thread anywhere, so it must not wait for a lock that
    the main thread may hold.  Even the start of a thread takes one; a mailbox does not.
    """
    arrived: Mailbox[int] = Mailbox()

    def wait_and_act() -> None:
        while True:
            act(arrived.get())

    threading.Thread(target=wait_and_act, name="signals", daemon=True).start()
    return lambda number, _frame: arrived.put(number)
