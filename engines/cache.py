"""The cache of compiled policies: folders of files that are complete, ours and unchanged.

    ~/.cache/nitropilot/engines/openvino/4f2a.../
        about.json      what was built from what, and each file's SHA-256
        frames.blob     what the engine's library wrote

A compiled policy is as good as code: it is made here, never fetched, readable by its
owner alone, and checked before a library is let near it.  An entry is written beside and
renamed, so it is complete or absent; one that is damaged is removed and built again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import stat
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.engines.errors import EngineError
from nitropilot.places import cache_root, user_cache

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = logging.getLogger("nitropilot.engines")

ABOUT = "about.json"
ABANDONED_S = 3600.0
"""Age of a folder being built after which nobody is building it any more."""
KEPT = 8
"""Entries kept for each engine; those not used for longest make room."""


class CacheDamaged(EngineError):
    """An entry is not what was written; it can be built again."""

    code = "cache_damaged"


@dataclass(frozen=True)
class Entry:
    """A complete entry.

    Attributes:
        folder: Where its files are.
        about: What its builder noted; ``files`` holds their digests.
    """

    folder: Path
    about: Mapping[str, Any]

    def checked(self, name: str) -> Path:
        """A file of the entry, once its content was compared with what was written.

        Raises:
            CacheDamaged: It is not the same.
        """
        path = self.folder / name
        try:
            wanted = self.about["files"][name]
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, LookupError, TypeError) as error:
            raise CacheDamaged(f"{path}: {error}") from None
        if found != wanted:
            raise CacheDamaged(f"{path} has changed since it was written")
        return path


def key_of(facts: Mapping[str, object]) -> str:
    """A name for what is built from ``facts``: any other fact gives another name."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def cache_folder(*parts: str) -> Path:
    """A folder in NitroPilot's cache, made if needed; only this user can read or write it.

    ``NITROPILOT_CACHE`` names another place for the cache; see ``nitropilot.places`` for where it
    is if that cannot be written.

    Raises:
        EngineError: It cannot be made, or belongs to somebody else.
        NoPlace: It cannot be anywhere.
    """
    folder = cache_root(user_cache())
    try:
        for part in ("", *parts):
            folder = folder / part
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_ours(folder)
    except OSError as error:
        raise EngineError(
            f"cannot keep compiled policies in {folder}: {error.strerror}",
            "set NITROPILOT_CACHE to a folder that you can write to",
        ) from error
    return folder


def _make_ours(folder: Path) -> None:
    if sys.platform != "win32":  # there, a profile's folders are the user's own
        info = folder.stat()
        if info.st_uid != os.geteuid():
            raise EngineError(
                f"{folder} belongs to user {info.st_uid}, not {os.geteuid()}",
                f"remove {folder}, or set NITROPILOT_CACHE to a folder of yours",
            )
        if stat.S_IMODE(info.st_mode) & 0o022:
            folder.chmod(stat.S_IMODE(info.st_mode) & ~0o022)


def find(engine: str, key: str) -> Entry | None:
    """The entry for ``key``; None when there is none, or none that can be read."""
    folder = cache_folder("engines", engine) / key
    try:
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        if not isinstance(about, dict):
            raise ValueError("not an object")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.warning("the compiled policy in %s is damaged (%s): building it again", folder, error)
        remove(engine, key)
        return None
    with suppress(OSError):
        os.utime(folder)
    return Entry(folder, about)


def remove(engine: str, key: str) -> None:
    """Forget an entry."""
    shutil.rmtree(cache_folder("engines", engine) / key, ignore_errors=True)


@contextmanager
def new_entry(engine: str, key: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A folder to fill and a dict to note in; both become the entry when the block ends well.

    Raises:
        EngineError: The disk is full, say.
    """
    home = cache_folder("engines", engine)
    working = Path(tempfile.mkdtemp(prefix=".building-", dir=home))
    try:
        about: dict[str, Any] = {}
        yield working, about
        about["files"] = {path.name: _seal(path) for path in sorted(working.iterdir())}
        (working / ABOUT).write_text(json.dumps(about, indent=1), "utf-8")
        remove(engine, key)
        _place(working, home / key)
    except OSError as error:
        raise EngineError(
            f"cannot write the compiled policy to {home}: {error.strerror or error}",
            "make room on the disk, or name another folder in NITROPILOT_CACHE",
        ) from error
    finally:
        shutil.rmtree(working, ignore_errors=True)
    _prune(home)


def _place(working: Path, entry: Path) -> None:
    try:
        working.rename(entry)
    except OSError:
        if not (entry / ABOUT).is_file():  # or another process has just built the same
            raise


def _seal(path: Path) -> str:
    path.chmod(0o600)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _prune(home: Path) -> None:
    """Remove what was not used for longest, and what a killed build left."""
    entries = [path for path in home.iterdir() if path.is_dir()]
    built = sorted(
        (path for path in entries if not path.name.startswith(".")),
        key=lambda path: path.stat().st_mtime,
    )
    now = time.time()
    for path in entries:
        if path.name.startswith(".") and now - path.stat().st_mtime > ABANDONED_S:
            shutil.rmtree(path, ignore_errors=True)
    for path in built[:-KEPT]:
        log.info("removing the compiled policy %s, which was not used for longest", path.name)
        shutil.rmtree(path, ignore_errors=True)
