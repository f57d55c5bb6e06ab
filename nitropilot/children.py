"""How programs are found, and how one of our modules is run as a process of its own.

The current folder is never a source of code: a user's ``torch.py``, or a file there that is
called like a program of the system, is none of ours.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

IMPORT_ROOT = str(Path(__file__).absolute().parents[1])
"""The folder in which ``nitropilot`` is found."""

PRELOAD = "LD_PRELOAD"
CODE_LISTS = (
    "PATH", "LD_LIBRARY_PATH", PRELOAD, "PYTHONPATH", "PERL5LIB", "RUBYLIB", "NODE_PATH",
    "CLASSPATH", "GI_TYPELIB_PATH", "GTK_PATH", "QT_PLUGIN_PATH", "GST_PLUGIN_PATH",
    "CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH",
)  # fmt: skip
"""Variables that list where programs take code from; an empty entry is the current folder."""


def find_program(name: str, path: str | None = None) -> str | None:
    """The full path of a program, as a shell finds it, but not in the current folder.

    Args:
        name: Its name; one with a folder in it is not searched for.
        path: Where to search, instead of ``PATH``.
    """
    if Path(name).name != name:
        found = shutil.which(name)
        return str(Path(found).absolute()) if found else None
    folders = (os.environ.get("PATH", os.defpath) if path is None else path).split(os.pathsep)
    places = (str(Path(folder, name)) for folder in folders if Path(folder).is_absolute())
    return next((found for place in places if (found := shutil.which(place))), None)


def leave_out_current_folder(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without places of code that depend on the current folder."""
    found = dict(environment)
    for name in CODE_LISTS:
        if name not in found:
            continue
        text = found[name].replace(" ", ":") if name == PRELOAD else found[name]
        kept = [entry for entry in text.split(os.pathsep) if _elsewhere(name, entry)]
        if kept:
            found[name] = os.pathsep.join(kept)
        else:
            del found[name]
    return found


def _elsewhere(name: str, entry: str) -> bool:
    """Whether an entry means the same in every folder; bare libraries are the system's."""
    bare = name == PRELOAD and bool(entry) and "/" not in entry
    return bare or Path(entry).is_absolute()


def module_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs ``module``, by its full name."""
    return [sys.executable, "-P", "-m", module, *arguments]


def import_path() -> str:
    """Where this process imports from, as ``PYTHONPATH`` takes it; this very NitroPilot first,
    if it is in none of these places (a checkout beside an installed one)."""
    given = "" if sys.flags.ignore_environment else os.environ.get("PYTHONPATH", "")
    places = [*given.split(os.pathsep), *(place for place in sys.path if isinstance(place, str))]
    found = dict.fromkeys(filter(None, map(_absolute, places)))
    ours = [] if IMPORT_ROOT in found else [IMPORT_ROOT]
    return os.pathsep.join([*ours, *found])


def _absolute(place: str) -> str:
    """A place as a child in another folder finds it; nothing for one in a folder that is gone."""
    try:
        return str(Path(place).absolute()) if place else ""
    except OSError:
        return ""


def module_environment() -> dict[str, str]:
    """This process's environment, with what it imports from."""
    return leave_out_current_folder(os.environ) | {"PYTHONPATH": import_path()}
