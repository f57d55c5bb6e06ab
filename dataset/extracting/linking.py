"""A video where training looks for it: a link, beside the labels."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

READ_BY_TRAINING = frozenset({".mp4", ".mkv", ".webm", ".mov", ".avi"})
"""Endings of videos that ``training.formats`` looks for."""


def link(folder: Path, name: str, source: Path) -> None:
    """Put a video where training looks for it; where there are no links, it is not there."""
    folder.mkdir(exist_ok=True)
    ending = source.suffix.lower() if source.suffix.lower() in READ_BY_TRAINING else ".mp4"
    place = folder / f"{name}{ending}"
    place.unlink(missing_ok=True)
    try:
        place.symlink_to(source)
    except OSError:
        with suppress(OSError):
            os.link(source, place)
