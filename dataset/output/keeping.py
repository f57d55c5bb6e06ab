"""``kept_from_others``: a data set is written by one process at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from nitropilot.dataset.errors import NotExtracted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def kept_from_others(lock: Path, out: Path) -> Iterator[None]:
    """Keep other processes out of a data set, until the block or the process ends.

    Args:
        lock: The file by which they know.
        out: The set.

    Raises:
        NotExtracted: Another one is in it.
    """
    held = FileLock(lock, timeout=0)
    try:
        held.acquire()
    except Timeout:
        raise NotExtracted(
            f"{out} is being written by another process", "wait until it ends"
        ) from None
    try:
        yield
    finally:
        held.release()
