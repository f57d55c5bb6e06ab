"""What a recording has to teach is counted, and what teaches nothing is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nitropilot.records.format import BUTTON_BITS
from nitropilot.records.rows import Row
from nitropilot.training.checks.quality import quality_of
from tests.training.formats.making import HZ, REST, take_of

JUMP = replace(REST, buttons=BUTTON_BITS["south"])
LEFT = replace(REST, left_x=-1.0)


def test_shares_and_presses_are_counted_by_hand() -> None:
    """A figure that is a little off sends people to mend what is whole."""
    rows = [REST] * 30 + [JUMP] * 10 + [REST] * 10 + [JUMP] * 20 + [LEFT] * 50
    found = quality_of(take_of(rows), horizon=20)
    assert (found.rows, found.taught) == (120, 120)
    assert found.idle == pytest.approx(40 / 120)
    assert found.presses == {"south": 2 / (120 / HZ / 60)}
    assert found.sticks["left_x"] == pytest.approx(50 / 120 * 70 / 120, abs=1e-4)
    assert found.sticks["right_y"] == 0.0
    acting = [row is not REST for row in rows]
    wanted = [sum(acting[first : first + 20]) >= 10 for first in range(101)]
    assert found.active_chunks == pytest.approx(sum(wanted) / 101)
    assert found.useless == ""


def test_what_is_not_to_be_learned_does_not_count() -> None:
    """A burst of foreign input would make an idle recording look lively."""
    foreign = replace(JUMP, source="none")
    found = quality_of(take_of([REST] * 30 + [foreign] * 30 + [LEFT] * 5), horizon=10)
    assert found.taught == 35
    assert found.idle == pytest.approx(30 / 35)
    assert found.presses == {}


def test_gaps_and_repeated_pictures_are_counted() -> None:
    """No chunk reaches over a gap, and a picture that is shown twice teaches no more."""
    rows = [LEFT] * 30 + [replace(LEFT, stretch=1)] * 30
    rows[3] = rows[4] = replace(LEFT, frame_repeated=True)
    take = take_of(rows)
    sent = take.rows["sent_time"].to_pylist()
    late = [time + 2.0 * (number >= 30) for number, time in enumerate(sent)]
    place = take.rows.schema.get_field_index("sent_time")
    moved = replace(take, rows=take.rows.set_column(place, "sent_time", [late]))
    found = quality_of(moved, horizon=20)
    assert (found.gaps, found.repeated) == (1, pytest.approx(2 / 60))
    assert found.gap_seconds == pytest.approx(2.0, abs=1e-3)
    assert quality_of(moved, horizon=31).useless == "no unbroken stretch has 31 actions"


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([REST] * 40, "nothing is pressed"),
        ([replace(JUMP, source="none")] * 40, "no row is to be learned"),
        ([JUMP] * 40, "all of it is one and the same action"),
        ([replace(JUMP, frame_repeated=True), LEFT] * 10, ""),
        ([replace(LEFT, frame_repeated=True)] * 20 + [replace(JUMP, frame_repeated=True)] * 20,
         "no picture is new"),
        ([JUMP] * 5 + [REST] * 40, "no chunk has 50% active steps"),
        ([JUMP, REST] * 5, "no unbroken stretch has 18 actions"),
    ],
    ids=["idle", "foreign", "held", "some", "frozen", "rare", "short"],
)  # fmt: skip
def test_what_teaches_nothing_is_named(rows: list[Row], why: str) -> None:
    """Hours of training on it end with a policy that rests."""
    assert quality_of(take_of(rows)).useless == why
