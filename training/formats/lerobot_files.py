"""The tables and videos of a LeRobotDataset v3.0, each read once for all episodes in it."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.records.errors import DamagedRecording
from nitropilot.training.formats import lerobot as layout
from nitropilot.training.formats.video import frame_seconds

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray


def inside(folder: Path, path: str) -> Path:
    """A file of the data set, whose place the data set itself says."""
    said = PurePosixPath(path)
    if said.is_absolute() or ".." in said.parts or "\\" in path or ":" in path:
        raise DamagedRecording(f"{folder / layout.INFO} has a file outside of the data set: {path}")
    return folder / said


def episode_facts(folder: Path, number: int) -> dict[str, Any]:
    """An episode's row of the table of episodes.

    Raises:
        DamagedRecording: There is none, or the table cannot be read.
    """
    found = _episodes(folder).get(number)
    if found is None:
        raise DamagedRecording(f"{folder} has no episode {number} in its table of episodes")
    return found


@lru_cache(maxsize=4)
def _episodes(folder: Path) -> dict[int, dict[str, Any]]:
    tables = [_read(path) for path in sorted(folder.glob("meta/episodes/*/*.parquet"))]
    return {
        each["episode_index"]: each
        for table in tables
        for each in table.select(
            [name for name in table.schema.names if not name.startswith("stats/")]
        ).to_pylist()
    }


def episode_rows(folder: Path, info: dict[str, Any], said: dict[str, Any], number: int) -> pa.Table:
    """The rows of an episode.

    Args:
        folder: Of the data set.
        info: What its ``info.json`` says.
        said: The episode's facts.
        number: Of the episode.

    Raises:
        DamagedRecording: They are not as many as the facts say, or cannot be read.
    """
    text = info["data_path"].format(
        chunk_index=said["data/chunk_index"], file_index=said["data/file_index"]
    )
    path = inside(folder, text)
    table, places = _file(path, _state(path))
    first, count = places.get(number, (0, 0))
    if count != said["length"]:
        raise DamagedRecording(
            f"{path} has {count} rows of episode {number}, and {said['length']} are due"
        )
    return table.slice(first, count)


def _state(path: Path) -> tuple[int, int]:
    """What is another number once a file has changed: it may be kept until then."""
    try:
        about = path.stat()
    except OSError as error:
        raise DamagedRecording(f"{path} cannot be read: {error.strerror}") from error
    return about.st_mtime_ns, about.st_size


@lru_cache(maxsize=2)
def _file(path: Path, _state: tuple[int, int]) -> tuple[pa.Table, dict[int, tuple[int, int]]]:
    """A file of rows, and for each episode its first row and how many it has.

    Read once for all of the episodes that it holds.
    """
    table = _read(path)
    episodes = table["episode_index"].to_numpy()
    edges = [0, *(np.flatnonzero(np.diff(episodes)) + 1).tolist(), len(episodes)]
    places: dict[int, tuple[int, int]] = {}
    for first, end in pairwise(edges):
        if end > first and places.setdefault(int(episodes[first]), (first, end - first))[0] < first:
            raise DamagedRecording(f"{path} has episode {episodes[first]} in several pieces")
    return table, places


@lru_cache(maxsize=2)
def _kept_seconds(video: Path, _state: tuple[int, int]) -> NDArray[np.float64]:
    return frame_seconds(video)


def _read(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return file.read()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DamagedRecording(f"{path} cannot be read: {error}") from error


def seconds_of(video: Path) -> NDArray[np.float64]:
    """When each frame of a video is shown, in seconds from the first one's.

    Raises:
        DamagedRecording: The video cannot be read, or has no frame.
    """
    return _kept_seconds(video, _state(video))
