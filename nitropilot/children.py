"""How one of our modules is run as a process of its own.

The process imports what this one imports, and nothing from the folder it happens to be
started in: a user's ``torch.py`` is none of ours.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

IMPORT_ROOT = str(Path(__file__).resolve().parents[1])
"""The folder in which ``nitropilot`` is found."""


def module_command(module: str, *arguments: str) -> list[str]:
    """The command line that runs ``module``, by its full name."""
    return [sys.executable, "-P", "-m", module, *arguments]


def import_path() -> str:
    """Where this process imports from, as ``PYTHONPATH`` takes it."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(dict.fromkeys(filter(None, [*given, *sys.path, IMPORT_ROOT])))


def module_environment() -> dict[str, str]:
    """This process's environment, with what it imports from."""
    return {**os.environ, "PYTHONPATH": import_path()}
