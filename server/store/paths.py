"""Where NitroPilot keeps its files, by the conventions of the operating system."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import platformdirs

from nitropilot.places import of_the_user
from nitropilot.server.errors import ServerError

APP = "nitropilot"


def config_folder() -> Path:
    """Settings and the token; ``NITROPILOT_CONFIG`` overrides it.

    Raises:
        NoPlace: There is no home.
    """
    return of_the_user(lambda: platformdirs.user_config_dir(APP, False), "NITROPILOT_CONFIG")


def data_folder() -> Path:
    """Traces and recordings; ``NITROPILOT_DATA`` overrides it.

    Raises:
        NoPlace: There is no home.
    """
    return of_the_user(lambda: platformdirs.user_data_dir(APP, False), "NITROPILOT_DATA")


def sessions_folder() -> Path:
    """A folder for each session, with its trace and its video."""
    return data_folder() / "sessions"


def new_session_folder(base: Path | None = None) -> Path:
    """A new folder for a session's files, named by the time.

    Raises:
        ServerError: It cannot be made.
    """
    base = base or sessions_folder()
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
