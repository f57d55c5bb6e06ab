"""A window of another user's process: opened as root, who then becomes that user.

usage: python -m tests.server.foreign_window DISPLAY UID
"""

from __future__ import annotations

import os
import sys

from tests.capture.xwindow import XWindow

assert sys.platform != "win32"


def main(display: str, uid: str) -> None:
    numbers = {"_NET_WM_PID": [os.getpid()]}
    with XWindow(display, (0, 0, 300, 200), title="theirs", numbers=numbers) as window:
        os.setuid(int(uid))
        print(window.handle, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
