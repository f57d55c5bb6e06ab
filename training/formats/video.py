"""Frames of a video by their number, as they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nitropilot.records.errors import DamagedRecording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

NEAR = 300
"""Frames that are rather decoded than jumped over."""


def frame_times(path: Path) -> NDArray[np.int64]:
    """When each frame is shown, in the stream's own units and in order; nothing is decoded.

    Raises:
        DamagedRecording: The video cannot be read.
    """
    import av

    try:
        with av.open(str(path)) as container:
            packets = container.demux(container.streams.video[0])
            found = [p.pts for p in packets if p.pts is not None and not p.is_discard]
    except (av.FFmpegError, OSError, IndexError) as error:
        raise DamagedRecording(f"{path} cannot be read: {error}") from error
    return np.sort(np.array(found, np.int64))


def frame_seconds(path: Path) -> NDArray[np.float64]:
    """When each frame is shown, in seconds from the first one's.

    Raises:
        DamagedRecording: The video cannot be read, or has no frame.
    """
    import av

    times = frame_times(path)
    if not len(times):
        raise DamagedRecording(f"{path} has no frames")
    with av.open(str(path)) as container:
        unit = container.streams.video[0].time_base
    return np.asarray((times - times[0]) * float(unit or 1), np.float64)


def decoded(path: Path, wanted: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
    """The wanted frames of a video, ``H x W x 3`` RGB; long parts between them are not decoded.

    Args:
        path: The video.
        wanted: Numbers of frames, rising.

    Raises:
        DamagedRecording: It cannot be decoded.
    """
    import av

    if not len(wanted):
        return
    gaps = np.diff(wanted, prepend=0) > NEAR
    times = frame_times(path) if gaps.any() else None
    remaining = list(zip(wanted.tolist(), gaps.tolist(), strict=True))[::-1]
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            while remaining:
                number, far = remaining[-1]
                begins = 0
                if far and times is not None and number < len(times):
                    container.seek(int(times[number]), stream=stream)
                    begins = -1
                for frame in container.decode(stream):
                    if begins < 0 and times is not None:
                        begins = int(np.searchsorted(times, frame.pts or 0))
                    if begins == remaining[-1][0]:
                        yield frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                        remaining.pop()
                        if not remaining or remaining[-1][1]:
                            break
                    begins += 1
                else:
                    return
    except av.FFmpegError as error:
        raise DamagedRecording(f"{path} cannot be decoded: {error}") from error
