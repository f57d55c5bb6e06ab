"""Which actions of a recording belong to which of its frames: what a policy is trained on."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from nitropilot.records.errors import FramesWithoutTimes

if TYPE_CHECKING:
    import pyarrow as pa

    from nitropilot.records.timeline import Timeline


class Pair(NamedTuple):
    """A frame and its actions.

    Attributes:
        frame: Row, and frame of the video, whose picture it is.
        first: Row of the first action; the others are in the rows after it.
    """

    frame: int
    first: int


def pairs(rows: pa.Table, timeline: Timeline) -> list[Pair]:
    """The frames of a recording with the actions that ``timeline`` says, by their own times.

    A frame belongs to the tick in which it was taken, whatever row it stands in; one that is
    shown again for want of another is none of its own.  Frames whose actions would reach beyond
    an unbroken stretch of play are left out.

    Args:
        rows: All rows of a recording (``read_recording``).
        timeline: The policy's.

    Raises:
        FramesWithoutTimes: An older version recorded it.
    """
    require_times(rows)
    sent = rows["sent_time"].to_pylist()
    taken = rows["frame_time"].to_pylist()
    stretch = rows["stretch"].to_pylist()
    repeated = rows["frame_repeated"].to_pylist()
    found = []
    for row in range(rows.num_rows):
        tick = bisect_right(sent, taken[row]) - 1
        if repeated[row] or tick < 0 or stretch[tick] != stretch[row]:
            continue
        actions = timeline.actions(tick)
        inside = actions.start >= 0 and actions.stop <= rows.num_rows
        if inside and stretch[actions.start] == stretch[actions.stop - 1] == stretch[tick]:
            found.append(Pair(row, actions.start))
    return found


def require_times(rows: pa.Table, whose: str = "this recording") -> None:
    """See that the frames of a recording have times.

    Args:
        rows: All of its rows.
        whose: How the recording is called in the message.

    Raises:
        FramesWithoutTimes: An older version recorded it.
    """
    if any(map(math.isnan, rows["frame_time"].to_pylist())):
        raise FramesWithoutTimes(
            f"the frames of {whose} have no times: an older version made it",
            "record anew; what its frames show is up to 5 rows older than its actions",
        )
