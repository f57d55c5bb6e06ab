"""Says which thread of a game keeps a step from ending, as far as ``/proc`` tells."""

from __future__ import annotations

from pathlib import Path

STATES = {"R": "runs", "S": "waits", "D": "waits for a disk", "T": "is stopped", "t": "is traced"}
_FUTEX = {"x86_64": "202", "aarch64": "98"}
MOST_NAMED = 4


def runs(pid: int) -> bool:
    """Whether a process is there that has not ended; a zombie has."""
    return _state(Path(f"/proc/{pid}")) not in ("", "Z", "X")


def hanging_threads(pid: int, main: int) -> str:
    """A sentence of the main thread's state and of those threads that run.

    Args:
        pid: The game's process.
        main: Id of the thread that presents.
    """
    folder = Path(f"/proc/{pid}/task")
    said = [f"its main thread {_named(folder / str(main))} {_does(folder / str(main))}"]
    busy = [
        _named(task)
        for task in sorted(folder.glob("*"))
        if task.name != str(main) and _state(task) in ("R", "D")
    ]
    if busy:
        more = f" and {len(busy) - MOST_NAMED} more" if len(busy) > MOST_NAMED else ""
        said.append(f"{', '.join(busy[:MOST_NAMED])}{more} run" + ("s" if len(busy) == 1 else ""))
    return ", ".join(said)


def _named(task: Path) -> str:
    try:
        name = (task / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        name = "gone"
    return f"{task.name} ({name})"


def _does(task: Path) -> str:
    state = _state(task)
    if state == "S":
        try:
            call = (task / "syscall").read_text(encoding="ascii").split()[0]
        except (OSError, IndexError):
            call = ""
        return "waits for another thread" if call in _FUTEX.values() else "waits for something"
    return STATES.get(state, "has ended")


def _state(task: Path) -> str:
    try:
        return (task / "stat").read_bytes().rpartition(b")")[2].split()[0].decode()
    except (OSError, IndexError):
        return ""
