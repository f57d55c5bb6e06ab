"""How threads of one process share the interpreter."""

from __future__ import annotations

import sys

SWITCH_S = 0.0005


def switch_often() -> None:
    """Let no thread keep the interpreter for more than half a millisecond while another wants it.

    A network gives the interpreter away at each of its hundreds of steps, and with Python's own
    5 ms it would wait so long each time for a thread that answers a request, or draws a video: a
    chunk of milliseconds would take seconds on a slow machine.
    """
    sys.setswitchinterval(SWITCH_S)
