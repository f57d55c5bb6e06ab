"""A small piece of the published set, with a video that a user has."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pyarrow.parquet as pq

from nitropilot.records.format import OUR_COLUMNS
from nitropilot.records.rows import table_of
from tests.training.making import SIDE, row_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NAME = "dQw4w9WgXcQ"
SECONDS = 2
"""Of a chunk here; 20 in the set."""


def shown(frame: int) -> NDArray[np.uint8]:
    """``SIDE x SIDE x 3``: the frame's number in bits, 8 above each other and doubled."""
    picture = np.full((SIDE, SIDE, 3), 90, np.uint8)
    for bit in range(10):
        picture[6 * bit : 6 * bit + 6, :32] = 255 * (frame >> bit & 1)
    return picture


def number_of(picture: NDArray[np.uint8]) -> int:
    """The number that a frame of ``shown`` has."""
    grey = picture.astype(int).mean(axis=-1)
    return sum(int(grey[6 * bit + 3, 4:28].mean() > 128) << bit for bit in range(10))


def video(path: Path, frames: int, fps: int = 30) -> Path:
    """A video of so many frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(fps), options={"crf": "10", "g": "30"}
        )
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(shown(number), format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def chunk(
    shard: Path, number: int, hz: int = 30, *, began: float | None = None, **more: Any
) -> Path:
    """A chunk of the set: row ``n`` of chunk ``c`` does what row ``100 c + n`` does elsewhere."""
    folder = shard / NAME / f"{NAME}_chunk_{number:04d}"
    folder.mkdir(parents=True)
    rows = SECONDS * hz
    table = table_of([row_of(0, 100 * number + n, hz) for n in range(rows)])
    pq.write_table(table.drop_columns(list(OUR_COLUMNS)), folder / "actions_raw.parquet")
    start = float(number * SECONDS) if began is None else began
    facts = {
        "uuid": folder.name, "chunk_id": f"{number:04d}", "chunk_size": rows, "game": "Squares",
        "controller_type": "xbox", "bbox_controller_overlay": [0, 32, 16, 40],
        "original_video": {
            "resolution": [SIDE, SIDE], "video_id": NAME, "source": "here", "url": "https://v/1",
            "start_time": start, "end_time": start + SECONDS, "duration": SECONDS,
            "start_frame": round(start * hz), "end_frame": round((start + SECONDS) * hz),
        },
    }  # fmt: skip
    (folder / "metadata.json").write_text(json.dumps(facts | more))
    return folder
