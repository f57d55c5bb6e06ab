"""Rows at 30 or 60 a second out of frames at whatever times they have.

Row ``k`` of a video is what is shown from half a row before ``k / hz`` to half a row after it.  So
the frames of a steady video have a row each, however its file rounds their times; and who looks
for the newest frame in the middle of a row finds the last one of those that it was made from.
Where frames are dropped the picture stands, and rows repeat; where that takes long, a stretch ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.pad import PadStates

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATES = (30, 60)
"""Rows a second of the published layout."""
SLOW = 32.0
"""Videos of up to so many frames a second get rows at 30."""
GAP = 0.25
"""Seconds without a frame that end a stretch: 8 to 15 rows in which nobody saw what was pressed."""

ROUNDING = 1e-6
"""Of a row: every other frame of a video at twice the rate is right between two of them."""


@dataclass(frozen=True, eq=False)
class Frames:
    """All frames of a video, with what was read in each.

    Attributes:
        times: ``N`` float64: seconds from the first one's, rising.
        states: ``N`` of them; neutral where nothing was read.
        confidence: ``N`` float32: of the least sure output, 0 to 1; 0 where nothing was read.
        read: ``N`` bool: whether the controller was there and was read.
        piece: ``N`` int64: which overlay it is; a stretch does not reach over a change of it.
    """

    times: NDArray[np.float64]
    states: PadStates
    confidence: NDArray[np.float32]
    read: NDArray[np.bool_]
    piece: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rows:
    """What the pad did, at so many rows a second.

    Attributes:
        hz: Rows a second.
        tick: ``R`` int64: row ``i`` is of second ``tick[i] / hz`` of the video.
        frame: ``R`` int64: number of the newest frame in it, or before it where it has none.
        stretch: ``R`` int64: rows of one follow on each other.
        states: ``R`` of them.
        confidence: ``R`` float32, as in ``Frames``.
        read: ``R`` bool, the same.
        piece: ``R`` int64, the same.
        repeated: ``R`` bool: no frame of its own.
    """

    hz: int
    tick: NDArray[np.int64]
    frame: NDArray[np.int64]
    stretch: NDArray[np.int64]
    states: PadStates
    confidence: NDArray[np.float32]
    read: NDArray[np.bool_]
    piece: NDArray[np.int64]
    repeated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.tick)

    def chunks(self, rows: int) -> list[tuple[int, int]]:
        """First and last + 1 of the chunks of at most so many rows; none reaches over a gap."""
        found = []
        begins = np.flatnonzero(np.diff(self.stretch, prepend=-1))
        for first, last in zip(begins, [*begins[1:], len(self)], strict=True):
            found += [(at, min(at + rows, int(last))) for at in range(int(first), int(last), rows)]
        return found


def rate_for(fps: float, asked: int | None = None) -> int:
    """Rows a second for a video of that many frames a second, unless another rate is asked."""
    return asked or (RATES[0] if fps <= SLOW else RATES[1])


def ticks(times: NDArray[np.float64], hz: int) -> NDArray[np.int64]:
    """The row that each frame is in."""
    found: NDArray[np.int64] = np.floor(times * hz + 0.5 + ROUNDING).astype(np.int64)
    return found


def rows_of(frames: Frames, hz: int) -> Rows:
    """Frames as rows.

    A button is down in a row if it was in any of the row's frames, so that no tap is lost; a stick
    is where it was on average, a trigger as far as it was pulled at most.  A row without a frame
    is as the one before it.

    Args:
        frames: At least one.
        hz: Rows a second.
    """
    at = ticks(frames.times, hz)
    begins = np.flatnonzero(np.diff(at, prepend=at[0] - 1))
    ends = np.append(begins[1:], len(at))
    broken = (np.diff(frames.times, prepend=frames.times[0]) > GAP) | (
        np.diff(frames.piece, prepend=frames.piece[0]) != 0
    )
    # Where a stretch begins in the middle of a row, the row stays with the one before.
    parts = np.cumsum(broken)[begins]
    filled = np.diff(at[begins], append=at[begins[-1]] + 1)
    filled[np.flatnonzero(np.diff(parts))] = 1
    source = np.repeat(np.arange(len(begins)), filled)
    nth = np.arange(len(source)) - np.repeat(np.cumsum(filled) - filled, filled)
    read = np.maximum.reduceat(frames.read, begins)
    return Rows(
        hz,
        at[begins][source] + nth,
        (ends - 1)[source],
        parts[source],
        _states(frames, begins, source),
        _lowest(frames, begins)[source],
        read[source],
        frames.piece[begins][source],
        nth > 0,
    )


def _states(frames: Frames, begins: NDArray[np.int64], source: NDArray[np.int64]) -> PadStates:
    states, read = frames.states, frames.read
    buttons = np.logical_or.reduceat(states.buttons & read[:, None], begins, axis=0)
    triggers = np.maximum.reduceat(states.triggers * read[:, None], begins, axis=0)
    count = np.maximum(np.add.reduceat(read.astype(np.float32), begins), 1)
    sticks = np.add.reduceat(states.sticks * read[:, None], begins, axis=0) / count[:, None]
    return PadStates(
        buttons[source], sticks[source].astype(np.float32), triggers[source].astype(np.float32)
    )


def _lowest(frames: Frames, begins: NDArray[np.int64]) -> NDArray[np.float32]:
    """The least confidence of a row's frames that were read; 0 where none was."""
    known = np.where(frames.read, frames.confidence, np.inf)
    lowest = np.minimum.reduceat(known, begins)
    return np.where(np.isfinite(lowest), lowest, 0).astype(np.float32)
