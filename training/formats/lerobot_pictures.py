"""The pictures of a take as a file of a LeRobotDataset: copied, or drawn anew where some is hidden.

What a take's view hides (a controller on screen, in which the answer stands) must not be seen by
readers that know nothing of it.  So pictures with such a view are blackened and encoded, one for
each row; all others are the packets that they were.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.records.errors import DamagedRecording
from nitropilot.training.errors import BadData
from nitropilot.training.formats.video import decoded
from nitropilot.training.formats.view import WHOLE, Box

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.training.formats.take import Take
    from nitropilot.training.formats.view import View

    Picture = NDArray[np.uint8]

SAMPLES = 100
"""Pictures of a take, at most, that its statistics are made from."""
CODING = {"preset": "veryfast", "crf": "20"}
"""Of what is drawn anew."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """A file of pictures that was written.

    Attributes:
        size: Height and width.
        codec: As ffmpeg calls it.
        places: Of each row of the take, which picture of the file is its own.
        samples: Some of them, from the begin to the end.
        masks: What of them is blackened, in shares of their width and height.
    """

    size: tuple[int, int]
    codec: str
    places: NDArray[np.int64]
    samples: list[Picture]
    masks: tuple[Box, ...] = ()


def write_pictures(take: Take, path: Path) -> Pictures:
    """Write a take's pictures, one each ``1 / hz``.

    Args:
        take: With one picture a row, where its view hides nothing.
        path: Of the file; nothing is left of it where it cannot be written.

    Raises:
        DamagedRecording: The take's video cannot be read.
        OSError: The disk is full.
    """
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _copied(take, path) if take.view == WHOLE else _drawn(take, path)
    except av.FFmpegError as error:
        path.unlink(missing_ok=True)
        if error.errno == errno.ENOSPC:
            raise OSError(errno.ENOSPC, "no space is left") from error
        raise DamagedRecording(f"{take.video} cannot be copied: {error}") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def seen_masks(view: View) -> tuple[Box, ...]:
    """A view's masks in shares of the part that it shows; those outside of it are left out."""
    crop = view.crop or Box(0.0, 0.0, 1.0, 1.0)
    wide, high = crop.right - crop.left, crop.bottom - crop.top
    moved = [
        Box(
            max((mask.left - crop.left) / wide, 0.0), max((mask.top - crop.top) / high, 0.0),
            min((mask.right - crop.left) / wide, 1.0), min((mask.bottom - crop.top) / high, 1.0),
        )
        for mask in view.masks
    ]  # fmt: skip
    return tuple(mask for mask in moved if mask.left < mask.right and mask.top < mask.bottom)


def _shown(take: Take) -> NDArray[np.int64]:
    return take.column("frame_index").astype(np.int64)


def _chosen(shown: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows whose pictures are samples."""
    return np.linspace(0, len(shown) - 1, SAMPLES).astype(int)


def _copied(take: Take, path: Path) -> Pictures:
    """The packets of the video, with times of their own."""
    import av

    with av.open(str(take.video)) as source, av.open(str(path), "w", format="mp4") as target:
        stream = source.streams.video[0]
        size, codec = (stream.height, stream.width), stream.codec_context.name
        copied = target.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.pts is not None]
        times = [packet.pts or 0 for packet in packets]
        order = {time: number for number, time in enumerate(sorted(times))}
        late = max((n - order[time] for n, time in enumerate(times)), default=0)
        unit = 1 / Fraction(take.hz).limit_denominator(1001)
        for number, packet in enumerate(packets):
            packet.pts, packet.dts = order[packet.pts or 0], number - late
            packet.time_base, packet.stream, packet.duration = unit, copied, 1
            target.mux(packet)
    shown = _shown(take)
    wanted = np.unique(shown[_chosen(shown)])
    samples = list(decoded(take.video, wanted))
    if len(samples) < len(wanted):
        raise DamagedRecording(f"{take.video} ends before frame {wanted[len(samples)]}")
    return Pictures(size, codec, shown, samples)


def _drawn(take: Take, path: Path) -> Pictures:
    """What the view shows of each row's picture, encoded."""
    import av
    from av.video.stream import VideoStream

    shown = _shown(take)
    wanted = {*_chosen(shown).tolist()}
    samples: list[Picture] = []
    size = (0, 0)
    with av.open(str(path), "w", format="mp4") as target:
        rate = Fraction(take.hz).limit_denominator(1001)
        stream = target.add_stream("libx264", rate=rate, options=dict(CODING))
        assert isinstance(stream, VideoStream)
        stream.pix_fmt, stream.codec_context.thread_count = "yuv420p", 1
        for row, picture in enumerate(_of_rows(take, shown)):
            if not row:
                size = picture.shape[0], picture.shape[1]
                stream.height, stream.width = size
            if picture.shape[:2] != size:
                raise BadData(f"{take.video} has pictures of several sizes", "leave it out")
            if row in wanted:
                samples.append(picture)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = row, 1 / rate
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return Pictures(size, "h264", np.arange(len(shown)), samples, seen_masks(take.view))


def _of_rows(take: Take, shown: NDArray[np.int64]) -> Iterator[Picture]:
    """The picture of each row, with even sides."""
    frames, counts = np.unique(shown, return_counts=True)
    done = 0
    for picture, count in zip(decoded(take.video, frames), counts.tolist(), strict=False):
        seen = take.view.of(picture)
        height, width = (side - side % 2 for side in seen.shape[:2])
        even = np.ascontiguousarray(seen[:height, :width])
        done += 1
        for _ in range(count):
            yield even
    if done < len(frames):
        raise DamagedRecording(f"{take.video} ends before frame {frames[done]}")
