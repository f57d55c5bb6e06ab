"""What a video's labels depend on, beside the options: its file, and all templates."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import astuple
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.dataset.templates.library import SHIPPED, user_folder
from nitropilot.places import NoPlace

if TYPE_CHECKING:
    from nitropilot.dataset.extracting.options import Options


def stamp(source: Path) -> list[int]:
    """What of a file changes with it."""
    with suppress(OSError):
        info = source.stat()
        return [info.st_size, info.st_mtime_ns]
    return []


def digest_of(options: Options) -> str:
    """SHA-256 of all templates, and of all files that the options name."""
    digest = hashlib.sha256(_shipped().encode("ascii"))
    places = [Path(value) for value in astuple(options) if isinstance(value, str)]
    if options.templates is None:
        with suppress(NoPlace):
            places.append(user_folder())
    for place in places:
        _add(digest, place)
    return digest.hexdigest()


@cache
def _shipped() -> str:
    digest = hashlib.sha256()
    _add(digest, SHIPPED)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, place: Path) -> None:
    """A file, or all in a folder."""
    for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if path.is_file():
            digest.update(f"{path.relative_to(place)}\0".encode("utf-8", "replace"))
            digest.update(hashlib.sha256(path.read_bytes()).digest())
