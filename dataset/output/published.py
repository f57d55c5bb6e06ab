"""Writes one video's labels in the published NitroGen layout, as its readers expect it.

    <video_id>/<video_id>_chunk_0000/actions_raw.parquet         every frame, as it was read
                                     actions_processed.parquet   the same rows, where the filter
                                                                 kept the chunk
                                     metadata.json

A chunk is 20 s, or what is left: of the video, or of a stretch of it that ends with a gap or with
another overlay.  ``actions_processed.parquet`` has the rows of its whole chunk, as readers count
on; which of them the filter left out, and why, is in ``metadata.json`` under ``nitropilot``, beside
all that the published keys have no place for.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.output.timing import Rows
from nitropilot.dataset.pose import Box
from nitropilot.dataset.templates.template import ALL_OUTPUTS
from nitropilot.records.format import (
    ACTIONS,
    CHUNK_S,
    METADATA,
    PROCESSED,
    PUBLISHED_BUTTONS,
)
from nitropilot.records.reader import chunk_folders, read_metadata
from nitropilot.records.rows import published_schema
from nitropilot.records.writer import write_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from nitropilot.dataset.output.facts import Facts
    from nitropilot.dataset.output.filtering import Filtered

MARGIN = 4
"""Pixels around a template's canvas that belong to the overlay too: sprites and a codec reach over
its edge."""
OURS = "nitropilot"
"""The key of ``metadata.json`` that has what the published ones have no place for."""


@dataclass(frozen=True)
class Piece:
    """A controller on screen, as long as it stays where it is.

    Attributes:
        skin: Its template's name.
        family: Its template's.
        score: How well it was found.
        opacity: With which it is drawn.
        box: Its whole canvas, in pixels of the video; may reach out of it.
        size: Width and height of the video's pictures.
        outputs: What can be read off it.
        others: Boxes of other controllers that are there meanwhile.
    """

    skin: str
    family: str
    score: float
    opacity: float
    box: Box
    size: tuple[int, int]
    outputs: frozenset[str]
    others: tuple[Box, ...] = ()


@dataclass(frozen=True, eq=False)
class Labels:
    """All that is written of a video.

    Attributes:
        video_id: Its name in the set.
        facts: What is known of it.
        rows: All of them.
        chunks: First and last + 1 of each, of ``rows``.
        filtered: What of them is kept.
        pieces: By ``Rows.piece``.
        set_aside: Why the recording as a whole is; "" where it is not.
        damage: Why the video ended early; "" where it did not.
    """

    video_id: str
    facts: Facts
    rows: Rows
    chunks: list[tuple[int, int]]
    filtered: Filtered
    pieces: Sequence[Piece]
    set_aside: str = ""
    damage: str = ""


def chunk_rows(hz: int) -> int:
    """Rows of a whole chunk."""
    return CHUNK_S * hz


def write_labels(folder: Path, labels: Labels) -> None:
    """Write a video's folder; one that is there is made anew.

    Args:
        folder: A place beside the final one: a reader must not look here until it is complete.
        labels: What to write.

    Raises:
        NotExtracted: There is no room, or no way to write there.
    """
    import pyarrow.parquet as pq

    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for number, (first, last) in enumerate(labels.chunks):
            chunk = folder / f"{labels.video_id}_chunk_{number:04d}"
            chunk.mkdir()
            table = actions(labels.rows, first, last)
            pq.write_table(table, chunk / ACTIONS)
            if labels.filtered.kept[number] and not labels.set_aside:
                pq.write_table(table, chunk / PROCESSED)
            write_json(chunk / METADATA, metadata(labels, number))
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise no_room(folder, error) from error


def no_room(place: Path, error: OSError) -> NotExtracted:
    """What is said where nothing can be written."""
    return NotExtracted(
        f"cannot write {place}: {error.strerror or error}",
        "make room, then give the same command: it goes on where it stopped",
    )


def set_aside(folder: Path, reason: str) -> None:
    """Take what the filter kept of a video out of its folder, which no reader looks at yet.

    Raises:
        NotExtracted: There is no room, or no way to write there.
    """
    try:
        for chunk in chunk_folders(folder):
            (chunk / PROCESSED).unlink(missing_ok=True)
            said = read_metadata(chunk)
            said[OURS] |= {"kept": False, "set_aside": reason}
            write_json(chunk / METADATA, said)
    except OSError as error:
        raise no_room(folder, error) from error


def actions(rows: Rows, first: int, last: int) -> pa.Table:
    """Some rows with the published columns: bools, and lists of two doubles, negative y up."""
    import pyarrow as pa

    part = rows.states.part(first, last)
    pressed = part.published()
    columns: list[pa.Array] = [
        pa.array(pressed[:, index]) for index in range(len(PUBLISHED_BUTTONS))
    ]
    offsets = pa.array(np.arange(0, 2 * len(part) + 1, 2, dtype=np.int32))
    for side in (0, 2):
        pair = np.clip(part.sticks[:, side : side + 2].astype(np.float64), -1, 1)
        columns.append(pa.ListArray.from_arrays(offsets, pa.array(pair.reshape(-1))))
    return pa.table(columns, names=published_schema().names).cast(published_schema())


def metadata(labels: Labels, number: int) -> dict[str, Any]:
    """A chunk's ``metadata.json``.  ``end_frame`` is exclusive, as in recordings of our own."""
    rows, (first, last) = labels.rows, labels.chunks[number]
    piece = labels.pieces[rows.piece[first]]
    began, count = float(rows.tick[first]) / rows.hz, last - first
    width, height = piece.size
    name = f"{labels.video_id}_chunk_{number:04d}"
    return {
        "uuid": name,
        "chunk_id": f"{number:04d}",
        "chunk_size": count,
        "game": labels.facts.game,
        "controller_type": piece.family,
        "original_video": {
            "resolution": [height, width],
            "video_id": labels.video_id,
            "source": labels.facts.source,
            "url": labels.facts.url,
            "start_time": began,
            "end_time": began + count / rows.hz,
            "duration": count / rows.hz,
            "start_frame": int(rows.frame[first]),
            "end_frame": int(rows.frame[last - 1]) + 1,
        },
        "bbox_controller_overlay": sides(piece.box.wider(MARGIN)),
        OURS: _ours(labels, number, piece),
    }


def _ours(labels: Labels, number: int, piece: Piece) -> dict[str, Any]:
    rows, (first, last) = labels.rows, labels.chunks[number]
    read = rows.read[first:last]
    sure = rows.confidence[first:last][read]
    return {
        "hz": rows.hz,
        "skin": piece.skin,
        "score": round(piece.score, 4),
        "opacity": round(piece.opacity, 3),
        "not_shown": sorted(ALL_OUTPUTS - piece.outputs),
        "other_overlays": [sides(box.wider(MARGIN)) for box in piece.others],
        "read": round(float(read.mean()), 4),
        "confidence": round(float(sure.mean()), 4) if len(sure) else 0.0,
        "kept": labels.filtered.kept[number] and not labels.set_aside,
        "left_out": [list(span) for span in labels.filtered.spans(first, last)],
        "set_aside": labels.set_aside,
        "damage": labels.damage,
        "creator": labels.facts.creator,
        "genre": labels.facts.genre,
        "licence": labels.facts.licence,
    }


def sides(box: Box) -> list[int]:
    """A box as ``[x, y, w, h]``."""
    return [box.left, box.top, box.width, box.height]
