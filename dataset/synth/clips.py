"""Clips of made-up play with a controller in them, whose every state is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

from nitropilot.dataset.drawing.planes import Colours
from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.synth.overlay import overlaid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from av.container import OutputContainer
    from av.video.stream import VideoStream
    from numpy.random import Generator
    from numpy.typing import NDArray

    from nitropilot.dataset.pad import PadStates
    from nitropilot.dataset.pose import Pose
    from nitropilot.dataset.templates.template import Template

    Picture = NDArray[np.uint8]

LIBRARIES = {"h264": "libx264", "vp9": "libvpx-vp9"}
_TAGS = {"bt709": (1, 1, 1), "bt601": (6, 6, 6)}
"""ffmpeg's numbers of a matrix, its primaries and its curve."""
_LIMITED = 1
UNIT = 90_000
"""Times are whole parts of a second of this many."""


@dataclass(frozen=True)
class Coding:
    """How pictures are written.

    Attributes:
        codec: ``h264`` or ``vp9``.
        crf: How coarse: 18 is good, 32 bad.
        preset: x264's, from ``ultrafast`` to ``slow``.
        matrix: ``bt601`` or ``bt709``; written into the file too.
    """

    codec: str = "h264"
    crf: int = 23
    preset: str = "veryfast"
    matrix: str = "bt601"

    def options(self) -> dict[str, str]:
        """As ffmpeg has them."""
        if self.codec == "vp9":
            return {"crf": str(self.crf), "b": "0", "deadline": "realtime", "cpu-used": "7"}
        return {"crf": str(self.crf), "preset": self.preset}


@dataclass(frozen=True)
class Again:
    """How a clip is written a second time, as a site does that people upload to.

    Attributes:
        width: In pixels, even.
        height: The same.
        crf: As in ``Coding``.
    """

    width: int
    height: int
    crf: int = 28


def write_clip(
    path: Path,
    template: Template,
    pose: Pose,
    states: PadStates,
    scene: Iterable[Picture],
    rate: float = 30.0,
    opacity: float = 1.0,
    codec: str = "h264",
    crf: int = 23,
    *,
    preset: str = "veryfast",
    matrix: str = "bt601",
    times: NDArray[np.float64] | None = None,
    again: Again | None = None,
) -> None:
    """Draw a controller over a scene and write that; what the clip shows is ``states``.

    Args:
        path: Where; its ending says which container. Overwritten.
        template: How the controller looks.
        pose: Where it is; see ``resized`` for where that is when the clip is written twice.
        states: One a frame.
        scene: At least as many pictures; drawn into.
        rate: Frames a second.
        opacity: Of the controller, 0 to 1.
        codec: As in ``Coding``.
        crf: The same.
        preset: The same.
        matrix: The same.
        times: Of each frame in seconds, where they do not follow evenly on each other.
        again: Whether it is decoded and written once more, smaller or larger.

    Raises:
        NotExtracted: Its size is odd, there is no state, or fewer pictures than states.
    """
    coding = Coding(codec, crf, preset, matrix)
    when = np.arange(len(states)) / rate if times is None else times
    drawn = overlaid(scene, template, pose, states, opacity)
    if again is None:
        write_frames(path, drawn, when, coding)
        return
    first = path.with_name(f"{path.stem}.first{path.suffix}")
    try:
        write_frames(first, drawn, when, coding)
        size = (again.width, again.height)
        write_frames(path, _seen(first, size), when, replace(coding, crf=again.crf))
    finally:
        first.unlink(missing_ok=True)


def write_frames(
    path: Path, pictures: Iterable[Picture], times: NDArray[np.float64], coding: Coding
) -> None:
    """Write pictures ``h x w x 3`` of red, green and blue, each with its time in seconds.

    Raises:
        NotExtracted: Their size is odd, or there is none.
    """
    rest = iter(pictures)
    first = next(rest, None)
    if first is None or not len(times):
        raise NotExtracted(f"{path} would have no frame")
    height, width = first.shape[:2]
    if width % 2 or height % 2:
        raise NotExtracted(f"a clip of {width} x {height} cannot be written", "give even sides")
    try:
        with av.open(str(path), "w") as container:
            stream = _stream(container, width, height, times, coding)
            for picture, time in zip(chain([first], rest), times.tolist(), strict=False):
                frame = _coded(picture, coding.matrix)
                frame.pts = round(time * UNIT)
                frame.time_base = Fraction(1, UNIT)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    except BaseException:
        path.unlink(missing_ok=True)  # nobody takes half a clip for a whole one
        raise


def resized(pose: Pose, old: tuple[int, int], new: tuple[int, int]) -> Pose:
    """Where a controller is in a video that was made another size.

    Args:
        pose: Where it was; upright where the shape changes too.
        old: Width and height before.
        new: The same after.
    """
    across, down = new[0] / old[0], new[1] / old[1]
    return replace(
        pose, scale=pose.scale * across, x=pose.x * across, y=pose.y * down,
        stretch=pose.stretch * down / across,
    )  # fmt: skip


def uneven(rng: Generator, count: int, rate: float, dropped: float = 0.05) -> NDArray[np.float64]:
    """Times of ``count`` frames that come a little early or late, and of which some are missing.

    Args:
        rng: Decides all.
        count: How many.
        rate: Frames a second, had none been dropped.
        dropped: Which part of them.
    """
    steps = rng.geometric(1 - dropped, count - 1)
    early = rng.uniform(-0.2, 0.2, count)
    at = np.concatenate([[0], np.cumsum(steps)]) + early
    return np.asarray((at - at[0]) / rate, np.float64)


def _stream(
    container: OutputContainer, width: int, height: int, times: NDArray[np.float64], coding: Coding
) -> VideoStream:
    gap = float(np.median(np.diff(times))) if len(times) > 1 else 1 / 30
    stream = container.add_stream(
        LIBRARIES[coding.codec], rate=Fraction(1 / gap).limit_denominator(1001)
    )
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.options = coding.options()
    context = stream.codec_context
    context.time_base = Fraction(1, UNIT)
    context.thread_count = 1
    context.colorspace, context.color_primaries, context.color_trc = _TAGS[coding.matrix]
    context.color_range = _LIMITED
    return stream


def _coded(picture: Picture, matrix: str) -> av.VideoFrame:
    """As the codec has it: colour is the mean of 2 x 2, not of the first of them."""
    rows, offset = Colours(matrix).matrix_and_offset()
    whole = np.concatenate([rows / 255, offset[:, None]], axis=1)
    y, u, v = cv2.split(cv2.transform(picture, whole))
    height, width = y.shape
    half = (width // 2, height // 2)
    small = [cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (u, v)]
    planes = np.concatenate([y.ravel(), *(plane.ravel() for plane in small)])
    frame = av.VideoFrame.from_ndarray(planes.reshape(height * 3 // 2, width), format="yuv420p")
    frame.colorspace, frame.color_range = _TAGS[matrix][0], _LIMITED
    return frame


def _seen(path: Path, size: tuple[int, int]) -> Iterator[Picture]:
    """A clip's pictures, made another size."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            picture = frame.to_ndarray(format="rgb24")
            smaller = size[0] < picture.shape[1]
            way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
            yield np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)
