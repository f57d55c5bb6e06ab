"""Where NitroPilot keeps its files, by the conventions of the operating system."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import platformdirs

APP = "nitropilot"


def config_folder() -> Path:
    """Settings and the token; ``NITROPILOT_CONFIG`` overrides it."""
    return Path(os.environ.get("NITROPILOT_CONFIG") or platformdirs.user_config_dir(APP, False))


def data_folder() -> Path:
    """Traces and recordings; ``NITROPILOT_DATA`` overrides it."""
    return Path(os.environ.get("NITROPILOT_DATA") or platformdirs.user_data_dir(APP, False))


def new_session_folder(base: Path | None = None) -> Path:
    """A path for a new session's files, named by the time; not created yet."""
    base = base or data_folder() / "sessions"
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder, number = base / stamp, 1
    while folder.exists():
        number += 1
        folder = base / f"{stamp}-{number}"
    return folder
