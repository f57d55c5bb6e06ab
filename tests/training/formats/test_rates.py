"""The same play at another rate: no tap is lost, no picture is shown before its time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nitropilot.records.format import BUTTON_BITS
from nitropilot.records.pairs import pairs
from nitropilot.records.timeline import Timeline
from nitropilot.training.formats.rates import resampled
from tests.training.formats.making import REST, take_of

SOUTH = BUTTON_BITS["south"]


def test_from_60_to_30_a_tap_of_one_tick_is_kept() -> None:
    """A jump is a tap: half of them would be gone where every second row is taken."""
    rows = [REST] * 8
    rows[2] = replace(REST, buttons=SOUTH, left_x=1.0, trigger_left=0.4)
    rows[3] = replace(REST, left_x=0.5, trigger_left=0.9)
    found = resampled(take_of(rows), 30.0)
    assert (found.hz, found.read_hz, found.rows.num_rows) == (30.0, 60.0, 4)
    assert found.rows["south"].to_pylist() == [False, True, False, False]
    assert found.rows["j_left"].to_pylist()[1] == [0.75, 0.0]
    assert found.rows["trigger_left"].to_pylist() == [0.0, 0.9, 0.0, 0.0]
    assert found.rows["left_trigger"].to_pylist() == [False, True, False, False]
    assert found.rows["frame_index"].to_pylist() == [1, 3, 5, 7]
    assert not any(found.rows["frame_repeated"].to_pylist())


def test_from_30_to_60_what_is_held_is_held_on() -> None:
    """And a picture is of the tick in which it was taken, not of the one before."""
    rows = [replace(REST, left_x=number / 10, buttons=SOUTH * (number == 1)) for number in range(4)]
    found = resampled(take_of(rows, hz=30.0), 60.0)
    assert found.rows["south"].to_pylist() == [False] * 2 + [True] * 2 + [False] * 4
    assert [x for x, _ in found.rows["j_left"].to_pylist()] == pytest.approx(
        [0.0, 0.0, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3]
    )
    assert found.rows["frame_repeated"].to_pylist() == [True, False] * 4
    assert [pair.frame for pair in pairs(found.rows, Timeline(1, 2))] == [1, 3, 5]


@pytest.mark.parametrize("hz", [20.0, 25.0, 30.0, 45.0, 60.0, 90.0, 120.0])
def test_pictures_go_with_the_same_actions_at_any_rate(hz: float) -> None:
    """What follows a picture is what followed it, or a policy learns to be late."""
    rows = [replace(REST, left_x=number / 100) for number in range(90)]
    take = take_of(rows)
    found = resampled(take, hz)
    assert found.rows.num_rows == round(90 * hz / 60)
    x = np.array(found.rows["j_left"].to_pylist())[:, 0]
    for frame, first in pairs(found.rows, Timeline(1, 1)):
        shown = found.rows["frame_index"][frame].as_py()
        assert x[first] == pytest.approx(
            (shown + 1) / 100, abs=0.005 + 0.6 * max(60 / hz - 1, 0) / 100
        )
    if hz >= 60:
        fresh = ~np.array(found.rows["frame_repeated"].to_pylist())
        assert fresh.sum() == 90


def test_an_uneven_clock_moves_no_row() -> None:
    """A row that was late by a bit would be in a tick with its neighbour, and another be empty."""
    take = take_of([replace(REST, left_x=number / 10) for number in range(10)])
    sent = np.array(take.rows["sent_time"].to_pylist())
    sent[1::2] += 0.004
    place = take.rows.schema.get_field_index("sent_time")
    found = resampled(replace(take, rows=take.rows.set_column(place, "sent_time", [sent])), 30.0)
    assert [x for x, _ in found.rows["j_left"].to_pylist()] == pytest.approx(
        [0.05, 0.25, 0.45, 0.65, 0.85]
    )


def test_stretches_and_sources_stay() -> None:
    """No tick reaches over a gap, and half a tick of foreign input is not taught."""
    sources = ["agent", "human", "human", "none", "agent", "agent", "agent"]
    rows = [replace(REST, source=one, stretch=int(n > 4)) for n, one in enumerate(sources)]
    found = resampled(take_of(rows), 30.0)
    assert found.rows["stretch"].to_pylist() == [0, 0, 0, 1]
    assert found.rows["source"].to_pylist() == ["human", "none", "agent", "agent"]


def test_a_picture_that_stands_for_two_ticks_is_one_of_the_longer_tick() -> None:
    """A video of half the rows' rate has a new picture in each tick of its own rate."""
    rows = [replace(REST, frame_repeated=bool(number % 2)) for number in range(6)]
    found = resampled(take_of(rows), 30.0)
    assert found.rows["frame_repeated"].to_pylist() == [False] * 3
    assert found.rows["frame_index"].to_pylist() == [0, 2, 4]


def test_the_rate_that_is_there_is_left_alone() -> None:
    """Nothing is computed where nothing is asked for."""
    take = take_of([REST] * 4)
    assert resampled(take, 60.0) is take
