"""Files that are complete or absent, and an append that is on the disk when it returns."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from nitropilot.simulator.benchmark.results.episode import Attached
from nitropilot.simulator.benchmark.results.errors import NotWritten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RUN, EPISODES, TRACES, VIDEOS, LOCK = "run.json", "episodes.jsonl", "traces", "videos", ".lock"
PART = ".part"
"""What the name of something incomplete ends in."""
PIECE = 2**20


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file beside, to the disk, and give it its name.

    Raises:
        NotWritten: That cannot be done; what had the name still has it.
    """
    part = path.with_name(path.name + PART)
    with told(path):
        try:
            with part.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            sync_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise


def sync_folder(folder: Path) -> None:
    """Have a folder's names on the disk as well; Windows does that by itself."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Have what the system says told as our own error."""
    try:
        yield
    except OSError as error:
        raise NotWritten(
            f"cannot write {path}: {error.strerror or error}",
            "make room, or name another folder; the run can be resumed",
        ) from error


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def attached(folder: Path, path: Path) -> Attached:
    """A file of an episode, such as its video, that lies in the result's folder.

    Raises:
        OSError: It cannot be read.
        ValueError: It lies elsewhere, or its name has other characters than files of ours.
    """
    name = path.resolve().relative_to(folder.resolve()).as_posix()
    return Attached(file=name, sha256=file_digest(path))
