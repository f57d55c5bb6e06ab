"""Some frames of a video, spread over all of it, and their median."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.drawing.planes import Planes
from nitropilot.dataset.pose import Box, Pose
from nitropilot.dataset.video.sampling import about

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from nitropilot.dataset.video.frames import Frame, Video

    Plane = NDArray[np.uint8]

WIDTH = 1280
"""Larger pictures are made smaller to this: the smallest overlay that can be read, a seventh of the
picture's width, still has 180 pixels there."""


class Shot(NamedTuple):
    """A frame as it is searched: even sides, at most ``WIDTH`` wide.

    Attributes:
        number: Of the frame.
        y: ``h x w``.
        u: ``h / 2 x w / 2``.
        v: The same.
    """

    number: int
    y: Plane
    u: Plane
    v: Plane

    def part(self, box: Box) -> Planes:
        """A box of even sides that begins at even pixels."""
        half = Box(box.left // 2, box.top // 2, box.right // 2, box.bottom // 2)
        y, u, v = (
            plane[cut.top : cut.bottom, cut.left : cut.right].astype(np.float32)
            for plane, cut in ((self.y, box), (self.u, half), (self.v, half))
        )
        return Planes(y, u, v)


@dataclass
class Shots:
    """Frames of one size.

    Attributes:
        shots: By number.
        width: Of the video's pictures, in pixels of its own.
        height: The same.
    """

    shots: list[Shot]
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what is searched."""
        height, width = self.shots[0].y.shape
        return width, height

    def grey_median(self, which: Sequence[int]) -> Plane:
        """The median of brightness of some of them."""
        planes = np.stack([self.shots[index].y for index in which])
        middle = len(planes) // 2
        return np.asarray(np.partition(planes, middle, axis=0)[middle], np.uint8)

    def median(self, which: Sequence[int], box: Box) -> Planes:
        """The median of a part of some of them."""
        parts = [self.shots[index].part(box) for index in which]
        y, u, v = (np.median(np.stack(planes), axis=0) for planes in zip(*parts, strict=True))
        return Planes(*(np.asarray(plane, np.float32) for plane in (y, u, v)))

    def in_video(self, pose: Pose) -> Pose:
        """A pose in the video's own pixels."""
        width, height = work_size(self.width, self.height)
        across, down = self.width / width, self.height / height
        if width == self.width // 2 * 2:  # only an odd column or row was cut off
            across, down = 1.0, 1.0
        stretch = pose.stretch * down / across
        return Pose(pose.scale * across, pose.x * across, pose.y * down, pose.angle, stretch)


def work_size(width: int, height: int) -> tuple[int, int]:
    """The size at which pictures are searched, even."""
    if width <= WIDTH:
        return width // 2 * 2, height // 2 * 2
    return WIDTH, max(round(height * WIDTH / width / 2) * 2, 2)


def shot(frame: Frame) -> Shot:
    """A frame as it is searched."""
    width, height = work_size(frame.width, frame.height)
    if frame.width <= WIDTH:
        y = frame.y[:height, :width]
        u, v = (plane[: height // 2, : width // 2] for plane in (frame.u, frame.v))
        return Shot(frame.number, y, u, v)
    half = (width // 2, height // 2)
    sizes = ((frame.y, (width, height)), (frame.u, half), (frame.v, half))
    y, u, v = (
        np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)
        for plane, size in sizes
    )
    return Shot(frame.number, y, u, v)


def sample(video: Video, count: int) -> list[Shots]:
    """Frames spread over a video, for each size that its pictures have.

    A size that is there for a short time only gets frames of its own.
    """
    total = len(video.times)
    found = about(video, spaced(total, count))
    if found and len(found) < min(count, total) // 2:  # it breaks off: what there is, then
        found = about(video, spaced(found[-1].number + 1, count))
    by_size: dict[tuple[int, int], list[Shot]] = {}
    for frame in _closer(video, found, count):
        by_size.setdefault(_size(frame), []).append(shot(frame))
    return [Shots(shots, *size) for size, shots in by_size.items() if min(size) > 1]


def _closer(video: Video, found: list[Frame], count: int) -> Iterator[Frame]:
    """The same frames; where few lie between two changes of size, others from there instead."""
    runs = [list(frames) for _, frames in groupby(found, _size)]
    begin = 0
    for index, run in enumerate(runs):
        end = runs[index + 1][0].number if index + 1 < len(runs) else len(video.times)
        if len(runs) > 1 and len(run) < count // 2:
            more = about(video, begin + spaced(end - begin, count))
            run = [each for each in more if _size(each) == _size(run[0])] or run
        yield from run
        begin = runs[index][-1].number + 1


def _size(frame: Frame) -> tuple[int, int]:
    return frame.width, frame.height


def spaced(total: int, count: int) -> NDArray[np.int64]:
    """The middles of ``count`` equal parts of ``total`` frames."""
    count = min(count, total)
    return np.asarray((np.arange(count) + 0.5) * total / max(count, 1), np.int64)
