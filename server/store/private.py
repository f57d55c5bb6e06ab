"""Private files: only the user may read them, written complete or not at all, by one at a time."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.server.errors import TokenFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK_PATIENCE_S = 10.0
LOCK_LOOK_EVERY_S = 0.02
REPLACE_PATIENCE_S = 2.0
"""How long a file may be in somebody's hands: on Windows it cannot be replaced while it is read."""
IN_USE = (5, 32)
"""Windows' errors for that: access denied, sharing violation."""


def write_private(path: Path, text: str) -> None:
    """Write ``text`` beside, private from the first byte on, then give it its name.

    Raises:
        OSError: It cannot be written; what was there before is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}-")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _replace(part: Path, path: Path) -> None:
    """Give a file its name, once those who read the one that has it are done."""
    until = time.monotonic() + REPLACE_PATIENCE_S
    while True:
        try:
            part.replace(path)
        except PermissionError as error:
            if getattr(error, "winerror", None) not in IN_USE or time.monotonic() >= until:
                raise
            time.sleep(LOCK_LOOK_EVERY_S)
        else:
            return


def refuse_if_shared(path: Path, what: str = "token file") -> None:
    """Refuse a file that others can read or have put there.

    On Windows the profile folder's access list keeps other users out.

    Raises:
        TokenFileError: Others can read it, or it is another user's.
        OSError: It cannot be looked at.
    """
    if sys.platform != "win32":
        status = path.stat()
        mode = stat.S_IMODE(status.st_mode)
        if status.st_uid != os.getuid():
            raise TokenFileError(
                f"the {what} {path} belongs to another user ({status.st_uid})", "delete it"
            )
        if mode & 0o077:
            raise TokenFileError(
                f"others can read the {what} {path} (mode {mode:o})",
                f"delete it, or run: chmod 600 {path}",
            )


@contextmanager
def locked(path: Path, patience_s: float = LOCK_PATIENCE_S) -> Iterator[None]:
    """Be the only process in this block for ``path``; the lock is a file beside it.

    The operating system frees the lock of a process that dies.

    Args:
        path: What to lock.
        patience_s: How long to wait for another process; 0 tries once.

    Raises:
        TimeoutError: Another process did not let go.
        OSError: The lock cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        until = time.monotonic() + patience_s
        while not _try_lock(descriptor):
            if time.monotonic() >= until:
                raise TimeoutError(f"{path} is being written by another process")
            time.sleep(LOCK_LOOK_EVERY_S)
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
