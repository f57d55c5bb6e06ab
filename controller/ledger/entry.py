"""``Entry``: what one living process of ours has done to a game or made for it.

An entry is a file of lines, each a JSON object; later ones add to earlier ones, and a line that
a death cut off counts for nothing.  A line is written before the act that it tells of.  The file
is locked as long as its writer lives, and the system drops that lock at every kind of death: an
entry that can be locked is one whose writer is gone (``controller.ledger.heal``).
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.controller.errors import GameTaken, LedgerError
from nitropilot.controller.ledger.places import entries, open_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

LOCK_AT = 1 << 30
"""The byte that Windows locks: far behind the text, which others may go on reading."""
MOST_BYTES = 1 << 20
HEALING_S = 0.5
"""How long it may take until somebody who heals an entry is through."""
LOOK_S = 0.02


class Entry:
    """A locked entry; made with ``create`` or ``take``.

    Attributes:
        path: Its file.
        facts: What it says.
    """

    def __init__(self, path: Path, descriptor: int, facts: dict[str, Any]) -> None:
        self.path = path
        self.facts = facts
        self._descriptor = descriptor
        self._end = os.lseek(descriptor, 0, os.SEEK_END)
        self._freezes = self._noted = self._closed = False
        self._writing = threading.Lock()
        _open.add(self)

    @classmethod
    def create(cls, name: str, facts: dict[str, Any]) -> Entry:
        """Begin the entry ``name``.

        Raises:
            GameTaken: Another process has it.
            LedgerError: It cannot be written.
        """
        path = open_folder() / f"{name}.jsonl"
        try:
            for other in entries():  # whose writer could not use our folder
                if other.name == path.name and other != path:
                    cls._take_over(other)
            while (entry := cls._take_soon(path, make=True)) is None:
                pass  # its last holder removed it in this moment
            if entry.facts:  # who wrote them is dead: what they tell of is healed
                entry._heal()
                entry._clear()
            entry.note(**(_whoami() | facts))
        except OSError as error:
            raise LedgerError(
                f"cannot write {path}: {error.strerror}", "make room there, or free the folder"
            ) from error
        return entry

    @classmethod
    def _take_over(cls, path: Path) -> None:
        if (old := cls._take_soon(path)) is not None:
            old._heal()
            old.remove()

    @classmethod
    def _take_soon(cls, path: Path, make: bool = False) -> Entry | None:
        """As ``take``, but with patience for somebody who heals it just now."""
        end = time.monotonic() + HEALING_S
        while True:
            try:
                return cls.take(path, make)
            except GameTaken:
                if time.monotonic() > end:
                    raise
                time.sleep(LOOK_S)

    @classmethod
    def take(cls, path: Path, make: bool = False) -> Entry | None:
        """Lock an entry whose writer is gone; None if it has just been removed.

        Raises:
            GameTaken: Its writer lives.
            OSError: It cannot be opened.
        """
        flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags | (os.O_CREAT if make else 0), 0o600)
        try:
            if not _lock(descriptor):
                raise _taken(_read(descriptor))
            if not _names(path, descriptor):
                os.close(descriptor)
                return None
            return cls(path, descriptor, _read(descriptor))
        except BaseException:
            with suppress(OSError):
                os.close(descriptor)
            raise

    def note(self, **facts: Any) -> None:
        """Write down what will be done or made now.

        Raises:
            OSError: That did not work, and nothing is to be done.
        """
        with self._writing:
            self.facts |= facts
            size = self._write(facts)
            if self._freezes:
                self._noted = True
            else:
                self._end += size

    def freezing(self, processes: Iterable[tuple[int, str]]) -> None:
        """Write down that these processes will be stopped, on top of what is stopped.

        Args:
            processes: Ids, each with the ``birth`` of its process.

        Raises:
            OSError: That did not work, and nothing is to be stopped.
        """
        with self._writing:
            self._write({"frozen": [*processes]})
            self._freezes = True

    def thawed(self) -> None:
        """Nothing is stopped any more."""
        # What runs is told to run once more, which harms nobody.
        with self._writing, suppress(OSError):
            if self._noted:  # behind what was stopped: it must not be cut off with that
                self._write({"thawed": True})
                self._end = os.lseek(self._descriptor, 0, os.SEEK_END)
            else:
                os.ftruncate(self._descriptor, self._end)
            self._freezes = self._noted = False

    def remove(self) -> None:
        """There is nothing left to heal.  Safe to call twice, and after ``close``."""
        if self._closed:
            with suppress(OSError, GameTaken):
                if (again := Entry.take(self.path)) is not None:
                    again.remove()
            return
        if sys.platform == "win32":  # which removes no open file
            self.close()
        with suppress(OSError):
            self.path.unlink()
        self.close()

    def close(self) -> None:
        """Leave the entry to whoever heals it.  Safe to call twice."""
        if not self._closed:
            self._closed = True
            os.close(self._descriptor)

    def _write(self, facts: dict[str, Any]) -> int:
        line = json.dumps(facts).encode() + b"\n"
        end = os.lseek(self._descriptor, 0, os.SEEK_END)
        if os.write(self._descriptor, line) != len(line):
            os.ftruncate(self._descriptor, end)  # or the next line would go on with half a one
            raise OSError(28, "no space left")
        return len(line)

    def _heal(self) -> None:
        from nitropilot.controller.ledger.heal import heal

        heal(self.facts)

    def _clear(self) -> None:
        os.ftruncate(self._descriptor, 0)
        self.facts, self._end, self._freezes, self._noted = {}, 0, False, False


_open: weakref.WeakSet[Entry] = weakref.WeakSet()


def _close_in_fork() -> None:
    """A fork would keep the lock after its parent's death."""
    for entry in list(_open):
        entry.close()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_close_in_fork)


def _taken(facts: dict[str, Any]) -> GameTaken:
    who, pid = facts.get("owner_name", "another NitroPilot"), facts.get("owner", "unknown")
    error = GameTaken(
        f"{who} (process {pid}) already plays this game", "end that one first, or let it play"
    )
    error.facts = facts
    return error


def called() -> str:
    """What this process is called, such as ``nitropilot serve``."""
    program = Path(sys.argv[0] if sys.argv else "")
    name = program.parent.name if program.name == "__main__.py" else program.name
    words = [name, *(Path(word).name for word in sys.argv[1:2] if not word.startswith("-"))]
    return " ".join(filter(None, words)) or "nitropilot"


def _whoami() -> dict[str, Any]:
    return {"owner": os.getpid(), "owner_name": called(), **world()}


def world() -> dict[str, str]:
    """What process ids are told in: this boot, and this namespace of ids."""
    found = {"boot": "", "namespace": ""}
    if sys.platform == "linux":
        with suppress(OSError):
            found["boot"] = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            found["namespace"] = str(Path("/proc/self/ns/pid").readlink())
    return found


def _read(descriptor: int) -> dict[str, Any]:
    """All lines as one; what is stopped adds up, until all of it runs again."""
    facts: dict[str, Any] = {}
    os.lseek(descriptor, 0, os.SEEK_SET)
    frozen: list[Any] = []
    for line in os.read(descriptor, MOST_BYTES).split(b"\n"):
        try:
            part = json.loads(line)
        except ValueError:  # cut off, so what it tells of was not done
            continue
        if isinstance(part, dict):
            if part.pop("thawed", False):
                frozen = []
            stopped = part.pop("frozen", [])
            frozen += stopped if isinstance(stopped, list) else []
            facts |= part
    return facts | ({"frozen": frozen} if frozen else {})


def _lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, LOCK_AT, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _names(path: Path, descriptor: int) -> bool:
    """Whether the file of that name is the one that was locked."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except OSError:
        return False
