"""Which videos lie in what a user names, and what they are called in the set."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.dataset.errors import BadVideo
from nitropilot.records.format import ID
from nitropilot.records.reader import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ENDINGS = frozenset({
    ".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".flv", ".ts", ".mts", ".m2ts", ".wmv",
    ".mpg", ".mpeg",
})  # fmt: skip
"""What names of videos end in."""
LONGEST = 150
"""Bytes of a video's id: chunks of it have longer names, and a name has at most 255."""


def find_videos(places: Iterable[Path], out: Path) -> tuple[Path, list[Path]]:
    """All videos in some places.

    Args:
        places: Videos, and folders with some at any depth; hidden ones in them are not looked at.
        out: The folder of the data set, which may lie in one of them.

    Returns:
        The common folder, and the videos, sorted; each file once.

    Raises:
        BadVideo: A place is not there, or holds no video.
    """
    found: dict[Path, Path] = {}
    roots = []
    for place in places:
        if not place.exists():
            raise BadVideo(f"there is no {place}", "name a video, or a folder of some")
        inside = sorted(_below(place, out)) if place.is_dir() else [place]
        if not inside:
            raise BadVideo(
                f"there is no video in {place}",
                f"videos are files whose names end in {', '.join(sorted(ENDINGS))}",
            )
        roots.append(place if place.is_dir() else place.parent)
        for video in inside:
            found.setdefault(video.resolve(), video)
    return Path(os.path.commonpath(roots)), sorted(found.values())


def _below(place: Path, out: Path) -> Iterator[Path]:
    for folder, inside, names in os.walk(place):
        at = Path(folder)
        inside[:] = [name for name in inside if not name.startswith(".") and at / name != out]
        yield from (
            at / name
            for name in names
            if Path(name).suffix.lower() in ENDINGS and not name.startswith(".")
        )


def video_id(video: Path, root: Path, taken: set[str]) -> str:
    """A video's name in the set: its path below the common folder, with ``_`` for ``/``.

    What readers take for no name is ``_`` too.  One that is taken gets eight digits of its path's
    digest, so that it has them again the next time.

    Args:
        video: The file.
        root: The common folder.
        taken: Names that others have, in lower case: some file systems know no other.
    """
    try:
        below = video.relative_to(root)
    except ValueError:
        below = Path(*video.parts[1:])
    text = "_".join(below.with_suffix("").parts)
    name = re.sub(r"[^\w.-]", "_", text).lstrip(".") or "_"
    if CHUNK.fullmatch(name) or ID.fullmatch(name):
        name += "_"
    digest = hashlib.sha256(os.fsencode(below)).hexdigest()[:8]
    if len(name.encode("utf-8", "replace")) > LONGEST:
        short = name.encode("utf-8", "replace")[: LONGEST - 9].decode("utf-8", "ignore")
        name = f"{short}-{digest}"
    if name.lower() in taken:
        name = f"{name}-{digest}"
    while name.lower() in taken:
        name += "_"
    return name
