"""Some frames of a video, spread over it, at little cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from nitropilot.dataset.pose import Box
    from nitropilot.dataset.video.frames import Frame, Video

SHORT = 1500
"""Videos of at most so many frames are decoded once through; in longer ones it is jumped."""


def sample(
    video: Video, count: int, first: int = 0, last: int | None = None, box: Box | None = None
) -> list[Frame]:
    """About ``count`` frames from ``first`` to before ``last``, in order, none of them twice.

    In a long video those at which decoding can begin are taken, as near as there are any.

    Args:
        video: Of which.
        count: How many.
        first: Number of the first frame.
        last: Number of the first frame after them; None for the video's end.
        box: A part of each; None for the whole.
    """
    last = len(video.times) if last is None else min(last, len(video.times))
    wanted = np.unique(np.linspace(first, max(last - 1, first), count).round().astype(np.int64))
    if last - first <= SHORT:
        return _through(video, wanted, box)
    found: dict[int, Frame] = {}
    for number in wanted.tolist():
        frame = video.near(number, box)
        if frame is not None and first <= frame.number < last:
            found.setdefault(frame.number, frame)
    return [found[number] for number in sorted(found)]


def _through(video: Video, wanted: np.typing.NDArray[np.int64], box: Box | None) -> list[Frame]:
    chosen = set(wanted.tolist())
    found = []
    for frame in video.frames(box, int(wanted[0])):
        if frame.number in chosen:
            found.append(frame)
        if frame.number >= wanted[-1]:
            break
    return found
