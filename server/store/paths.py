"""Where NitroPilot keeps its files, by the conventions of the operating system."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import platformdirs

from nitropilot.server.errors import ServerError

APP = "nitropilot"


def config_folder() -> Path:
    """Settings and the token; ``NITROPILOT_CONFIG`` overrides it."""
    return Path(os.environ.get("NITROPILOT_CONFIG") or platformdirs.user_config_dir(APP, False))


def data_folder() -> Path:
    """Traces and recordings; ``NITROPILOT_DATA`` overrides it."""
    return Path(os.environ.get("NITROPILOT_DATA") or platformdirs.user_data_dir(APP, False))


def new_session_folder(base: Path | None = None) -> Path:
    """A new folder for a session's files, named by the time.

    Raises:
        ServerError: It cannot be made.
    """
    base = base or data_folder() / "sessions"
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder, number = base / stamp, 1
    while True:
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not base.is_dir():
                raise ServerError(f"{base} is not a folder", "choose another with --out") from None
            number += 1
            folder = base / f"{stamp}-{number}"
        except OSError as error:
            raise ServerError(
                f"cannot make the folder {folder}: {error.strerror}",
                "choose another with --out, or name one in NITROPILOT_DATA",
            ) from None
        else:
            return folder
