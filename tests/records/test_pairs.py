"""Frames and the actions that belong to them: by time, and never across a gap."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nitropilot.records.pairs import Pair, pairs
from nitropilot.records.rows import Row, table_of
from nitropilot.records.timeline import Timeline
from tests.records.making import HZ, row


def rows(count: int, **changes: list[int | float | bool]) -> list[Row]:
    """Rows of their own frames, with some fields changed."""
    plain = [replace(row(number), frame_repeated=False) for number in range(count)]
    return [
        replace(one, **{name: values[number] for name, values in changes.items()})
        for number, one in enumerate(plain)
    ]


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_frame_n_goes_with_action_n_plus_shift(shift: int) -> None:
    """As the published policies were trained."""
    found = pairs(table_of(rows(20)), Timeline(shift, 4))
    assert found == [Pair(n, n + shift) for n in range(20 - shift - 3)]


def test_a_frame_counts_for_the_tick_of_its_time() -> None:
    """One that was taken a tick late stands beside another action than the one it shows."""
    late = [1e9 + (number + 1.2) / HZ for number in range(10)]
    found = pairs(table_of(rows(10, frame_time=late)), Timeline(1, 2))
    assert found == [Pair(n, n + 2) for n in range(7)]


def test_a_frame_that_is_shown_again_is_none() -> None:
    """It would be learned twice, and once with the wrong actions."""
    again = [number in (2, 3) for number in range(8)]
    found = pairs(table_of(rows(8, frame_repeated=list(again))), Timeline(1, 1))
    assert [pair.frame for pair in found] == [0, 1, 4, 5, 6]


def test_nothing_reaches_over_a_gap() -> None:
    """After a pause the player has moved on."""
    stretch = [0] * 6 + [1] * 6
    found = pairs(table_of(rows(12, stretch=list(stretch))), Timeline(1, 3))
    assert [pair.frame for pair in found] == [0, 1, 2, 6, 7, 8]


def test_a_negative_shift_stays_inside() -> None:
    """Actions before the first row are not those at the end."""
    assert pairs(table_of(rows(6)), Timeline(-2, 2)) == [Pair(n, n - 2) for n in range(2, 6)]
