"""What is known of a video beside its pictures: from sidecars, and never guessed.

yt-dlp writes ``NAME.info.json`` beside ``NAME.mp4`` (``--write-info-json``).  A CSV with the column
``video`` and any of ``game``, ``creator``, ``genre``, ``url``, ``licence`` and ``source`` says it
for many, and counts more.  ``video`` is the path below the common folder, the file's name, or its
whole path.
"""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from nitropilot.dataset.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

UNKNOWN = "unknown"
MOST_JSON = 32 * 1024 * 1024
"""Bytes of a sidecar: yt-dlp writes every format and all comments into it."""
SIDECAR = ".info.json"
LONGEST = 500
"""Letters of a fact."""


class BadFacts(DatasetError):
    """The file with facts about videos cannot be used."""

    code = "facts_unreadable"


@dataclass(frozen=True)
class Facts:
    """What is known of a video; ``unknown`` where nothing is.

    Attributes:
        game: Which is played.
        creator: Who made the video.
        genre: Of the game.
        url: Where the video is from.
        licence: Under which it was given.
        source: Which site it is from.
    """

    game: str = UNKNOWN
    creator: str = UNKNOWN
    genre: str = UNKNOWN
    url: str = UNKNOWN
    licence: str = UNKNOWN
    source: str = UNKNOWN

    def known(self) -> dict[str, str]:
        """Those that are."""
        return {name: value for name, value in asdict(self).items() if value != UNKNOWN}


KEYS: dict[str, tuple[str, ...]] = {
    "game": ("game",),
    "creator": ("creator", "channel", "uploader"),
    "genre": ("genre",),
    "url": ("webpage_url", "original_url"),
    "licence": ("license",),
    "source": ("extractor_key", "extractor"),
}
"""Where yt-dlp has each; titles, tags and categories are no facts about the game."""
COLUMNS = tuple(each.name for each in fields(Facts))


def facts_of(video: Path, root: Path, table: Mapping[str, Facts]) -> Facts:
    """What is known of a video.

    Args:
        video: The file.
        root: The common folder.
        table: From ``read_table``.
    """
    said = facts_of_sidecar(read_sidecar(video.with_suffix(SIDECAR)))
    names = (_below(video, root), str(video), video.name)
    line = next((table[name] for name in names if name in table), Facts())
    return replace(said, **line.known())


def read_table(path: Path) -> dict[str, Facts]:
    """A CSV of facts by what it calls each video.

    Raises:
        BadFacts: It cannot be read, has no column ``video``, or no other that is known.
    """
    return {row["video"]: facts_in(row) for row in read_rows(path)}


def facts_in(row: Mapping[str, str]) -> Facts:
    """What a row from ``read_rows`` says."""
    return Facts(**{key: _text(row[key]) for key in COLUMNS if row.get(key)})


def read_rows(path: Path, also: Sequence[str] = ()) -> list[dict[str, str]]:
    """The rows of such a CSV that name a video, by their columns.

    Args:
        path: The file.
        also: Columns beside those of facts that make it worth reading.

    Raises:
        BadFacts: As ``read_table`` says.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            heads = [head.strip().lower() for head in reader.fieldnames or ()]
            reader.fieldnames = ["licence" if head == "license" else head for head in heads]
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadFacts(f"{path} cannot be read: {error}", "give a CSV in UTF-8") from error
    useful = [*COLUMNS, *also]
    if "video" not in heads or not {*reader.fieldnames} & {*useful}:
        raise BadFacts(
            f"{path} has the columns {', '.join(heads) or 'none'}",
            f"it needs video, and some of {', '.join(useful)}",
        )
    return [{**row, "video": name} for row in rows if (name := (row["video"] or "").strip())]


def read_sidecar(path: Path) -> dict[str, Any]:
    """What yt-dlp wrote; a damaged one says nothing."""
    try:
        with path.open("rb") as file:
            said: Any = json.loads(file.read(MOST_JSON))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def facts_of_sidecar(said: Mapping[str, Any]) -> Facts:
    """The facts in what ``read_sidecar`` gave."""
    found = {}
    for name, keys in KEYS.items():
        texts = (said.get(key) for key in keys)
        found[name] = next((_text(t) for t in texts if isinstance(t, str) and t.strip()), UNKNOWN)
    return Facts(**found)


def _below(video: Path, root: Path) -> str:
    try:
        return video.relative_to(root).as_posix()
    except ValueError:
        return str(video)


def _text(value: str) -> str:
    line = " ".join(value.split())[:LONGEST]
    return line or UNKNOWN
