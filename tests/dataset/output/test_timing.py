"""Rows by the frames' own times: every frame in one, no tap lost, no gap bridged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.dataset.output.timing import Frames, rate_for, rows_of, ticks
from nitropilot.dataset.pad import BUTTONS, PadStates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.dataset.output.timing import Rows

SOUTH = BUTTONS.index("south")


def frames(
    times: Sequence[float], *, down: Sequence[int] = (), unread: Sequence[int] = (),
    piece: Sequence[int] | None = None, x: Sequence[float] | None = None,
) -> Frames:  # fmt: skip
    """Frames at some times; ``down``: those with the bottom button pressed."""
    count = len(times)
    states = PadStates(
        np.zeros((count, len(BUTTONS)), bool),
        np.zeros((count, 4), np.float32),
        np.zeros((count, 2), np.float32),
    )
    states.buttons[list(down), SOUTH] = True
    states.triggers[list(down), 1] = 0.8
    if x is not None:
        states.sticks[:, 0] = x
    read = np.ones(count, bool)
    read[list(unread)] = False
    pieces = np.array(piece if piece is not None else [0] * count, np.int64)
    confidence = np.where(read, np.linspace(0.6, 0.9, count), 0).astype(np.float32)
    return Frames(np.array(times, np.float64), states, confidence, read, pieces)


def pressed(rows: Rows) -> list[int]:
    """Rows in which the bottom button is down."""
    return np.flatnonzero(rows.states.buttons[:, SOUTH]).tolist()


@pytest.mark.parametrize(("fps", "hz"), [(24, 30), (30, 30), (32, 30), (33, 60), (59.94, 60)])
def test_the_rate_is_that_of_the_video(fps: float, hz: int) -> None:
    """At 30 rows a second every other frame of a 60 frame video would have no row of its own."""
    assert rate_for(fps) == hz
    assert rate_for(fps, 60) == 60


@pytest.mark.parametrize("hz", [30, 60])
@pytest.mark.parametrize("unit", [1000, 90000, 48])
def test_a_steady_video_has_a_row_a_frame(hz: int, unit: int) -> None:
    """A file's times are rounded to its unit: two frames in one row would leave the next empty."""
    unit = unit if unit >= 1000 else hz * unit
    times = np.round(np.arange(700) / hz * unit) / unit
    rows = rows_of(frames(times.tolist(), down=range(0, 700, 7)), hz)
    assert rows.frame.tolist() == list(range(700))
    assert pressed(rows) == list(range(0, 700, 7))
    assert not rows.repeated.any()
    assert set(rows.stretch.tolist()) == {0}


def test_a_short_tap_is_kept() -> None:
    """At half the rate, the first or the last frame alone would lose every other tap."""
    times = [n / 60 for n in range(40)]
    for tap in range(2, 38):
        rows = rows_of(frames(times, down=[tap]), 30)
        assert pressed(rows) == [(tap + 1) // 2]
        assert rows.states.triggers[(tap + 1) // 2, 1] == pytest.approx(0.8)


def test_a_stick_is_where_it_was_on_average() -> None:
    """Two frames of one row, at .2 and .6."""
    rows = rows_of(frames([0, 1 / 60, 2 / 60, 3 / 60], x=[0, 0.2, 0.6, 1]), 30)
    assert rows.states.sticks[1, 0] == pytest.approx(0.4)


def test_frames_that_were_not_read_say_nothing() -> None:
    """What stands in them is no measurement, and must not be mixed into one that is."""
    rows = rows_of(frames([0, 1 / 60, 2 / 60, 3 / 60], unread=[1], x=[0, 9, 0.6, 1]), 30)
    assert rows.states.sticks[1, 0] == pytest.approx(0.6)
    assert rows.read.all()
    rows = rows_of(frames([0, 1 / 30, 2 / 30], unread=[1], down=[1]), 30)
    assert rows.read.tolist() == [True, False, True]
    assert pressed(rows) == []
    assert rows.confidence[1] == 0


def test_a_dropped_frame_repeats_the_row_before() -> None:
    """The picture stands, and so does what is pressed: a row that is left out would move all that
    follow."""
    rows = rows_of(frames([n / 30 for n in (0, 1, 2, 5, 6)], down=[2]), 30)
    assert rows.tick.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert rows.frame.tolist() == [0, 1, 2, 2, 2, 3, 4]
    assert rows.repeated.tolist() == [False, False, False, True, True, False, False]
    assert pressed(rows) == [2, 3, 4]


def test_a_gap_ends_the_stretch() -> None:
    """In a gap nobody saw what was pressed: no row, and no chunk reaches over it."""
    rows = rows_of(frames([n / 30 for n in (0, 1, 2, 10, 11)], down=[2]), 30)
    assert rows.tick.tolist() == [0, 1, 2, 10, 11]
    assert rows.chunks(600) == [(0, 3), (3, 5)]
    assert pressed(rows) == [2]


def test_another_overlay_begins_another_chunk() -> None:
    """A chunk has one box: with two in it one of them would be seen."""
    rows = rows_of(frames([n / 30 for n in range(6)], piece=[0, 0, 0, 1, 1, 1]), 30)
    assert rows.chunks(600) == [(0, 3), (3, 6)]
    assert rows.piece.tolist() == [0, 0, 0, 1, 1, 1]


def test_chunks_are_as_long_as_asked_and_the_last_one_is_short() -> None:
    """Left out, the last seconds of every video would be missing."""
    rows = rows_of(frames([n / 30 for n in range(25)]), 30)
    assert rows.chunks(10) == [(0, 10), (10, 20), (20, 25)]


@pytest.mark.parametrize("seed", range(5))
def test_the_newest_frame_of_a_row_is_what_a_reader_finds(seed: int) -> None:
    """Readers look for the newest frame in the middle of a row: another one would show what was
    pressed late or early."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(
        rng.choice([0.033, 0.017, 0.041, 0.067, 0.1, 1.0], 300) + rng.random(300) / 99
    )
    times -= times[0]
    rows = rows_of(frames(times.tolist()), 30)
    found = np.searchsorted(times, (rows.tick + 0.5) / 30) - 1
    assert rows.frame.tolist() == found.tolist()
    assert set(np.unique(ticks(times, 30))) <= set(rows.tick.tolist())
    assert (np.diff(rows.tick) >= 1).all()
