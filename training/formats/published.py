"""The published NitroGen action data set as takes: its labels, and videos that a user has.

    SHARD_0000/<video_id>/<video_id>_chunk_0000/actions_raw.parquet, metadata.json

A take is one video with all chunks of it that there are.  The set has no pictures: the video, whole
and named after its ``video_id``, is looked for in the folder of its chunks, in the folders above up
to two levels (the shard's and the set's), and in ``videos/`` of each.  Frames are found by time:
a chunk's row *n* shows ``start_time + n / rate`` seconds of the video, whatever rate that has.

What ``nitropilot dataset extract`` writes says under ``nitropilot`` which chunks its filter did not
keep and which rows of the others it left out: the former are not read, nobody learns the latter.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nitropilot.records.errors import DamagedRecording, RecordsError
from nitropilot.records.format import PROCESSED
from nitropilot.records.reader import CHUNK, chunk_folders, read_metadata, read_published
from nitropilot.records.rows import schema
from nitropilot.training.formats.boxes import game_area, overlay
from nitropilot.training.formats.take import NOBODY, Take
from nitropilot.training.formats.video import frame_seconds
from nitropilot.training.formats.view import Box, View

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

RATES = (30.0, 60.0)
"""Rows a second that chunks may have."""
NEAR = 0.02
"""By what share a chunk's rows may differ from its rate: videos of 59.94 frames a second count
as 60."""
ENDINGS = (".mp4", ".mkv", ".webm", ".mov", ".avi")
OVERLAY, OURS = "bbox_controller_overlay", "nitropilot"
"""Keys of the metadata."""
ABOVE = 2
"""Folders above a video's chunks that are looked into."""
SHOWN = 0.5
"""Where in its tick a row's picture is: it was read off that very picture."""


class NoVideo(RecordsError):
    """The labels are there, and nobody has the video."""

    code = "video_missing"


class Chunk(NamedTuple):
    """One chunk, read.

    Attributes:
        rows: Its published columns.
        began: Seconds of the video before it.
        hz: Rows a second.
        game: Of what.
        view: What of a picture is looked at.
        taught: Of each row, whether it is to be learned.
    """

    rows: pa.Table
    began: float
    hz: float
    game: str
    view: View
    taught: NDArray[np.bool_]


def is_published(folder: Path) -> bool:
    """Whether a folder holds chunks of one video."""
    return any(CHUNK.fullmatch(path.name) and path.is_dir() for path in folder.iterdir())


def find_published(place: Path, depth: int = 3) -> list[Path]:
    """The folders of videos in a folder, a shard, or the whole set.

    Those that are hidden are not finished, and those of which the filter kept nothing are left out.
    """
    if is_published(place):
        return [place] if _kept(place) else []
    if not depth:
        return []
    open_to_us = os.R_OK | os.X_OK  # a disk's lost+found is nobody's data
    inside = sorted(
        path
        for path in place.iterdir()
        if path.is_dir() and not path.name.startswith(".") and os.access(path, open_to_us)
    )
    return [found for path in inside for found in find_published(path, depth - 1)]


def read_published_take(folder: Path) -> Take:
    """Read one video's chunks and see where its frames are.

    Raises:
        NoVideo: It is in none of the folders.
        DamagedRecording: A chunk is damaged, or says of itself what cannot be.
    """
    import pyarrow as pa

    folders = [chunk for chunk in chunk_folders(folder) if _chosen(chunk)]
    if not folders:
        raise DamagedRecording(f"of {folder} no chunk is kept", "leave it out")
    chunks = sorted(map(_chunk, folders), key=lambda chunk: chunk.began)
    rates = {chunk.hz for chunk in chunks}
    if len(rates) > 1:
        raise DamagedRecording(f"the chunks of {folder} have several rates: {sorted(rates)}")
    name = str(_video_facts(folders[0])["video_id"])
    video = _find_video(folder, name, folders[0])
    seconds = frame_seconds(video)
    hz = rates.pop()
    ends = chunks[-1].began + chunks[-1].rows.num_rows / hz
    if ends > seconds[-1] + 1.0:
        raise DamagedRecording(
            f"{video} has {seconds[-1]:.1f} seconds, and the labels of {folder} reach {ends:.1f}",
            "take the whole video: labels count from its beginning",
        )
    masks = tuple(dict.fromkeys(mask for chunk in chunks for mask in chunk.view.masks))
    rows = pa.concat_tables(list(_timed(chunks, seconds)))
    return Take(folder, name, chunks[0].game, hz, video, rows, View(_common(chunks, folder), masks))


def published_game(folder: Path) -> str:
    """The game of a video.

    Raises:
        RecordsError: Its first chunk cannot be read.
    """
    return str(read_metadata(chunk_folders(folder)[0]).get("game", ""))


def _chosen(chunk: Path) -> bool:
    """Whether a chunk is to be learned: of other writers' all are, and of ours what is kept."""
    said = read_metadata(chunk).get(OURS)
    return not isinstance(said, dict) or said.get("kept", True) is not False


def _kept(folder: Path) -> bool:
    """Whether any chunk of a video is; one that is damaged is for whoever reads it."""
    for chunk in chunk_folders(folder):
        try:
            if (chunk / PROCESSED).is_file() or _chosen(chunk):
                return True
        except RecordsError:
            return True
    return False


def _taught(said: Any, rows: int, folder: Path) -> NDArray[np.bool_]:
    """Of each row of a chunk, whether it is to be learned."""
    taught = np.ones(rows, bool)
    for span in said.get("left_out", []) if isinstance(said, dict) else []:
        if not (isinstance(span, list) and all(isinstance(at, int) for at in span[:2])):
            raise DamagedRecording(f"{folder} says that {span!r} of its rows are left out")
        taught[slice(*span[:2])] = False
    return taught


def _overlays(facts: dict[str, Any], size: Any, folder: Path) -> tuple[Box, ...]:
    """All that is to be blackened."""
    ours = facts.get(OURS)
    others = ours.get("other_overlays", []) if isinstance(ours, dict) else []
    found = (overlay(said, size, folder) for said in (facts.get(OVERLAY), *others))
    return tuple(box for boxes in found for box in boxes)


def _chunk(folder: Path) -> Chunk:
    facts, original = read_metadata(folder), _video_facts(folder)
    rows = read_published(folder, *([PROCESSED] if (folder / PROCESSED).is_file() else []))
    if not rows.num_rows:
        raise DamagedRecording(f"{folder} has no rows")
    began, ended = original["start_time"], original["end_time"]
    rate = rows.num_rows / (ended - began)
    near = min(RATES, key=lambda known: abs(known - rate))
    if abs(near - rate) > NEAR * near:
        raise DamagedRecording(
            f"{folder} has {rows.num_rows} rows in {ended - began:g} seconds: {rate:.1f} a second, "
            f"and not 30 or 60"
        )
    size = original.get("resolution")
    view = View(
        game_area(facts.get("bbox_game_area"), size, folder),
        _overlays(facts, size, folder),
    )
    taught = _taught(facts.get(OURS), rows.num_rows, folder)
    return Chunk(rows, began, near, str(facts.get("game", "")), view, taught)


def _video_facts(chunk: Path) -> dict[str, Any]:
    """What a chunk says of its video, checked as far as it is needed."""
    said = read_metadata(chunk).get("original_video")
    if not isinstance(said, dict) or not isinstance(said.get("video_id"), str):
        raise DamagedRecording(f"the metadata of {chunk} names no video")
    if not re.fullmatch(r"[\w.-]+", said["video_id"]):
        raise DamagedRecording(f"the metadata of {chunk} names a video {said['video_id']!r}")
    began, ended = said.get("start_time"), said.get("end_time")
    if not (
        isinstance(began, int | float)
        and isinstance(ended, int | float)
        and 0 <= began < ended < float("inf")
    ):
        raise DamagedRecording(f"{chunk} says it lasts from {began!r} to {ended!r} seconds")
    return said


def _find_video(folder: Path, name: str, chunk: Path) -> Path:
    looked = [folder, *folder.resolve().parents[:ABOVE]]
    for place in looked:
        for inside in (place, place / "videos"):
            for ending in ENDINGS:
                if (path := inside / f"{name}{ending}").is_file():
                    return path
    url = _video_facts(chunk).get("url") or "no address is given"
    raise NoVideo(
        f"the video {name} of {folder} is missing ({url})",
        f"put it, whole, as {name}{ENDINGS[0]} into {looked[-1] / 'videos'}",
    )


def _common(chunks: list[Chunk], folder: Path) -> Box | None:
    """The one part of the picture that is the game in all chunks."""
    crops = {chunk.view.crop for chunk in chunks}
    if len(crops) > 1:
        raise DamagedRecording(f"the chunks of {folder} have the game in several places")
    return crops.pop()


def _timed(chunks: list[Chunk], seconds: NDArray[np.float64]) -> Iterator[pa.Table]:
    """The rows of each chunk with the columns that recordings have."""
    import pyarrow as pa

    stretch, until, last = 0, None, -1
    for chunk in chunks:
        count = chunk.rows.num_rows
        if until is not None and abs(chunk.began - until) > 0.5 / chunk.hz:
            stretch += 1
            if chunk.began < until:
                raise DamagedRecording(f"two chunks have second {chunk.began:g} of the video")
        until = chunk.began + count / chunk.hz
        sent = chunk.began + np.arange(count) / chunk.hz
        shown = np.searchsorted(seconds, sent + SHOWN / chunk.hz) - 1
        frames = np.clip(shown, 0, len(seconds) - 1)
        more = {
            "frame_index": frames, "frame_time": sent + SHOWN / chunk.hz, "sent_time": sent,
            "stretch": np.full(count, stretch),
            "source": np.where(chunk.taught, "human", NOBODY).tolist(),
            "trigger_left": chunk.rows["left_trigger"].cast(pa.int8()).cast(pa.float64()),
            "trigger_right": chunk.rows["right_trigger"].cast(pa.int8()).cast(pa.float64()),
            "policy_chunk": np.full(count, -1), "policy_action": np.full(count, -1),
            "frame_repeated": np.diff(frames, prepend=last) == 0,
        }  # fmt: skip
        last = int(frames[-1])
        columns = {name: chunk.rows[name] for name in chunk.rows.schema.names} | more
        yield pa.table({name: columns[name] for name in schema().names}, schema=schema())
