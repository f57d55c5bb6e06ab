"""``read``: a located controller, read off a video frame by frame.

Its position, its neutral and its pressed looks are known, so this is a measurement: what each state
would look like is drawn, and the one that explains the picture best is taken.  Nothing is learned,
but for how strong the background and the noise of this video are.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.dataset.drawing.planes import Planes
from nitropilot.dataset.locating.refine import refine
from nitropilot.dataset.pose import Box, Pose
from nitropilot.dataset.reading.background import Surroundings
from nitropilot.dataset.reading.eyes import Crops
from nitropilot.dataset.reading.reader import Reader, Told
from nitropilot.dataset.reading.sight import Sight
from nitropilot.dataset.video.sampling import SHORT, sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from nitropilot.dataset.reading.reading import Readable, Reading
    from nitropilot.dataset.video.frames import Frame, Video

ALONE = 30.0
"""Frames a second where there is but one."""
BATCH = 256
"""Frames that are read at once."""
WHOLE = 24
"""Whole pictures from which it is learned what shows through."""
STILL = 75
"""Frames whose median is what the controller looks like when nothing is pressed."""
FIRST_LOOK = 192
"""Frames on which the noise of a long video is measured."""
ENOUGH = 190
"""Pixels of width that are enough: about so large all controllers are made, by whole numbers."""


def read(video: Video, found: Readable) -> Reading:
    """Read a controller in the frames in which it was found, as far as they can be decoded.

    Args:
        video: Which.
        found: What was found in it.
    """
    return read_at(video, sight_of(video, found), found.first, found.last)


def sight_of(video: Video, found: Readable) -> Sight:
    """How a controller looks where it was found, seen more closely."""
    shown = next(video.frames(first=found.first), video)  # of which the size may have changed
    size = (shown.width, shown.height)
    sight = Sight(found.template, found.pose, video.colours, 1.0, size)
    frames = sample(video, STILL, found.first, found.last, sight.box)
    y, u, v = (
        np.median(np.stack(planes), axis=0).astype(np.float32)
        for planes in zip(*(frame.planes for frame in frames), strict=True)
    )
    close = refine(Planes(y, u, v), sight.box, found.template, found.pose, video.colours)
    return dataclasses.replace(sight, pose=close.pose, opacity=close.opacity)


def read_at(video: Video, sight: Sight, first: int, last: int) -> Reading:
    """Read frames ``first`` to before ``last``, as far as they can be decoded.

    Args:
        video: Which.
        sight: How the template looks in it.
        first: Number of the first frame.
        last: Number of the first one after them.
    """
    by = max(1, round(sight.pose.scale * sight.template.width / ENOUGH))
    small = smaller(sight, by)
    rate = video.rate or ALONE
    reader, told = _reader(video, small, by, first, last), Told()
    for frames in _batches(_until(video.frames(_times(small.box, by), first), last)):
        reader.look(frames, crops_of(frames, small.box, by), told, rate)
    reading = reader.decide(told, rate)
    return dataclasses.replace(reading, pose=sight.pose)


def smaller(sight: Sight, by: int) -> Sight:
    """As it looks in the video made smaller by a whole number."""
    pose = sight.pose
    pose = Pose(pose.scale / by, pose.x / by, pose.y / by, pose.angle, pose.stretch)
    width, height = sight.size
    return dataclasses.replace(sight, pose=pose, size=(width // by, height // by))


def crops_of(frames: list[Frame], box: Box, by: int) -> Crops:
    """Frames that are already cut, as arrays.

    Args:
        frames: Cut to ``by`` times the box.
        box: In the smaller picture.
        by: How many pixels of the video, each way, become one.
    """
    y, u, v = (
        np.stack([_shrunk(plane, by) for plane in planes])
        for planes in zip(*(frame.planes for frame in frames), strict=True)
    )
    return Crops(y, u, v, box)


def _reader(video: Video, small: Sight, by: int, first: int, last: int) -> Reader:
    """Get ready to read."""
    width, height = (side * by for side in small.size)
    pictures = [
        frame
        for frame in sample(video, WHOLE, first, last)
        if frame.width >= width and frame.height >= height
    ]
    sides = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    y, u, v = (
        np.stack([_shrunk(frame.planes[index][:rows, :columns], by) for frame in pictures])
        for index, (rows, columns) in enumerate(sides)
    )
    reader = Reader(small, Surroundings((y, u, v), small.box))
    few = sample(video, STILL, first, last, _times(small.box, by))
    apart = (few[-1].time - few[0].time) / max(len(few) - 1, 1)
    reader.learn(crops_of(few, small.box, by), 1 / apart if apart > 0 else ALONE)
    if len(video.times) >= SHORT:
        near = min(last, first + 4 * FIRST_LOOK)
        few = sample(video, FIRST_LOOK, first, near, _times(small.box, by))
    reader.measure_noise(crops_of(few, small.box, by))
    return reader


def _shrunk(plane: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    if by == 1:
        return plane
    height, width = (side // by for side in plane.shape)
    whole = plane[: height * by, : width * by]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _times(box: Box, by: int) -> Box:
    return Box(*(by * side for side in box))


def _until(frames: Iterable[Frame], last: int) -> Iterator[Frame]:
    for frame in frames:
        if frame.number >= last:
            return
        yield frame


def _batches(frames: Iterator[Frame]) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
