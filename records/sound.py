"""Whether the rows of a recording can be what was recorded, and its video has a frame for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.records.errors import DamagedRecording
from nitropilot.records.format import SOURCES

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

LONGEST_TICK = 1.5
"""A tick lasts until the next row's, and never longer than so many periods."""
ROUNDED_S = 2e-5
"""Times are written with six digits, and close to 2e9 a double has no more than seven."""


def check_rows(rows: pa.Table, fps: float, folder: Path, *, timed: bool = True) -> None:
    """Look for rows that cannot follow on each other, or times that cannot be theirs.

    Args:
        rows: All of a recording.
        fps: Rows a second.
        folder: The recording, for the message.
        timed: Frames have times, and rows a stretch: not in the oldest format.

    Raises:
        DamagedRecording: There is one; the first is named.
    """
    import numpy as np

    sent = rows["sent_time"].to_numpy()
    _first_of(~np.isfinite(sent), folder, "has no time at which it was sent")
    _first_of(np.diff(sent, prepend=sent[:1]) < -ROUNDED_S, folder, "was sent before the one above")
    known = np.isin(rows["source"].to_numpy(zero_copy_only=False), SOURCES)
    _first_of(~known, folder, f"has a source that is none of {', '.join(SOURCES)}")
    if not timed:
        return
    stretch = rows["stretch"].to_numpy()
    steps = np.diff(stretch, prepend=stretch[:1])
    _first_of((steps < 0) | (steps > 1), folder, "is of a stretch that does not follow")
    taken = rows["frame_time"].to_numpy()
    _first_of(~np.isfinite(taken), folder, "has a frame without a time")
    repeated = rows["frame_repeated"].to_numpy(zero_copy_only=False)
    age = taken - sent
    outside = (age < -ROUNDED_S) | (age > LONGEST_TICK / fps + ROUNDED_S)
    _first_of(outside & ~repeated, folder, "has a frame that was not taken in its tick")


def check_video(path: Path, frames: int) -> None:
    """Count the frames of a video, without decoding any.

    Raises:
        DamagedRecording: It cannot be read, or has another number of frames.
    """
    import av

    try:
        with av.open(str(path)) as container:
            (video,) = container.streams.video
            found = video.frames or sum(1 for packet in container.demux(video) if packet.size)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise DamagedRecording(f"{path} cannot be read: {error}") from error
    if found != frames:
        raise DamagedRecording(f"{path} has {found} frames, and there are {frames} rows")


def _first_of(wrong: np.ndarray[tuple[int], np.dtype[np.bool_]], folder: Path, why: str) -> None:
    if wrong.any():
        raise DamagedRecording(f"{folder} is damaged: row {int(wrong.argmax())} {why}")
