"""Some frames of a video, spread over it, at little cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.video.frames import part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.pose import Box
    from nitropilot.dataset.video.frames import Frame, Video

SHORT = 1500
"""Videos of at most so many frames are decoded once through; in longer ones it is jumped."""
KEPT = 75
"""Frames of a short video that are kept, spread over it, so that whoever asks next decodes none."""
MOST_BYTES = 256 << 20
"""Of larger pictures none are kept."""
FEW = 16
"""Frames that are too few where more were wanted: encoders of some programs begin anew every 250th
frame only.  Some after each of these are taken then, too:"""
AFTER, APART = 2, 20
"""How many, and how many frames from one to the next."""
FEWEST, LONG = 4, 6000
"""A video with fewer places to begin at is decoded once through, if it has no more frames."""


def sample(
    video: Video, count: int, first: int = 0, last: int | None = None, box: Box | None = None
) -> list[Frame]:
    """About ``count`` frames from ``first`` to before ``last``, in order, none of them twice.

    Args:
        video: Of which.
        count: How many.
        first: Number of the first frame.
        last: Number of the first frame after them; None for the video's end.
        box: A part of each; None for the whole.
    """
    last = len(video.times) if last is None else min(last, len(video.times))
    wanted = np.linspace(first, max(last - 1, first), count).round().astype(np.int64)
    return [frame for frame in about(video, wanted, box) if first <= frame.number < last]


def about(video: Video, numbers: NDArray[np.int64], box: Box | None = None) -> list[Frame]:
    """Frames of these numbers, in order, none of them twice; those that can be decoded.

    Of a short video, those near them are taken that are kept.  Where it would be long to decode,
    those are taken at which decoding can begin, the last one before each, and some after these
    where they are few.

    Args:
        video: Of which.
        numbers: Which, rising.
        box: A part of each; None for the whole.
    """
    wanted = np.unique(numbers)
    if not len(wanted):
        return []
    if _spread(video, wanted):
        return _kept(video, wanted, box)
    if wanted[-1] - wanted[0] < SHORT:
        return _through(video, wanted, box)
    found = {}
    for number in wanted.tolist():
        frame = video.near(number, box)
        if frame is not None:
            found[frame.number] = frame
    if len(found) < min(FEW, len(wanted) / 2):
        if len(found) < FEWEST and wanted[-1] - wanted[0] < LONG:
            return _through(video, wanted, box)
        for begin in list(found):
            after = begin + APART * np.arange(1, AFTER + 1)
            after = after[after < len(video.times)]
            found.update({each.number: each for each in _through(video, after, box)})
    return [found[number] for number in sorted(found)]


def _through(video: Video, wanted: NDArray[np.int64], box: Box | None) -> list[Frame]:
    if not len(wanted):
        return []
    chosen = set(wanted.tolist())
    found = []
    for frame in video.frames(box, int(wanted[0])):
        if frame.number in chosen:
            found.append(frame)
        if frame.number >= wanted[-1]:
            break
    return found


def _spread(video: Video, wanted: NDArray[np.int64]) -> bool:
    """Whether frames that are kept are as good."""
    total = len(video.times)
    small = KEPT * 1.5 * video.width * video.height <= MOST_BYTES
    apart = (wanted[-1] - wanted[0]) / (len(wanted) - 1) if len(wanted) > 1 else 0.0
    return small and KEPT < total < SHORT and KEPT * apart >= 0.9 * total


def _kept(video: Video, wanted: NDArray[np.int64], box: Box | None) -> list[Frame]:
    if not video.kept:
        total = len(video.times)
        spread = np.unique(np.linspace(0, total - 1, KEPT).round().astype(np.int64))
        video.kept = _through(video, spread, None)
    there = np.array([frame.number for frame in video.kept], np.int64)
    if not len(there):
        return []
    near = np.unique(np.abs(there[:, None] - wanted).argmin(axis=0))
    return [part(video.kept[index], box) for index in near]
