"""The signals that ask a command to end in good order."""

from __future__ import annotations

import signal
import sys


def ending_signals() -> list[signal.Signals]:
    """Ctrl-C, ``kill`` and, unless ``nohup`` has it ignored, the end of the terminal."""
    found = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        found.append(signal.SIGBREAK)
    elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        found.append(signal.SIGHUP)
    return found
