"""``Video``: frames of a file as its codec has them, each with its time.

What can be decoded is given, then the video ends, whether or not that is the end of the file:
``Video.damage`` says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nitropilot.dataset.drawing.planes import Colours
from nitropilot.dataset.errors import BadVideo
from nitropilot.dataset.pose import Box

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import av.container
    import av.video
    from numpy.typing import NDArray

    Plane = NDArray[np.uint8]

_BT709, _FULL = 1, 2
"""ffmpeg's numbers for that matrix, and for the whole range of values."""
HIGH = 720
"""Videos that do not say how they write colours do it as television of their height does."""
PLAIN = ("yuv420p", "yuvj420p")
BACK_S = (0.0, 2.0, 20.0, float("inf"))
"""How far before a frame a file is entered, until that is before it: some, such as MPEG transport
streams, can be entered anywhere, and are decoded from the next key frame on."""
SHORT_S = 0.5
"""Seconds by which a whole file may be shorter than it says: containers round."""


class Frame(NamedTuple):
    """One picture of a video, or a part of it.

    Attributes:
        number: Of those that are shown, from 0.
        time: When it is shown, seconds from the first one's.
        y: ``h x w``, brightness.
        u: ``ceil(h / 2) x ceil(w / 2)``, colour.
        v: The same.
        width: Of the whole picture.
        height: The same.
    """

    number: int
    time: float
    y: Plane
    u: Plane
    v: Plane
    width: int
    height: int

    @property
    def planes(self) -> tuple[Plane, Plane, Plane]:
        """Brightness and both colours."""
        return self.y, self.u, self.v


@dataclass
class Video:
    """A file that has been looked at.

    Attributes:
        path: Where it is.
        width: Of its first picture.
        height: The same.
        times: When each frame is shown, seconds from the first one's; from the file's packets, so
            that there may be more of them than can be decoded.
        colours: How it writes colours.
        begins: Of the first frame, in seconds of the file's own.
        cut: What says that the file ends before its video does; empty where nothing does.
        damage: Why it ended early the last time it was read; empty where it did not.
        kept: Some whole frames spread over it, by number, once somebody asked for them.
    """

    path: Path
    width: int
    height: int
    times: NDArray[np.float64]
    colours: Colours
    begins: float = 0.0
    cut: str = ""
    damage: str = ""
    kept: list[Frame] = field(default_factory=list, repr=False)

    @property
    def rate(self) -> float:
        """Frames a second, as most of them follow on each other."""
        gaps = np.diff(self.times)
        return 1 / float(np.median(gaps)) if len(gaps) and np.median(gaps) > 0 else 0.0

    @property
    def seconds(self) -> float:
        """From the first frame to the end of the last one."""
        return float(self.times[-1]) + (1 / self.rate if self.rate else 0.0)

    def frames(self, box: Box | None = None, first: int = 0) -> Iterator[Frame]:
        """Frames from ``first`` on.

        Args:
            box: A part, from an even pixel on and in the picture; None for the whole.
            first: Number of the first that is wanted.
        """
        import av

        self.damage = ""
        wanted = float(self.times[first]) if 0 < first < len(self.times) else 0.0
        for back in BACK_S:
            seek = wanted - back
            with av.open(str(self.path)) as container:
                stream = container.streams.video[0]
                stream.thread_count = 1
                unit = float(stream.time_base or 1)
                if seek > 0:
                    container.seek(round((self.begins + seek) / unit), stream=stream)
                entered = seek <= 0
                try:
                    for number, time, frame in self._counted(container, stream, unit):
                        if not entered and number > first:
                            break
                        entered = True
                        if number >= first:
                            yield _frame(number, time, frame, box)
                    else:
                        if entered:
                            return
                except av.FFmpegError as error:
                    self.damage = f"it cannot be decoded further: {error.strerror}"
                    return

    def _counted(
        self,
        container: av.container.InputContainer,
        stream: av.video.stream.VideoStream,
        unit: float,
    ) -> Iterator[tuple[int, float, av.VideoFrame]]:
        """Decoded frames with their numbers and times."""
        number = -1
        for frame in container.decode(stream):
            if frame.pts is None:
                number += 1
                time = float(self.times[min(number, len(self.times) - 1)])
            else:
                time = frame.pts * unit - self.begins
                number = max(int(np.searchsorted(self.times, time - 1e-6)), number + 1)
            yield number, time, frame

    def near(self, number: int, box: Box | None = None) -> Frame | None:
        """The frame at or before ``number`` at which decoding can begin; None if there is none.

        Args:
            number: Of the wanted one.
            box: As in ``frames``.
        """
        import av

        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            stream.thread_count = 1
            unit = float(stream.time_base or 1)
            container.seek(round((self.begins + float(self.times[number])) / unit), stream=stream)
            try:
                for at, time, frame in self._counted(container, stream, unit):
                    return _frame(at, time, frame, box)
            except av.FFmpegError:
                return None
        return None


def open_video(path: Path) -> Video:
    """Look at a file.

    Raises:
        BadVideo: It cannot be read, has no picture (sound alone), or no frame of one.
    """
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise BadVideo(f"{path} has no picture", "give a video, and not sound alone")
            stream = container.streams.video[0]
            unit = float(stream.time_base or 1)
            times, end = _packets(container, stream)
            announced = (container.duration or 0) / av.time_base
            first = None
            if len(times):
                container.seek(0)
                first = next(container.decode(stream), None)
    except (av.FFmpegError, OSError) as error:
        raise BadVideo(f"{path} cannot be read: {error.strerror or error}") from error
    if first is None:
        raise BadVideo(f"{path} has no frame that can be decoded")
    begins = float(times[0]) * unit
    cut = ""
    if announced > end + SHORT_S:
        cut = f"the file says {announced:.1f} s, and ends after {end:.1f} s"
    shown = times * unit - begins
    return Video(path, first.width, first.height, shown, _colours(first), begins, cut)


def _packets(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> tuple[NDArray[np.float64], float]:
    """When frames are shown, in units of their stream; and the second of the file at which the
    last of all that is in it ends, sound included, which may be longer."""
    shown, end, begins = [], 0.0, None
    for packet in container.demux():
        if packet.pts is None or packet.is_discard:  # what was cut away without new encoding
            continue
        unit = float(packet.time_base or 0)
        if packet.stream is stream:
            shown.append(packet.pts)
        begins = packet.pts * unit if begins is None else min(begins, packet.pts * unit)
        end = max(end, (packet.pts + (packet.duration or 0)) * unit)
    return np.sort(np.array(shown, np.float64)), end - (begins or 0.0)


def part(frame: Frame, box: Box | None) -> Frame:
    """A part of a whole frame.

    Args:
        frame: The whole.
        box: As in ``Video.frames``; None for all of it.
    """
    if box is None:
        return frame
    y, u, v = (
        np.array(plane[cut.top : cut.bottom, cut.left : cut.right])
        for plane, cut in zip(frame.planes, _boxes(box), strict=True)
    )
    return frame._replace(y=y, u=u, v=v)


def _frame(number: int, time: float, frame: av.VideoFrame, box: Box | None) -> Frame:
    if frame.format.name not in PLAIN:
        frame = frame.reformat(format="yuv420p")
    height, width = frame.height, frame.width
    boxes = _boxes(box or Box(0, 0, width, height))
    y, u, v = (_plane(frame.planes[index], cut) for index, cut in enumerate(boxes))
    return Frame(number, time, y, u, v, width, height)


def _boxes(box: Box) -> tuple[Box, Box, Box]:
    """A part, in brightness and both colours."""
    chroma = Box(box.left // 2, box.top // 2, -(-box.right // 2), -(-box.bottom // 2))
    return box, chroma, chroma


def _plane(plane: av.video.plane.VideoPlane, box: Box) -> Plane:
    whole = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return np.array(whole[box.top : box.bottom, box.left : box.right])


def _colours(frame: av.VideoFrame) -> Colours:
    said = int(frame.colorspace)
    known = {1: "bt709", 5: "bt601", 6: "bt601"}
    matrix = known.get(said, "bt709" if frame.height >= HIGH else "bt601")
    full = int(frame.color_range) == _FULL or frame.format.name == "yuvj420p"
    return Colours(matrix, full)
