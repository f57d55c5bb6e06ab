"""The files of a game: what its processes have loaded, and the folders that it lives in."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from nitropilot.places import home

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CLIMB = 3
"""Folders above a program's that are still the game's: ``Game/Binaries/Win64`` of Unreal."""
MAX_NAMES = 5000
"""Entries of a folder that are looked at; a game's own has fewer."""
SHARED = {
    "common", "steamapps", "games", "usr", "opt", "local", "home", "users", "tmp", "windows",
    "program files", "program files (x86)", "applications", "desktop", "downloads", "documents",
    "xboxgames", "epic games", "gog games", "drive_c",
}  # fmt: skip
"""Names of folders that many games or programs share: they are not climbed into."""
SYSTEM = ("/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/nix/store/", "/snap/", "/app/")


def loaded_files(pid: int) -> Iterator[str]:
    """Paths of the files that a process has mapped; none where that cannot be read."""
    if sys.platform == "linux":
        try:
            with Path(f"/proc/{pid}/maps").open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    if (start := line.find("/")) >= 0:
                        yield line[start:].rstrip("\n").removesuffix(" (deleted)")
        except OSError:
            return
    else:
        try:
            yield from (mapped.path for mapped in psutil.Process(pid).memory_maps())
        except (psutil.Error, OSError):
            return


def folders_of(
    program: str, arguments: Iterable[str], pid: int | None, cwd: str = ""
) -> list[Path]:
    """The folders that a game lives in, its program's own first, each once.

    Args:
        program: Path of the executable, or "".
        arguments: Of the program.  A path among them is a script of an interpreter, or the
            game of a launcher.
        pid: The process, when it runs: Wine maps the Windows program that it runs.
        cwd: What relative paths among the arguments are relative to; "" leaves them out.
    """
    programs = [program] if program else []
    programs += [file for word in arguments if (file := _file(word, cwd))]
    if pid is not None:
        programs += [path for path in loaded_files(pid) if path.lower().endswith(".exe")]
    found: dict[Path, None] = {}
    for path in programs:
        found |= dict.fromkeys(_climb(Path(path).absolute().parent))
    return list(found)


def names_in(folder: Path) -> list[str]:
    """What lies in a folder; nothing if it cannot be listed."""
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) >= MAX_NAMES:
                    break
    except OSError:
        pass
    return names


def _file(word: str, cwd: str) -> str:
    """The absolute path of an argument, if it is a file; otherwise ""."""
    if word.startswith("-") or not word:
        return ""
    path = Path(cwd, word)
    try:
        return str(path) if path.is_absolute() and path.is_file() else ""
    except (OSError, ValueError):
        return ""


def _climb(folder: Path) -> Iterator[Path]:
    """A program's folder, and those above it that may be the same game's."""
    yield folder
    if f"{folder.as_posix()}/".startswith(SYSTEM):
        return
    for above in list(folder.parents)[:CLIMB]:
        if above.name.lower() in SHARED or above == home() or not above.name:
            return
        yield above
