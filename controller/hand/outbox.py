"""What a hand says to its daemon: lines on stdout."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Any

from nitropilot.controller.hand.protocol import encode

STDOUT = 1
_writing = threading.Lock()


def say(*message: Any) -> None:
    """One message; from any thread.  Nobody may be there to read it."""
    with suppress(OSError), _writing:
        os.write(STDOUT, encode(*message))
