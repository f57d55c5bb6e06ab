"""The files of a game: what its processes have loaded, and the folders that it lives in."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from nitropilot.places import home

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HOME_PARTS = 4
"""Of /home/me, /var/home/me, C:\\Users\\me: deeper, a folder of that name is anything."""
CLIMB = 3
"""Folders above a program's that are still the game's: ``Game/Binaries/Win64`` of Unreal."""
MAX_NAMES = 5000
"""Entries of a folder that are looked at; a game's own has fewer."""
MANY_GAMES = 12
"""So many programs, or folders with programs in them, lie in a folder of many games."""
LOOKED_INTO = 200
"""Folders of a folder, and entries of each, in which programs are looked for."""
SHARED = {
    "steamapps", "games", "usr", "opt", "home", "users", "tmp", "temp", "drive_c",
    "program files", "program files (x86)", "applications", "desktop", "downloads", "documents",
    "xboxgames", "epic games", "gog games",
}  # fmt: skip
"""Names of folders that many games or programs share."""
SHARED_IN = {"common": {"steamapps"}, "windows": {"", "drive_c"}, "local": {"usr", "appdata"}}
"""Names that say so only in these folders: a game may have a ``Windows`` of its own."""
PROGRAM_SUFFIXES = {"", ".appimage", ".sh", ".x86", ".x86_64"}
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
) -> list[list[Path]]:
    """The folders that a game lives in: for each of its programs its own, and those above it.

    Folders that are shared with other games or programs are none of them.

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
    homes = dict.fromkeys(Path(path).absolute().parent for path in programs)
    return [climbed for home in homes if (climbed := list(_climb(home)))]


def holds_many_games(folder: Path) -> bool:
    """Whether so many programs lie in a folder, or in its folders, that it is no game's own."""
    found = looked_into = 0
    for name in names_in(folder):
        path = folder / name
        if path.is_dir() and looked_into < LOOKED_INTO:
            looked_into += 1
            found += any(_is_program(path / inside) for inside in names_in(path, LOOKED_INTO))
        else:
            found += _is_program(path)
        if found >= MANY_GAMES:
            return True
    return False


def names_in(folder: Path, most: int = MAX_NAMES) -> list[str]:
    """What lies in a folder, up to ``most``; nothing if it cannot be listed."""
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name)
                if len(names) >= most:
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
    system = f"{folder.as_posix()}/".startswith(SYSTEM)
    for place in [folder, *folder.parents][: 1 if system else CLIMB + 1]:
        if _is_shared(place):
            return
        yield place


def _is_shared(folder: Path) -> bool:
    """Whether a folder is, by its place or its rights, not one game's own."""
    name, within = folder.name.lower(), folder.parent.name.lower()
    if not name or name in SHARED or within in SHARED_IN.get(name, ()):
        return True
    if within in ("home", "users") and len(folder.parts) <= HOME_PARTS:  # somebody's home
        return True
    return folder == home() or folder in _folders_of_user() or _open_to_all(folder)


def _folders_of_user() -> set[Path]:
    """Downloads, desktop and the like, in the language that the user's desktop has."""
    if (ours := home()) is None:
        return set()
    config = os.environ.get("XDG_CONFIG_HOME") or ours / ".config"
    try:
        text = Path(config, "user-dirs.dirs").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    values = re.findall(r'^XDG_\w+_DIR="(.+)"', text, re.MULTILINE)
    return {Path(value.replace("$HOME", str(ours))) for value in values}


def _open_to_all(folder: Path) -> bool:
    """Whether everybody may put files there, as in ``/tmp``."""
    try:
        mode = folder.stat().st_mode
    except OSError:
        return False
    return bool(mode & stat.S_ISVTX and mode & stat.S_IWOTH)


def _is_program(path: Path) -> bool:
    """Whether a file could be started, by its name and its rights; it is not read."""
    if path.suffix.lower() == ".exe":
        return True
    if path.suffix.lower() not in PROGRAM_SUFFIXES:
        return False
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    # Where everybody may write everything, as on a disk of Windows's, the rights say nothing.
    return stat.S_ISREG(mode) and bool(mode & stat.S_IXUSR) and not mode & stat.S_IWOTH
