"""Where the user's files may lie: a home that may be missing, and a cache that may be shut.

What is cached is made again at need, so a cache that cannot be written costs time and no play:
a private folder among the machine's temporary files stands in for it.
"""

from __future__ import annotations

import logging
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from nitropilot.errors import NitroPilotError

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("nitropilot.places")

_said: set[Path | None] = set()
"""Caches of which it was said that they cannot be used."""


class NoPlace(NitroPilotError):
    """A folder for the user's files is not to be had."""

    code = "no_place"


def home() -> Path | None:
    """The user's home; None for a user without an account where ``HOME`` is not set."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def spelled(path: Path | str) -> Path:
    """A path as people write it, from the root: libraries read "~" and "." in ways of their own."""
    with suppress(RuntimeError):  # "~" of nobody: then it is a name like any other
        path = Path(path).expanduser()
    return Path(path).absolute()


def of_the_user(usual: Callable[[], str], variable: str) -> Path:
    """A folder in the user's home.

    Args:
        usual: Names it, as ``platformdirs`` does.
        variable: What names another in its place.

    Raises:
        NoPlace: There is no home.
    """
    named = os.environ.get(variable)
    if named:
        return spelled(named)
    path = _path(usual)
    if path is not None:
        return path
    at = os.environ.get("HOME")
    why = "HOME is not set and this user has no account" if at is None else f"HOME is {at!r}"
    raise NoPlace(f"there is no home folder: {why}", f"set HOME, or name a folder in {variable}")


def _path(usual: Callable[[], str]) -> Path | None:
    """What platformdirs names; None where there is no home: some versions of it raise then."""
    try:
        path = Path(usual())
    except RuntimeError:
        return None
    return path if path.is_absolute() else None


def system_cache() -> Path | None:
    """Where the system has NitroPilot's cache; None without a home."""
    return _path(lambda: platformdirs.user_cache_dir("nitropilot"))


def user_cache() -> Path | None:
    """What ``NITROPILOT_CACHE`` names, or the system's place; None without a home."""
    named = os.environ.get("NITROPILOT_CACHE")
    return spelled(named) if named else system_cache()


def cache_root(wanted: Path | None, *, without: str = "") -> Path:
    """The cache, made if needed; or, where it cannot be written, what stands in for it.

    Args:
        wanted: Where it should be; None if there is no home.
        without: Characters that its path must not have.

    Raises:
        NoPlace: Nothing stands in for it either.
    """
    if wanted is not None and set(without) & set(str(wanted)):
        return _private_temporary()
    why = _unusable(wanted) if wanted is not None else "there is no home folder"
    if wanted is not None and not why:
        return wanted
    instead = _private_temporary()
    if wanted not in _said:
        _said.add(wanted)
        name = wanted or "of this user"
        log.warning("the cache %s cannot be used: %s; %s is used", name, why, instead)
    return instead


def _unusable(folder: Path) -> str:
    """Why nothing can be kept in a folder; or ""."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _ours(folder.stat()):
            return "it belongs to another user"
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _private_temporary() -> Path:
    """The one folder of this user among the temporary files; nobody else can write there."""
    try:
        user = f"-{os.geteuid()}" if hasattr(os, "geteuid") else ""
        folder = Path(tempfile.gettempdir()) / f"nitropilot{user}"
        folder.mkdir(mode=0o700, exist_ok=True)
        info = folder.lstat()  # not what a link of somebody's leads to
    except OSError as error:
        raise NoPlace(
            f"there is no folder for temporary files: {error.strerror}",
            "set TMPDIR to a folder that you can write to",
        ) from None
    shut = not hasattr(os, "geteuid") or stat.S_IMODE(info.st_mode) & 0o077 == 0
    if not (stat.S_ISDIR(info.st_mode) and _ours(info) and shut):
        raise NoPlace(f"{folder} is not a private folder of this user", "remove it, or set TMPDIR")
    return folder


def _ours(info: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or info.st_uid == os.geteuid()
