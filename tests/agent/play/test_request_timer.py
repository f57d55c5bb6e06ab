"""When to request a chunk: in time for the tick at which it takes over, and not much earlier."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nitropilot.agent.play.request_timer import DELAYS, PREPARE_S, RequestTimer
from nitropilot.records.timeline import TickGrid

GRIDS = st.builds(TickGrid, st.floats(0, 1e5), st.sampled_from([1.0, 5.0, 30.0, 60.0, 240.0]))
DELAY_S = st.floats(0.0005, 2.0)
HAIR = 1e-6
"""Times are added up in floating point."""


@given(
    grid=GRIDS, delay=DELAY_S, period=st.integers(1, 16), since=st.floats(0, 3),
    left=st.none() | st.integers(1, 16), ahead=st.integers(0, 4),
)  # fmt: skip
def test_the_next_look(
    grid: TickGrid, delay: float, period: int, since: float, left: int | None, ahead: int
) -> None:
    """Neither too late for its tick, nor with a picture older than it need be."""
    timer = RequestTimer(period, ahead)
    timer.begin(grid.origin)
    first = timer.requested(grid.origin, grid)
    timer.learn(delay)
    now = grid.origin + since
    end = None if left is None else grid.running(now) + 1 + left
    timer.follow(now, grid, end)
    lead = max(delay, ahead * grid.period) + PREPARE_S
    ready = timer.at + lead
    assert timer.at >= now
    assert ready <= grid.due(timer.target) + HAIR, "ready for the tick"
    assert ready >= grid.due(timer.target) - HAIR or timer.at == now, "and not before"
    soonest = grid.after(now + lead)
    assert timer.target >= soonest
    if timer.at > now:
        picture = grid.running(timer.at + PREPARE_S / 2)
        assert picture + ahead < timer.target, "its first action is for the target or before"
    if timer.target > soonest:
        assert timer.target <= first + period, "as often as was wanted"
        if end is not None:
            assert timer.target <= end, "no hole before the next chunk"


def test_a_look_that_begins_late_expects_its_chunk_later() -> None:
    """Fixing too few actions would leave a jump between those and the chunk."""
    grid, timer = TickGrid(0.0, 10.0), RequestTimer(4)
    timer.learn(0.25)
    timer.begin(0.0)
    assert timer.requested(0.0, grid) == 3
    timer.follow(0.3, grid, None)
    assert timer.target == 7
    assert timer.at == pytest.approx(0.7 - 0.25 - PREPARE_S)
    assert timer.requested(0.9, grid) == 12, "0.9 + 0.25 is between ticks 11 and 12"
    assert timer.at == math.inf


def test_the_delay_is_that_of_the_slower_inferences() -> None:
    """Planned for the usual one, every other chunk would come a tick too late."""
    timer = RequestTimer(4)
    assert timer.delay == 0.0
    for _ in range(DELAYS):
        timer.learn(0.010)
    for seconds in (0.020, 0.030, 0.500):
        timer.learn(seconds)
    assert timer.delay == 0.030
    for _ in range(DELAYS):
        timer.learn(0.005)
    assert timer.delay == 0.005, "what was slow long ago is forgotten"


def test_looking_again() -> None:
    """A window that is minimised is looked at now and then, not as fast as possible."""
    timer = RequestTimer(4)
    timer.begin(1.0)
    timer.requested(1.0, TickGrid(1.0, 60.0))
    timer.again(1.1)
    assert timer.at == 1.1
