"""What the system says about the process behind a window."""

from __future__ import annotations

import psutil

from nitropilot.texts import shown


def executable_name(pid: int | None) -> str:
    """The name of a process as text, or an empty one when it is gone or not ours to see."""
    if pid is None:
        return ""
    try:
        return shown(psutil.Process(pid).name())
    except psutil.Error:
        return ""


def family(pid: int) -> frozenset[int]:
    """A process id together with those of its children, their children and so on."""
    try:
        children = psutil.Process(pid).children(recursive=True)
    except (psutil.Error, ValueError):  # ValueError: no process id can be negative
        children = []
    return frozenset({pid, *(child.pid for child in children)})
