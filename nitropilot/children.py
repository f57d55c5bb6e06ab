"""How one of our modules is run as a process of its own.

The process imports what this one imports, and nothing from the folder it happens to be
started in: a user's ``torch.py`` is none of ours.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

IMPORT_ROOT = str(Path(__file__).absolute().parents[1])
"""The folder in which ``nitropilot`` is found."""


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
    return {**os.environ, "PYTHONPATH": import_path()}
