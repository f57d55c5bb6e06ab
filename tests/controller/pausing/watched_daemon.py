"""A stand-in for the daemon: freezes a game under a watchdog, then ends as it is told.

usage: python -m tests.controller.pausing.watched_daemon PID FREEZE_LIMIT END [PAGE]
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from nitropilot.controller.pads.pad_page import PadPage
from nitropilot.controller.pausing.pauser import Pauser
from nitropilot.controller.pausing.watchdog import Watchdog
from nitropilot.controller.state import Button, GamepadState

assert sys.platform != "win32"


def main(pid: str, limit: str, end: str, *pages: str) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    page = Path(pages[0]) if pages else None
    pauser = Pauser(int(pid))
    watchdog = Watchdog.start(int(pid), page=page, freeze_limit=float(limit))
    watchdog.freezing()
    pauser.freeze()
    if page is not None:
        PadPage.open(page).write(GamepadState(left=(1.0, 0.0), buttons=Button.A))
    children = _children() if end == "children" else []
    print(watchdog.pid, *children, flush=True)
    if end == "sys.exit":
        sys.exit(3)
    if end == "os._exit":
        os._exit(0)
    if end == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(600)


def _children() -> list[int]:
    """A program that inherits all it can, and a fork of this process."""
    program = subprocess.Popen(["sleep", "600"], close_fds=False)
    fork = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    fork.start()
    assert fork.pid is not None
    return [program.pid, fork.pid]


if __name__ == "__main__":
    main(*sys.argv[1:])
