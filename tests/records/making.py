"""Recordings made for tests; their videos show nothing."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np

from nitropilot.records.format import FACTS, FORMAT, VIDEO, Source
from nitropilot.records.rows import Row
from nitropilot.records.writer import RowLog, write_json

if TYPE_CHECKING:
    from pathlib import Path

ID = "20261128-120000-0123abcd"
HZ = 2.0
"""Frames a second: 40 rows are a chunk."""


def row(number: int) -> Row:
    """A row that no other number has."""
    return Row(
        frame_index=number, frame_time=1e9 + (number + 0.9) / HZ, sent_time=1e9 + number / HZ,
        stretch=0, source="agent", policy_chunk=number // 16,
        policy_action=number % 16, frame_repeated=number % 5 == 0, left_x=0.25, left_y=-0.5,
        right_x=number / 1000, right_y=1.0, trigger_left=0.1, trigger_right=0.7,
        buttons=0x1000 * (number % 2),
    )  # fmt: skip


def unfinished(root: Path, rows: int) -> Path:
    """What a killed process leaves of a recording of so many rows."""
    part = root / f"{ID}.part"
    part.mkdir()
    write_json(part / FACTS, {"format": FORMAT, "id": ID, "game": "game", "fps": HZ})
    log = RowLog(part, Source(ID, "game", HZ, (120, 160)))
    for number in range(rows):
        log.add(row(number))
    log.release()
    return part


def complete(root: Path, rows: int) -> Path:
    """A complete recording."""
    folder = root / ID
    folder.mkdir()
    log = RowLog(folder, Source(ID, "game", HZ, (120, 160)))
    for number in range(rows):
        log.add(row(number))
    log.close()
    facts = {"format": FORMAT, "id": ID, "game": "game", "fps": HZ, "frames": rows}
    write_json(folder / FACTS, facts)
    black_video(folder / VIDEO, rows)
    return folder


def black_video(path: Path, frames: int) -> None:
    """A video of so many frames."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(HZ))
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        picture = np.zeros((32, 32, 3), np.uint8)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
