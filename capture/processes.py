"""What the system says about the process behind a window."""

from __future__ import annotations

import psutil

from nitropilot.texts import shown

SHORTENED = 15
"""Letters of a process's name that Linux keeps."""


def names_of(pid: int | None) -> tuple[str, ...]:
    """All names that a process goes by, as text, its own first; none when it is gone or not ours
    to see.

    Its own may be that of its main thread, which games change, and is cut short.  The program's
    file is an interpreter's or Wine's for many games; the first word of its command line then
    names the game, a Windows path under Wine.
    """
    if pid is None:
        return ()
    try:
        process = psutil.Process(pid)
        own, word = process.name(), _last(_first(process))
    except psutil.Error:
        return ()
    if len(own) == SHORTENED and word.startswith(own):
        own = word
    names = (own, word, _last(_file(process)))
    return tuple(dict.fromkeys(shown(name) for name in names if name))


def family(pid: int) -> frozenset[int]:
    """A process id together with those of its children, their children and so on."""
    try:
        children = psutil.Process(pid).children(recursive=True)
    except (psutil.Error, ValueError):  # ValueError: no process id can be negative
        children = []
    return frozenset({pid, *(child.pid for child in children)})


def _first(process: psutil.Process) -> str:
    """The first word of a process's command line, or ""."""
    try:
        return next(iter(process.cmdline()), "")
    except (psutil.Error, OSError):
        return ""


def _file(process: psutil.Process) -> str:
    """The file that a process runs, or ""."""
    try:
        return process.exe()
    except (psutil.Error, OSError):
        return ""


def _last(path: str) -> str:
    """The last part of a path of either system."""
    return path.replace("\\", "/").rpartition("/")[2]
