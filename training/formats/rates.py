"""``resampled``: the same play with another number of rows a second.

Fewer rows: a tick is what was pressed at any time in it (a short tap is kept), the mean of each
stick, the furthest pull of each trigger, and the newest picture.  More rows: what was held is held
on, and a picture belongs to the one tick in which it was taken.  Rows are counted within their
stretch, so that an uneven clock of whoever recorded moves nothing.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.records.format import PUBLISHED_BUTTONS, SOURCES, STICKS
from nitropilot.records.rows import schema
from nitropilot.records.sound import LONGEST_TICK

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from numpy.typing import NDArray

    from nitropilot.training.formats.take import Take

EXACT = 1e-6
"""Of a row: what a division may be off, so that a row that begins with a tick is in it."""
SAME = 1e-6
"""Rates that differ by less than this share are one."""
TRIGGERS = ("trigger_left", "trigger_right")


def resampled(take: Take, hz: float) -> Take:
    """A take with so many rows a second; one that has them already is given back as it is.

    Where one row of a tick is not to be learned the tick is not; where a human acted in it, it is a
    human's.

    Args:
        take: What was read.
        hz: Rows a second, above 0.
    """
    if abs(take.hz - hz) <= SAME * hz:
        return take
    ticks = _ticks(take, hz)
    return replace(take, rows=_table(take, ticks, hz), hz=hz, read_hz=take.hz)


class _Ticks:
    """Which rows each new tick is made of.

    Attributes:
        first: Its first row, one number a tick.
        last: Its last one.
        late: Seconds from the beginning of its first row to its own.
    """

    def __init__(self, first: list[int], last: list[int], late: list[float]) -> None:
        self.first, self.last, self.late = first, last, late


def _ticks(take: Take, hz: float) -> _Ticks:
    stretch = take.column("stretch").astype(np.int64)
    edges = np.flatnonzero(np.diff(stretch)) + 1
    bounds = [0, *edges.tolist(), len(stretch)]
    first: list[int] = []
    last: list[int] = []
    late: list[float] = []
    for begin, end in pairwise(bounds):
        rows = end - begin
        for tick in range(int(np.ceil(rows * hz / take.hz - EXACT))):
            begins = tick * take.hz / hz
            after = int(np.ceil(begins - EXACT))  # the first row that begins in this tick
            until = min(int(np.ceil((tick + 1) * take.hz / hz - EXACT)), rows)
            running = after if until > after else int(begins + EXACT)
            first.append(begin + running)
            last.append(begin + max(until - 1, running))
            late.append(max(begins - running, 0.0) / take.hz)
    return _Ticks(first, last, late)


def _table(take: Take, ticks: _Ticks, hz: float) -> pa.Table:
    import pyarrow as pa

    first, last = np.array(ticks.first, np.int64), np.array(ticks.last, np.int64)
    sent = take.column("sent_time").astype(float)[first] + np.array(ticks.late)
    shown, stale = _pictures(take, first, last)
    taken = take.column("frame_time").astype(float)[shown]
    columns: dict[str, object] = {}
    for name in PUBLISHED_BUTTONS:
        columns[name] = _over(np.logical_or, take.column(name).astype(bool), first, last)
    for name in STICKS:
        columns[name] = _means(np.array(take.rows[name].to_pylist(), float), first, last)
    for name in TRIGGERS:
        columns[name] = _over(np.maximum, take.column(name).astype(float), first, last)
    for name in ("stretch", "policy_chunk", "policy_action"):
        columns[name] = take.column(name)[last]
    stretch = take.column("stretch").astype(np.int64)[last]
    goes_on = np.diff(stretch, append=-1) == 0
    ends = np.where(goes_on, np.append(sent[1:], np.inf), sent + LONGEST_TICK / hz)
    columns["frame_index"] = take.column("frame_index")[shown]
    columns["frame_repeated"] = stale | (taken < sent) | (taken >= ends)
    columns["sent_time"], columns["frame_time"] = sent, taken
    columns["source"] = _sources(take, first, last)
    return pa.table({name: columns[name] for name in schema().names}, schema=schema())


def _pictures(
    take: Take, first: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The row whose picture each tick has, and whether that is none of the tick's own."""
    repeated = take.column("frame_repeated").astype(bool)
    fresh = np.where(repeated, -1, np.arange(len(repeated)))
    newest = _over(np.maximum, fresh, first, last).astype(np.int64)
    return np.where(newest < 0, last, newest), newest < 0


def _over(
    merge: Callable[..., NDArray[np.generic]],
    values: NDArray[np.generic],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
) -> NDArray[np.generic]:
    """A column's values of each tick, made one."""
    found = values[first]
    for step in range(1, int((last - first).max(initial=0)) + 1):
        found = merge(found, values[np.minimum(first + step, last)])
    return found


def _means(
    values: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> list[list[float]]:
    """The mean of each tick's rows, ``ticks x 2``."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    count = (last - first + 1)[:, None]
    mean = np.where(count == 1, values[first], (total[last + 1] - total[first]) / count)
    found: list[list[float]] = np.clip(mean, -1.0, 1.0).tolist()
    return found


def _sources(take: Take, first: NDArray[np.int64], last: NDArray[np.int64]) -> list[str]:
    """Who acted: of several the one that stands last in ``SOURCES``, where ``none`` is."""
    order = {name: rank for rank, name in enumerate(SOURCES)}
    ranks = np.array([order[name] for name in take.rows["source"].to_pylist()])
    return [SOURCES[rank] for rank in _over(np.maximum, ranks, first, last)]
