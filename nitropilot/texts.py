"""Names that are bytes to the system, and text to everybody else.

A file's or a process's name may hold bytes that are no UTF-8: a Latin-1 name from an old disk,
a name that the system cut off in the middle of a letter.  Python has such a byte as half of a
surrogate pair, which no JSON, no page and no terminal takes.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SURROGATE = re.compile("[\ud800-\udfff]")
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_DESCRIPTORS = Path("/proc/self/fd")


def shown(name: str | os.PathLike[str]) -> str:
    """A name as text: what is no text in it becomes U+FFFD."""
    return _SURROGATE.sub(_UNKNOWN, os.fspath(name))


def meant(path: str | os.PathLike[str]) -> Path:
    """The path that somebody means who was shown it; as given, if that is not one file alone."""
    given = Path(path)
    if _UNKNOWN not in str(given) or given.exists():
        return given
    found = Path(given.anchor)
    for part in given.parts[1 if given.anchor else 0 :]:
        fitting = [part]
        if _UNKNOWN in part and found.is_dir():
            fitting = [name for name in os.listdir(found) if shown(name) == part]  # noqa: PTH208
        if len(fitting) != 1:
            return given
        found /= fitting[0]
    return found


@contextmanager
def text_path(path: Path) -> Iterator[str]:
    """A file's path for a library that takes text alone; good until the block ends.

    Raises:
        OSError: The file cannot be opened.
    """
    if shown(path) == str(path) or not _DESCRIPTORS.is_dir():
        yield str(path)
        return
    with path.open("rb") as file:
        yield str(_DESCRIPTORS / str(file.fileno()))
