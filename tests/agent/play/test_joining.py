"""How chunks are joined: the arithmetic, and what it does to the border between two chunks."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nitropilot.agent.play.joining import fade, make_prefix, reach, soft_mask
from nitropilot.agent.play.schedule import Schedule
from nitropilot.agent.values import ChunkRow, Decision
from nitropilot.capture import Frame
from nitropilot.engines.base import ActionChunk, Request
from nitropilot.engines.pytorch.engine import TorchEngine

if TYPE_CHECKING:
    from nitropilot.engines.base import Array
    from nitropilot.policy.network.policy import Policy

COUNTS = st.integers(0, 40)
CHANNELS = 3


@given(fixed=COUNTS, overlap=COUNTS, length=st.integers(1, 32))
def test_the_mask_holds_then_lets_go(fixed: int, overlap: int, length: int) -> None:
    """A weight that rises again, or reaches beyond the overlap, pulls towards nothing."""
    weights = soft_mask(fixed, overlap, length)
    assert (weights.shape, weights.dtype) == ((length,), np.float32)
    assert (np.diff(weights) <= 0).all()
    held = min(fixed, overlap, length)
    assert (weights[:held] == 1).all()
    assert ((weights[held:overlap] > 0) & (weights[held:overlap] < 1)).all()
    assert (weights[overlap:] == 0).all()


def test_the_mask_of_the_paper() -> None:
    """Its equation 5 with H = 8, d = 2, s = 3: five actions overlap, two are fixed."""
    c = [(5 - i) / (5 - 2 + 1) for i in (2, 3, 4)]
    decaying = [x * (math.exp(x) - 1) / (math.e - 1) for x in c]
    assert soft_mask(2, 5, 8) == pytest.approx([1, 1, *decaying, 0, 0, 0])


@st.composite
def plans(draw: st.DrawFn) -> tuple[dict[int, Array], int]:
    """A plan for some ticks, perhaps with holes, and a tick to start from."""
    ticks = draw(st.sets(st.integers(-5, 30), max_size=30))
    start = draw(st.integers(-5, 30))
    return {tick: np.full(CHANNELS, tick, np.float32) for tick in ticks}, start


@given(case=plans(), fixed=st.integers(-3, 40), length=st.integers(1, 20))
def test_a_prefix_is_the_plan_by_tick(
    case: tuple[dict[int, Array], int], fixed: int, length: int
) -> None:
    """Off by one here, and every chunk repeats or skips an action."""
    plan, start = case
    prefix, held, pulled = make_prefix(plan, start, fixed, length, CHANNELS)
    covered = reach(plan, start, length)
    assert held + pulled == covered
    if start not in plan:
        assert prefix is None
        return
    assert prefix is not None
    assert prefix.actions.shape == (length, CHANNELS)
    assert prefix.actions.dtype == prefix.weights.dtype == np.float32
    assert held == min(max(fixed, 0), covered)
    for number in range(length):
        if number < covered:
            assert (prefix.actions[number] == start + number).all()
            assert prefix.weights[number] > 0
        else:
            assert prefix.weights[number] == 0
    assert (prefix.weights[:held] == 1).all()


@given(steps=st.integers(1, 20), old=st.floats(-2, 2), new=st.floats(-2, 2))
def test_a_cross_fade_goes_evenly_from_one_to_the_other(steps: int, old: float, new: float) -> None:
    """Neither end may be reached before its time: that would be a jump again."""
    a, b = (np.full(CHANNELS, value, np.float32) for value in (old, new))
    path = [old, *(float(fade(a, b, step, steps)[0]) for step in range(steps)), new]
    assert np.diff(path) == pytest.approx([(new - old) / (steps + 1)] * (steps + 1), abs=1e-5)


def row(number: int, actions: Array) -> ChunkRow:
    """A chunk as the schedule takes it."""
    frame = Frame(np.zeros((2, 2, 3), np.uint8), 0.0)
    request = Request(np.zeros((1, 3, 2, 2), np.float32), np.zeros_like(actions))
    return ChunkRow(number, Decision(frame, ActionChunk(actions), 0.0, request), {})


def level(value: float, length: int = 6) -> Array:
    return np.full((length, CHANNELS), value, np.float32)


def test_late_actions_are_dropped() -> None:
    """An action for a time past must not be played at another time."""
    schedule = Schedule()
    assert schedule.put(row(0, level(1)), start=3, now=5) == (2, 0)
    assert [schedule.take(tick) is not None for tick in (5, 6, 7, 8, 9)] == [True] * 4 + [False]
    assert schedule.put(row(1, level(2)), start=3, now=9) == (6, 0)
    assert schedule.take(9) is None
    assert schedule.end is None


def test_an_action_is_the_one_of_its_tick() -> None:
    """Rows and ticks must agree whether a chunk comes late or a tick was missed."""
    schedule = Schedule()
    schedule.put(row(7, np.arange(18, dtype=np.float32).reshape(6, 3)), start=10, now=11)
    planned = schedule.take(13)
    assert planned is not None
    assert (planned.number, planned.row.number, list(planned.action)) == (3, 7, [9, 10, 11])
    assert schedule.take(12) is None, "what was for earlier ticks is forgotten"


def test_a_new_chunk_replaces_the_rest_of_the_old_one() -> None:
    """Newer pictures win; the old chunk's row is over when nothing of it is left."""
    schedule = Schedule()
    schedule.put(row(0, level(1)), start=0, now=0)
    schedule.take(0)
    schedule.put(row(1, level(2)), start=2, now=3)
    assert schedule.rows == {0, 1}, "ticks 1 and 2 are still the old chunk's"
    found = [schedule.take(tick) for tick in range(1, 9)]
    assert [one and one.action[0] for one in found] == [1, 1, 2, 2, 2, 2, 2, None]
    assert schedule.rows == set()


def test_what_was_just_sent_is_still_known() -> None:
    """A frame's own tick has often just been sent, and its chunk has to begin with that."""
    schedule = Schedule()
    schedule.put(row(0, level(1)), start=0, now=0)
    for tick in range(3):
        planned = schedule.take(tick)
        assert planned is not None
        schedule.sent(tick, planned.action)
    assert reach(schedule.plan(), 2, 10) == 4
    schedule.sent(2, level(7)[0])
    assert schedule.plan()[2] == pytest.approx(level(7)[0]), "what the hand says that it has sent"
    schedule.clear()
    assert schedule.plan() == {}, "after a pause nothing of before is continued"


def test_a_schedule_fades_as_far_as_both_reach() -> None:
    """Longer than the overlap there is nothing to fade with."""
    schedule = Schedule()
    schedule.put(row(0, level(0)), start=0, now=0)
    assert schedule.put(row(1, level(1)), start=2, now=3, fading=9) == (1, 3)
    found = [schedule.take(tick) for tick in range(3, 9)]
    values = [one.action[0] for one in found if one is not None]
    assert values == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])


LATENCY, PERIOD = 2, 4


def play(engine: TorchEngine, how: str, chunks: int = 24) -> tuple[list[Array], list[int]]:
    """What is sent when a chunk begins every ``PERIOD`` ticks and is there ``LATENCY`` later.

    Every chunk sees another picture and starts from other noise, the same for all of its
    actions: inside a chunk little changes, and the next one wants something else.

    Returns:
        The actions sent, and for each from which chunk it was.
    """
    spec, rng, schedule = engine.spec, np.random.default_rng(5), Schedule()
    sent, source = [], []
    for number in range(chunks):
        start = number * PERIOD
        shape = (spec.frames, 3, spec.image_size, spec.image_size)
        picture = rng.uniform(-1, 1, shape).astype(np.float32)
        noise = np.repeat(engine.draw_noise(rng)[:1], spec.horizon, axis=0)
        plan, prefix = schedule.plan(), None
        if how == "joined":
            prefix, _, _ = make_prefix(plan, start, LATENCY, spec.horizon, spec.action_dim)
        chunk = engine.infer(picture, noise, prefix=prefix)
        meanwhile = [schedule.take(start + tick) for tick in range(LATENCY)]
        schedule.put(row(number, chunk.actions), start, start + LATENCY,
                     PERIOD if how == "faded" else 0)  # fmt: skip
        after = [schedule.take(start + tick) for tick in range(LATENCY, PERIOD)]
        for planned in itertools.chain(meanwhile, after):
            if planned is not None:
                sent.append(planned.action)
                source.append(planned.row.number)
    return sent, source


def jumps(sent: list[Array], source: list[int]) -> tuple[list[float], list[float]]:
    """Steps between consecutive actions: where the chunk changes, and inside chunks."""
    steps = [float(np.linalg.norm(b - a)) for a, b in itertools.pairwise(sent)]
    borders = [a != b for a, b in itertools.pairwise(source)]
    return (
        [step for step, border in zip(steps, borders, strict=True) if border],
        [step for step, border in zip(steps, borders, strict=True) if not border],
    )


def test_joined_chunks_have_no_border(policy: Policy) -> None:
    """The reason for all this: without joining the pad jerks several times a second."""
    engine = TorchEngine(policy)
    off_borders, off_inside = jumps(*play(engine, "off"))
    assert np.mean(off_borders) > 10 * np.mean(off_inside), "or there is nothing to smooth"
    for how in ("joined", "faded"):
        borders, inside = jumps(*play(engine, how))
        print(how, np.mean(borders), max(borders), np.mean(inside), np.mean(off_borders))
        assert max(borders) < 0.3 * np.mean(off_borders)
        assert np.mean(borders) < 0.25 * np.mean(off_borders)


def test_crossing_a_border_is_playing_the_new_chunk_through(policy: Policy) -> None:
    """What was sent before a joined chunk takes over is what that chunk itself begins with.

    So the step over the border is one of the chunk's own steps, and no larger than those.
    """
    engine = TorchEngine(policy)
    spec, schedule = engine.spec, Schedule()
    rng = np.random.default_rng(1)
    shape = (spec.frames, 3, spec.image_size, spec.image_size)
    last = None
    for number in range(6):
        start = number * PERIOD
        prefix, fixed, pulled = make_prefix(
            schedule.plan(), start, LATENCY, spec.horizon, spec.action_dim
        )
        assert (fixed, pulled) == ((0, 0) if number == 0 else (2, 10))
        picture = rng.uniform(-1, 1, shape).astype(np.float32)
        chunk = engine.infer(picture, engine.draw_noise(rng), prefix=prefix)
        for tick in range(start, start + LATENCY):
            planned = schedule.take(tick)
            last = planned.action if planned is not None else last
        schedule.put(row(number, chunk.actions), start, start + LATENCY)
        if last is not None:
            assert chunk.actions[LATENCY - 1] == pytest.approx(last, abs=1e-5)
            own = np.linalg.norm(np.diff(chunk.actions, axis=0), axis=1)
            taken = schedule.plan()[start + LATENCY]
            assert np.linalg.norm(taken - last) <= own.max() + 1e-4
        for tick in range(start + LATENCY, start + PERIOD):
            schedule.take(tick)
