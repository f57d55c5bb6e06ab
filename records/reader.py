"""Reads recordings, whole or unfinished, and chunks of the published data set.

    recorded = read_recording(folder)           # facts, all rows as one table, the video's path
    for chunk in chunk_folders(folder):         # also works on <video_id>/ of the published set
        table = read_published(chunk)

What is read is checked: a table that comes out of here has the columns of ``records.rows``, in
their order and with their types, and no gaps.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.records.columns import checked
from nitropilot.records.errors import DamagedRecording, NotARecording, UnfinishedRecording
from nitropilot.records.format import (
    ACTIONS,
    FACTS,
    FORMAT,
    FORMATS,
    METADATA,
    OLDER,
    TAIL,
    VIDEO,
)
from nitropilot.records.rows import Row, published_schema, schema
from nitropilot.records.sound import check_rows, check_video

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

CHUNK = re.compile(r"(.+)_chunk_(\d{4,})")
MOST_JSON = 256 * 1024
"""Bytes of a JSON file; what is longer is none of ours."""


@dataclass(frozen=True)
class Recorded:
    """A complete recording.

    Attributes:
        facts: What its ``recording.json`` says.
        rows: One row for each frame of the video, in order, with all columns.
        video: Where the video is.
    """

    facts: dict[str, Any]
    rows: pa.Table
    video: Path


def read_recording(folder: Path) -> Recorded:
    """Read a complete recording.

    Raises:
        NotARecording: The folder has no facts, or is not there.
        UnfinishedRecording: It is being written, or was cut off.
        DamagedRecording: A file of it is damaged or missing, rows are, or what they say of times
            cannot be.
    """
    import pyarrow as pa

    facts = read_facts(folder)
    if "frames" not in facts:
        raise UnfinishedRecording(
            f"the recording {folder} has not ended",
            "stop it; `nitropilot recordings mend` makes whole what was cut off",
        )
    chunks = chunk_folders(folder)
    timed = facts["format"] == FORMAT
    rows = pa.concat_tables([read_rows(chunk, older=not timed) for chunk in chunks])
    for chunk in chunks:
        read_metadata(chunk)
    if rows["frame_index"].to_pylist() != list(range(rows.num_rows)):
        raise DamagedRecording(f"the rows of {folder} do not follow on each other")
    if rows.num_rows != facts["frames"]:
        raise DamagedRecording(
            f"{folder} has {rows.num_rows} rows, and its facts say {facts['frames']}"
        )
    check_rows(rows, facts["fps"], folder, timed=timed)
    check_video(folder / VIDEO, rows.num_rows)
    return Recorded(facts, rows, folder / VIDEO)


def read_facts(folder: Path) -> dict[str, Any]:
    """What a recording's ``recording.json`` says; ``id``, ``game`` and ``fps`` are there.

    Raises:
        NotARecording: There is none.
        DamagedRecording: It cannot be read, or is of another format.
    """
    path = folder / FACTS
    if not path.is_file():
        raise NotARecording(f"{folder} is no recording: it has no {FACTS}")
    facts = read_object(path)
    if facts.get("format") not in FORMATS:
        raise DamagedRecording(
            f"{path} says format {facts.get('format')!r}, and this version reads 1 to {FORMAT}",
            "read it with the version of NitroPilot that recorded it",
        )
    fps, texts = facts.get("fps"), (facts.get("id"), facts.get("game"))
    if not (isinstance(fps, int | float) and 0 < fps < math.inf):
        raise DamagedRecording(f"{path} says {fps!r} frames a second")
    if not all(isinstance(text, str) for text in texts):
        raise DamagedRecording(f"{path} lacks id or game")
    return facts


def chunk_folders(folder: Path) -> list[Path]:
    """The chunks of a recording, or of a video of the published set, in order.

    The published set leaves chunks out; a recording is checked for that by ``read_recording``.

    Raises:
        NotARecording: It holds none, or is not there.
        DamagedRecording: It holds chunks of several recordings.
    """
    found: list[tuple[int, Path]] = []
    names = set()
    for path in folder.iterdir() if folder.is_dir() else ():
        if (match := CHUNK.fullmatch(path.name)) and path.is_dir():
            names.add(match[1])
            found.append((int(match[2]), path))
    if not found:
        raise NotARecording(f"{folder} holds no chunks of a recording")
    if len(names) > 1:
        raise DamagedRecording(f"{folder} holds chunks of {', '.join(sorted(names))}")
    return [path for _, path in sorted(found)]


def read_rows(chunk: Path, *, older: bool = True) -> pa.Table:
    """The rows of a chunk of a recording, with the published columns and ours.

    Args:
        chunk: Its folder.
        older: Columns that older formats lack may be missing.

    Raises:
        DamagedRecording: It is damaged, or not of a recording.
    """
    return checked(chunk / ACTIONS, schema(), OLDER if older else {})


def read_published(chunk: Path, name: str = ACTIONS) -> pa.Table:
    """The published columns of a chunk of a recording or of the published set.

    Args:
        chunk: Its folder.
        name: Which of its files; the published set may also have ``PROCESSED``.

    Raises:
        DamagedRecording: It is damaged, or lacks a column.
    """
    return checked(chunk / name, published_schema())


def count_rows(chunk: Path) -> int:
    """How many rows a chunk has, from its file's last bytes alone.

    Raises:
        DamagedRecording: Its actions or its metadata cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = int(pq.read_metadata(chunk / ACTIONS).num_rows)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DamagedRecording(f"{chunk / ACTIONS} cannot be read: {error}") from error
    read_metadata(chunk)
    return rows


def read_metadata(chunk: Path) -> dict[str, Any]:
    """A chunk's ``metadata.json``.

    Raises:
        DamagedRecording: It cannot be read.
    """
    return read_object(chunk / METADATA)


def read_tail(folder: Path, closed: int) -> list[Row]:
    """Rows of an unfinished recording that are in no chunk yet, up to the first damaged one.

    Args:
        folder: The recording's folder.
        closed: Rows in its closed chunks; the tail may still hold some of them.
    """
    try:
        lines = (folder / TAIL).read_text("utf-8", errors="replace").splitlines(keepends=True)
    except FileNotFoundError:
        return []
    found: list[Row] = []
    for line in lines:
        try:
            row = Row.parse(line) if line.endswith("\n") else None
        except (ValueError, TypeError):
            row = None
        if row is None:
            break
        if row.frame_index == closed + len(found):
            found.append(row)
    return found


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        DamagedRecording: It cannot be read, is too long, or is no object.
    """
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(MOST_JSON))
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedRecording(f"{path} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise DamagedRecording(f"{path} cannot be read: it holds no object")
    return value
