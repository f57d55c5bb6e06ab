"""Pictures through a real codec and back, without a file."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext

from nitropilot.dataset.synth.clips import LIBRARIES, Coding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from av.video.stream import VideoStream
    from numpy.random import Generator
    from numpy.typing import NDArray

    from nitropilot.dataset.looks.shown import Planes8

CODECS = {"h264": 0.87, "vp9": 0.13}
PRESETS = {"ultrafast": 0.5, "superfast": 0.38, "veryfast": 0.12}
CRF = (17, 36)
"""From good to bad."""


def any_coding(rng: Generator) -> Coding:
    """A codec, and how coarse it is."""
    codec = str(rng.choice(list(CODECS), p=list(CODECS.values())))
    preset = str(rng.choice(list(PRESETS), p=list(PRESETS.values())))
    return Coding(codec, int(rng.integers(CRF[0], CRF[1] + 1)), preset)


def coded(frames: Iterable[Planes8], width: int, height: int, coding: Coding, rate: int = 30
          ) -> Iterator[NDArray[np.uint8]]:  # fmt: skip
    """Each picture as it comes out of a video, ``h x w x 3`` RGB, in the same order.

    Args:
        frames: Their planes.
        width: Of them, even.
        height: The same.
        coding: How they are written.
        rate: Frames a second.
    """
    reader = _reader(coding)
    for packet in packets(frames, width, height, coding, rate):
        yield from map(_rgb, reader.decode(packet))
    yield from map(_rgb, reader.decode(None))


def packets(
    frames: Iterable[Planes8], width: int, height: int, coding: Coding, rate: int = 30
) -> Iterator[av.Packet[VideoStream]]:
    """The same pictures as packets of the codec."""
    writer = writing(width, height, coding, rate)
    for number, planes in enumerate(frames):
        yield from writer.encode(framed(planes, number))
    yield from writer.encode(None)


def framed(planes: Planes8, number: int) -> av.VideoFrame:
    """A picture as ffmpeg has it."""
    height, width = planes[0].shape
    flat = np.concatenate([plane.ravel() for plane in planes])
    frame = av.VideoFrame.from_ndarray(flat.reshape(height * 3 // 2, width), format="yuv420p")
    frame.pts = number
    return frame


def writing(width: int, height: int, coding: Coding, rate: int) -> VideoCodecContext:
    """What writes pictures of a size."""
    writer = av.CodecContext.create(LIBRARIES[coding.codec], "w")
    assert isinstance(writer, VideoCodecContext)
    writer.width, writer.height, writer.pix_fmt = width, height, "yuv420p"
    writer.time_base, writer.framerate = Fraction(1, rate), Fraction(rate)
    writer.thread_count = 1
    writer.options = options(coding)
    return writer


def options(coding: Coding) -> dict[str, str]:
    """As ffmpeg has them; what looks further ahead than a clip is long only costs."""
    given = coding.options()
    if coding.codec == "h264":
        return given | {"rc-lookahead": "6", "sc_threshold": "0"}
    return given | {"lag-in-frames": "0", "cpu-used": "8"}


def _reader(coding: Coding) -> VideoCodecContext:
    reader = av.CodecContext.create(coding.codec, "r")
    assert isinstance(reader, VideoCodecContext)
    reader.thread_count = 1
    return reader


def _rgb(frame: av.VideoFrame) -> NDArray[np.uint8]:
    flat = frame.to_ndarray()
    return np.asarray(cv2.cvtColor(flat, cv2.COLOR_YUV2RGB_I420), np.uint8)
