"""Where the ledger is kept: private to the user, gone with the next boot, named by no variable.

A command started from a desktop, a service or a plain shell must find what any other one left,
so no place depends on the environment; ``NITROPILOT_LEDGER`` names another folder for all of
them (a container's shared one, a test's own).
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from nitropilot.controller.errors import LedgerError
from nitropilot.places import home

VARIABLE = "NITROPILOT_LEDGER"


def candidates() -> list[Path]:
    """All folders that an entry may be in, the best first."""
    if chosen := os.environ.get(VARIABLE):
        return [Path(chosen).absolute()]
    if sys.platform != "win32":
        user = os.geteuid()
        session = Path(f"/run/user/{user}")  # the login manager's to make
        found = [Path(f"/dev/shm/nitropilot-{user}/ledger")]  # noqa: S108 - outlasts a logout
        found += [session / "nitropilot"] if session.is_dir() else []
        found += [Path(f"/tmp/nitropilot-{user}/ledger")]  # noqa: S108 - TMPDIR is a variable
    else:
        local = (home() or Path(tempfile.gettempdir())) / "AppData" / "Local"
        found = [local / "NitroPilot" / "ledger"]
    return found


def open_folder() -> Path:
    """The folder for new entries, made if need be.

    Raises:
        LedgerError: There is no private place that can be written to.
    """
    trouble = ""
    for folder in candidates():
        try:
            folder.parent.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            if is_safe(folder) and os.access(folder, os.W_OK):
                return folder
            trouble = trouble or f"{folder} is not a private folder of this user"
        except OSError as error:
            trouble = trouble or f"{folder}: {error.strerror}"
    raise LedgerError(
        f"nothing can be noted for the case that NitroPilot dies ({trouble})",
        f"name a folder of mode 700 that you can write to in {VARIABLE}",
    )


def entries() -> list[Path]:
    """All entries there are; what is no file of its own is none."""
    found: list[Path] = []
    for folder in candidates():
        with suppress(OSError):
            if is_safe(folder):
                found += [
                    path
                    for path in sorted(folder.glob("*.jsonl"))
                    if stat.S_ISREG(path.lstat().st_mode)
                ]
    return found


def open_to_others() -> list[Path]:
    """Folders with entries that nobody believes, because others could have written them."""
    return [
        folder
        for folder in candidates()
        if folder.is_dir() and not is_safe(folder) and next(folder.glob("*.jsonl"), None)
    ]


def is_safe(folder: Path) -> bool:
    """Whether it is private, and so is the folder in which it could be put another in its place.

    A folder that was named is believed as it stands: who named it chose where.
    """
    return is_private(folder) and (VARIABLE in os.environ or is_private(folder.parent))


def is_private(folder: Path) -> bool:
    """Whether only this user can make, list or replace files in a folder that exists."""
    try:
        info = folder.lstat()
    except OSError:
        return False
    private = True  # on Windows: it is below the user's own folder, which others may not enter
    if sys.platform != "win32":
        private = stat.S_IMODE(info.st_mode) & 0o077 == 0 and info.st_uid == os.geteuid()
    return stat.S_ISDIR(info.st_mode) and private
