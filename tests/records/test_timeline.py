"""One convention of time: which picture, which tick, which actions, which context."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nitropilot.records.timeline import ContextRing, TickGrid, Timeline

GRIDS = st.builds(TickGrid, st.floats(0, 1e5), st.sampled_from([1.0, 5.0, 30.0, 60.0, 240.0]))
HAIR = 1e-6
"""Times are added up in floating point."""


@given(grid=GRIDS, tick=st.integers(0, 10_000), part=st.floats(0, 0.999))
def test_ticks_and_times_agree(grid: TickGrid, tick: int, part: float) -> None:
    """Of two ticks the one lasts, the other is next: a picture is never of the next."""
    moment = grid.due(tick) + part / grid.hz
    assert grid.running(moment + HAIR) == tick
    assert grid.after(moment - HAIR) in (tick, tick + 1)
    assert grid.due(grid.after(moment)) >= moment - HAIR


@pytest.mark.parametrize(("shift", "lead", "stale"), [(3, 2, 0), (1, 0, 0), (0, 0, 1), (-2, 0, 3)])
def test_the_actions_of_a_picture(shift: int, lead: int, stale: int) -> None:
    """Frame n goes with the actions n + shift to n + shift + T - 1."""
    timeline = Timeline(shift, 18)
    assert list(timeline.actions(100)) == [100 + shift + i for i in range(18)]
    assert (timeline.lead, timeline.stale) == (lead, stale)
    first_to_play = 101 + lead
    assert timeline.actions(100)[stale] == first_to_play


def test_context_frames_are_spacing_ticks_apart() -> None:
    """Whatever else was seen in between, and however often."""
    timeline = Timeline(1, 16, spacing=16)
    assert timeline.context(100, 3) == [68, 84, 100]
    ring: ContextRing[int] = ContextRing(timeline, 3)
    for tick in range(0, 101, 4):
        ring.add(tick, tick)
    assert ring.context() == [68, 84, 100]
    ring.add(103, 103)
    assert ring.context() == [72, 88, 103], "the nearest that there is"
    assert len(ring) <= 3 * 16 / 4 + 2, "what is too old for any context is gone"


def test_what_is_not_there_is_left_out() -> None:
    """A picture of another time would be taken for one of that time."""
    ring: ContextRing[int] = ContextRing(Timeline(1, 16, spacing=10), 4)
    for tick in (0, 10, 40):
        ring.add(tick, tick)
    assert ring.context() == [40], "tick 30 is missing, so that 20 and 10 would be out of place"
    ring.add(50, 50)
    assert ring.context() == [40, 50]
    ring.drop_last()
    assert ring.context() == [40]
    ring.clear()
    ring.add(7, 7)
    assert ring.context() == [7]
    ring.add(3, 3)
    assert ring.context() == [3], "time that runs backwards is another play"


@given(
    spacing=st.integers(0, 20), frames=st.integers(1, 6),
    steps=st.lists(st.integers(1, 9), min_size=1, max_size=60),
)  # fmt: skip
def test_a_context_is_near_its_ticks(spacing: int, frames: int, steps: list[int]) -> None:
    """Less than half a spacing away, in order, and the newest is last."""
    timeline = Timeline(1, 16, spacing)
    ring: ContextRing[int] = ContextRing(timeline, frames)
    tick = 0
    for step in steps:
        tick += step
        ring.add(tick, tick)
    found = ring.context()
    wanted = timeline.context(tick, frames)[-len(found) :]
    assert found[-1] == tick
    assert found == sorted(found)
    assert all(2 * abs(a - b) < max(spacing, 1) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize(("horizon", "spacing"), [(0, 1), (-5, 1), (4, -1)])
def test_what_is_no_timeline(horizon: int, spacing: int) -> None:
    """An answer of no actions would pair every frame with nothing."""
    with pytest.raises(ValueError, match="are no timeline"):
        Timeline(3, horizon, spacing)
