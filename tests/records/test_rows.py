"""Rows become lines and tables, and come back as they were."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import reduce
from operator import or_

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nitropilot.records.format import BUTTON_BITS, SOURCES
from nitropilot.records.rows import Row, rows_of, schema, table_of
from tests.records.making import row

INT64 = st.integers(-(2**63), 2**63 - 1)
AXIS = st.floats(-1, 1)
PULL = st.floats(0, 1)
ROWS = st.builds(
    Row,
    frame_index=INT64,
    frame_time=st.floats(allow_nan=False, allow_infinity=False),
    sent_time=st.floats(allow_nan=False, allow_infinity=False),
    stretch=INT64,
    source=st.sampled_from(SOURCES),
    policy_chunk=INT64,
    policy_action=INT64,
    frame_repeated=st.booleans(),
    left_x=AXIS,
    left_y=AXIS,
    right_x=AXIS,
    right_y=AXIS,
    trigger_left=PULL,
    trigger_right=PULL,
    buttons=st.sets(st.sampled_from(sorted(BUTTON_BITS.values()))).map(
        lambda bits: reduce(or_, bits, 0)
    ),
)


@settings(deadline=None)
@given(st.lists(ROWS, max_size=5))
def test_rows_survive_a_table(rows: list[Row]) -> None:
    """A value that changes on its way into the file is a wrong lesson in every frame."""
    table = table_of(rows)
    assert table.schema.equals(schema())
    assert rows_of(table) == rows


@settings(deadline=None)
@given(ROWS)
def test_rows_survive_the_tail(given_row: Row) -> None:
    """Rows that come from the tail after a kill must not differ from the others."""
    line = given_row.line()
    assert line.count("\n") == 1
    assert Row.parse(line) == given_row


def test_a_line_of_the_tail() -> None:
    """A tail that an older version left must still be mended."""
    rest = '"agent",0,3,false,0.25,-0.5,0.003,1.0,0.1,0.7,4096]\n'
    line = f"[3,1000000001.95,1000000001.5,0,{rest}"
    assert row(3).line() == line
    assert Row.parse(line) == row(3)
    older = Row.parse(f"[3,1000000001.5,{rest}")
    assert math.isnan(older.frame_time)
    assert replace(older, frame_time=row(3).frame_time) == row(3)


@pytest.mark.parametrize("line", ["", "[1,2", "[1,2]", "7", "null", '{"a": 1}', "\0\0\0"])
def test_what_is_no_line(line: str) -> None:
    """Half a line must not become a row of something else."""
    with pytest.raises((ValueError, TypeError)):
        Row.parse(line)


def test_up_is_negative_in_the_table() -> None:
    """The published sticks grow downward; a stick at rest is 0 and not -0."""
    (read,) = table_of([row(0)]).to_pylist()
    assert (read["j_left"], read["j_right"]) == ([0.25, 0.5], [0.0, -1.0])
    at_rest = Row(0, 0.0, 0.0, 0, "none", -1, -1, False, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)
    (read,) = table_of([at_rest]).to_pylist()
    assert str(read["j_left"]) == "[0.0, 0.0]"


def test_a_trigger_is_pressed_where_xinput_says() -> None:
    """A trigger that rests a little off zero is not held down."""
    held = {29 / 255: False, 30 / 255: False, 31 / 255: True, 1.0: True}
    for pull, pressed in held.items():
        pulled = Row(0, 0.0, 0.0, 0, "human", -1, -1, False, 0.0, 0.0, 0.0, 0.0, pull, 0.0, 0)
        assert pulled.pressed() == ({"left_trigger"} if pressed else set())
