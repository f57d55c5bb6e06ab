"""Real-time mode on a real game: it never stops, and what is played is for its time.

Most of what a session promises is tested for both modes in ``test_faults``,
``test_session_states`` and ``test_game_end``; here is what only real-time mode does.
"""

from __future__ import annotations

import gc
import itertools
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nitropilot.agent.play.realtime
import nitropilot.agent.play.worker
from nitropilot.agent import Mode, PlaySettings, Session, SessionState
from nitropilot.agent.errors import NothingToSee
from nitropilot.agent.play.deciding import Decider
from nitropilot.engines.base import ActionChunk, Engine, Request
from tests.agent.playing import (
    PATIENCE_S,
    Gate,
    Stage,
    at_call,
    attach,
    chunks_of,
    events_of,
    neutral,
    own_threads,
    page_of,
    polls,
    read_trace,
    realtime_only,
    runs_on,
    stopped,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.agent import Game
    from nitropilot.agent.target.launch import LaunchedGame
    from nitropilot.agent.values import Decision
    from nitropilot.capture import Frame

pytestmark = [pytest.mark.game, realtime_only]

HZ = 30.0
"""A chunk plays for half a second then: time enough for a busy machine."""
HORIZON = 16


class Slow(Gate):
    """A real engine that takes its time, on the processor or not.

    Args:
        seconds: How much longer than it needs.
        joins: Whether it says that it honours a prefix.
    """

    def __init__(self, engine: Engine, seconds: float = 0.0, joins: bool = True) -> None:
        super().__init__(engine)
        self.seconds = seconds
        self.joins = joins
        self.asked: list[Request] = []

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As the real engine, later."""
        self.asked.extend(requests)
        time.sleep(self.seconds)
        return super().infer_batch(requests)


class StopWatcher:
    """Looks all the time whether a process is stopped."""

    def __init__(self, pid: int) -> None:
        self.seen_stopped = self.looks = 0
        self._pid = pid
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._end.wait(0.001):
            self.seen_stopped += stopped(self._pid)
            self.looks += 1

    def close(self) -> None:
        self._end.set()
        self._thread.join()


def forbid_freezing(game: Game) -> None:
    """A freeze, by whomever, fails the session."""

    def forbidden(*_: object) -> None:
        raise AssertionError("the game was to be frozen")

    game.controls.hand.freeze = forbidden  # type: ignore[method-assign]
    game.controls.freeze = forbidden  # type: ignore[method-assign,assignment]


def settings(**more: Any) -> PlaySettings:
    return PlaySettings(seed=1, action_hz=HZ, mode=Mode.REALTIME, **more)


def ended(session: Session, state: SessionState = SessionState.STOPPED) -> list[dict[str, Any]]:
    """Stop a session; the chunks of its trace, after checking each against the clock."""
    session.stop()
    assert session.wait(PATIENCE_S)
    assert session.state is state, session.end
    chunks, hz = chunks_of(session), session.plan.settings.hz
    shift = read_trace(session)[0]["action_shift"]
    assert [chunk["i"] for chunk in chunks] == list(range(len(chunks)))
    for chunk in chunks:
        played = len(chunk["rows"])
        assert len(chunk["due"]) == len(chunk["sent"]) == len(chunk["states"]) == played
        assert chunk["frozen"] is None
        times = [chunk["start"] + number / hz for number in chunk["rows"]]
        assert chunk["due"] == pytest.approx(times, abs=1e-5), "each action at its own time"
        assert all(sent >= due for due, sent in zip(chunk["due"], chunk["sent"], strict=True))
        assert all(number >= chunk["dropped"] for number in chunk["rows"])
        assert chunk["ready"] > chunk["frame"]
        ahead = (chunk["start"] - chunk["frame"]) * hz
        assert shift - 1 - 1e-3 <= ahead <= shift + 1e-3, "the frame's tick and the shift"
    due = [moment for chunk in chunks for moment in chunk["due"]]
    assert all(b - a > 0.9 / hz for a, b in itertools.pairwise(due)), "no tick twice"
    stats = session.stats
    assert sum(len(chunk["sent"]) for chunk in chunks) == stats.sent == stats.fresh
    assert stats.actions_dropped == sum(chunk["dropped"] for chunk in chunks)
    gaps = [line["ticks"] for line in read_trace(session) if line.get("what") == "gap"]
    assert sum(gaps) == stats.ticks - stats.fresh
    return chunks


def test_the_game_never_stops(stage: Stage, runner: LaunchedGame) -> None:
    """A policy of a tenth of a second: in paused mode the game would stand still as long."""
    assert runner.page is not None
    engine = Slow(stage.engine(), 0.1)
    watch = StopWatcher(runner.process.pid)
    try:
        session = stage.playing(
            attach(runner), engine=engine, settings=settings(), prepare=forbid_freezing
        )
        before = polls(runner.page.path)
        until(lambda: session.stats.sent > 60 or session.state.ended, "two seconds of play")
        assert polls(runner.page.path) > before
    finally:
        watch.close()
    chunks = ended(session)
    assert watch.looks > 100
    assert watch.seen_stopped == 0
    assert session.stats.frozen_seconds == 0.0
    assert session.mode is not None
    assert (session.mode.mode, session.mode.reason) == (Mode.REALTIME, "asked for")
    header, *_, end = read_trace(session)
    assert (header["mode"], header["mode_reason"]) == ("realtime", "asked for")
    assert end["frame_to_action_ms_p50"] >= 100, "a frame's first action waits for its chunk"
    assert all(chunk["dropped"] >= 2 for chunk in chunks if chunk["rows"]), "0.1 s is 3 ticks"


@pytest.mark.parametrize(("shift", "count"), [(3, None), (3, HORIZON), (0, None)])
def test_a_policys_own_shift(
    stage: Stage, runner: LaunchedGame, shift: int, count: int | None
) -> None:
    """``ended`` holds each chunk against its frame; ticks between two of them have an action."""
    engine = Slow(stage.engine())
    engine.spec = replace(engine.spec, action_shift=shift)
    session = stage.playing(
        attach(runner), engine=engine, settings=settings(actions_per_chunk=count)
    )
    until(lambda: session.stats.chunks > 8 or session.state.ended, "some chunks")
    chunks = ended(session)
    kept = [chunk["dropped"] for chunk in chunks if chunk["rows"]]
    if shift == 3:
        assert min(kept) == 0, "two ticks are enough to compute in, and nothing is late then"
        assert any(chunk["fixed"] == 0 and chunk["rows"][0] == 0 for chunk in chunks)
    else:
        assert min(kept) >= 1, "the tick of a frame is over when its chunk is there"


def test_the_next_chunk_is_computed_while_this_one_plays(
    stage: Stage, runner: LaunchedGame
) -> None:
    """Else every chunk would be followed by a gap of the time that the next one takes."""
    engine = Slow(stage.engine())
    session = stage.playing(attach(runner), engine=engine, settings=settings())
    until(lambda: session.stats.chunks > 4, "it plays")
    engine.shut()
    sent = session.stats.sent
    until(lambda: session.stats.sent > sent, "an action is sent although the policy thinks")
    engine.open()
    ended(session)


def test_an_ended_session_keeps_no_picture(
    stage: Stage, runner: LaunchedGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon remembers twenty of them, and a picture of 1080p has six megabytes."""
    seen: list[weakref.ref[Any]] = []
    decide = Decider.decide

    def noting(decider: Decider, frame: Frame, *rest: Any) -> Decision:
        seen.append(weakref.ref(frame.pixels))
        return decide(decider, frame, *rest)

    monkeypatch.setattr(Decider, "decide", noting)
    engine = Slow(stage.engine())
    session = stage.playing(attach(runner), engine=engine, settings=settings())
    until(lambda: session.stats.chunks > 4, "it plays")
    engine.shut()
    session.stop()
    time.sleep(2 * nitropilot.agent.play.realtime.ROUND_S)
    engine.open()  # the chunk comes, and nobody waits for it any more
    assert session.wait(PATIENCE_S)
    gc.collect()
    assert len(seen) > 4
    assert [pixels for pixels in seen if pixels() is not None] == []


def test_a_chunk_begins_with_what_is_played_meanwhile(stage: Stage, runner: LaunchedGame) -> None:
    """Fixing other actions than those really sent would join the chunk to nothing."""
    engine = Slow(stage.engine(), 0.05)
    session = stage.playing(attach(runner), engine=engine, settings=settings())
    until(lambda: session.stats.chunks > 12, "some chunks")
    chunks = ended(session)
    sent: dict[int, list[float]] = {}
    joined = other = 0
    for chunk in chunks:
        start = round(chunk["start"] * HZ - chunks[0]["start"] * HZ)
        for number in range(chunk["fixed"]):
            if start + number in sent:
                same = chunk["actions"][number] == pytest.approx(sent[start + number], abs=1e-4)
                joined, other = joined + same, other + (not same)
        for number in chunk["rows"]:
            sent[start + number] = chunk["actions"][number]
    assert joined > 10
    assert other <= joined / 10, "a plan that a busy machine hands over late is not what is sent"
    prefixes = [request.prefix for request in engine.asked[2:]]
    assert any(prefix is not None for prefix in prefixes)
    for prefix in prefixes:
        if prefix is not None:
            assert prefix.weights[0] == 1 or prefix.weights[0] > prefix.weights[1]
            assert prefix.weights[-1] == 0, "the newest actions are free"


def test_an_engine_that_cannot_join_is_cross_faded(stage: Stage, runner: LaunchedGame) -> None:
    """A policy server of another make knows no prefix: it must not be sent one."""
    engine = Slow(stage.engine(), 0.05, joins=False)
    session = stage.playing(attach(runner), engine=engine, settings=settings())
    until(lambda: session.stats.chunks > 16, "some chunks")
    chunks = ended(session)
    assert all(request.prefix is None for request in engine.asked)
    assert all(chunk["fixed"] == chunk["pulled"] == 0 for chunk in chunks)
    faded = [chunk for chunk in chunks if chunk["faded"] and chunk["rows"]]
    assert faded
    assert chunks[0]["faded"] == 0
    difference = [
        abs(state[0] - (2 * min(max(chunk["actions"][number][21], 0.0), 1.0) - 1))
        for chunk in faded
        for number, state in zip(chunk["rows"], chunk["states"], strict=True)
    ]
    assert max(difference) > 0.01, "the left stick is a mixture of two chunks"


def test_a_policy_that_is_always_too_late_presses_nothing(
    stage: Stage, runner: LaunchedGame
) -> None:
    """Actions for a time past, played all the same, answer a picture of long ago."""
    engine = Slow(stage.engine(), 1.5 * HORIZON / HZ)
    session = stage.session(
        attach(runner), engine=engine, settings=settings(), prepare=forbid_freezing
    )
    session.start()
    until(lambda: session.stats.chunks_dropped >= 3 or session.state.ended, "late chunks")
    assert session.loop is not None
    loop = session.loop
    until(lambda: "too slow for real time" in loop.waiting_for, "it says why nothing happens")
    assert neutral(page_of(session))
    runs_on(runner)
    for chunk in ended(session):
        assert chunk["rows"] == []
        assert chunk["dropped"] == HORIZON
    assert session.stats.sent == 0
    assert session.stats.summary()["fresh_share"] == 0.0
    assert session.stats.summary()["chunks_dropped"] == session.stats.chunks
    assert events_of(session).count("waiting") == 1, "said once, not once a chunk"


def test_the_pad_rests_when_the_policy_hangs(stage: Stage, runner: LaunchedGame) -> None:
    """The game runs on: a stick that stays pushed walks the player off a cliff."""
    engine = Slow(stage.engine())
    session = stage.playing(attach(runner), engine=engine, settings=settings())
    engine.shut()
    assert session.loop is not None
    loop = session.loop
    until(lambda: neutral(page_of(session)), "the chunk has run out")
    until(lambda: "hangs" in loop.waiting_for, "it says so")
    assert session.state is SessionState.PLAYING
    runs_on(runner)
    sent = session.stats.sent
    engine.open()
    until(lambda: session.stats.sent > sent + 16, "it plays on when the policy is back")
    assert loop.waiting_for == ""
    ended(session)


def test_a_policy_that_hangs_after_a_blind_moment_is_not_laid_to_the_display(
    stage: Stage, runner: LaunchedGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first frame on there is something to see, whatever the policy makes of it."""
    engine = Slow(stage.engine())
    session = stage.playing(attach(runner), engine=engine, settings=settings())
    assert session.loop is not None
    loop, seen = session.loop, nitropilot.agent.play.worker.grab_usable

    def blind(_: Callable[[], Frame]) -> Frame:
        raise NothingToSee("an overloaded display", "wait")

    engine.shut()
    monkeypatch.setattr(nitropilot.agent.play.worker, "grab_usable", blind)
    with ThreadPoolExecutor() as pool:
        held = pool.submit(engine.let_one_through)
        until(lambda: loop.waiting_for == "an overloaded display", "it waits")
        monkeypatch.setattr(nitropilot.agent.play.worker, "grab_usable", seen)
        held.result()
    until(lambda: "hangs" in loop.waiting_for, "it says what it waits for now")
    engine.open()
    ended(session)


@pytest.mark.parametrize("request_", ["pause", "takeover"])
def test_nothing_of_before_a_takeover_is_played_after_it(
    stage: Stage, runner: LaunchedGame, request_: str
) -> None:
    """Neither the rest of the chunk in play nor the one that was being computed."""
    engine = Slow(stage.engine())
    session = stage.playing(attach(runner), engine=engine, settings=settings())
    engine.shut()
    asked = len(engine.asked)
    getattr(session, request_)()
    assert neutral(page_of(session))
    sent, void = session.stats.sent, session.stats.chunks
    session.play()
    ticks = session.stats.ticks
    until(lambda: session.stats.ticks > ticks + 5, "ticks of the new play go by")
    assert neutral(page_of(session))
    engine.let_one_through()
    assert session.stats.sent == sent
    assert engine.asked[asked].prefix is None, "nothing of before is continued"
    engine.open()
    until(lambda: session.stats.sent > sent + 16, "it plays on")
    chunks = ended(session)
    assert chunks[void]["rows"] == []
    assert all(chunk["frame"] > chunks[void]["ready"] for chunk in chunks[void + 1 :])


def test_a_session_ends_although_the_policy_hangs(
    stage: Stage, runner: LaunchedGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end says what still runs; the engine is not freed under its feet."""
    monkeypatch.setattr(nitropilot.agent.play.worker, "END_TIMEOUT_S", 0.3)
    closed: list[bool] = []

    class Counting(Slow):
        def close(self) -> None:
            closed.append(True)
            super().close()

    engine = Counting(stage.engine())
    session = stage.playing(attach(runner), engine=engine, settings=settings())
    engine.shut()
    session.stop("enough")
    assert neutral(page_of(session))
    assert session.wait(PATIENCE_S)
    assert session.end is not None
    assert session.end.reason.startswith("enough; and the policy has been computing for")
    assert read_trace(session)[-1]["type"] == "end"
    # It has a display open, which is closed when it comes back.
    assert (closed, own_threads()) == ([], {"nitropilot-inference", "nitropilot-display"})
    engine.open()


@pytest.mark.parametrize(("wanted", "apart"), [(None, 4), (9, 9), (400, HORIZON)])
def test_actions_per_chunk_says_how_often_to_look(
    stage: Stage, runner: LaunchedGame, wanted: int | None, apart: int
) -> None:
    """A quarter of a chunk unless the player says otherwise; never beyond a chunk's end."""
    slow = PlaySettings(
        seed=1, action_hz=20.0, mode=Mode.REALTIME, actions_per_chunk=wanted
    )  # a quarter of a chunk is 0.2 s: enough for a busy machine
    session = stage.playing(attach(runner), engine=stage.engine(), settings=slow)
    until(lambda: session.stats.chunks > 4, "some chunks")
    starts = [round(chunk["start"] * 20.0) for chunk in ended(session) if chunk["rows"]]
    found = np.median(np.diff(starts))
    assert apart - 4 <= found <= apart + 1 if wanted == 400 else abs(found - apart) <= 1


def test_a_machine_that_stands_still_plays_no_old_actions(
    stage: Stage, runner: LaunchedGame
) -> None:
    """After a suspend or a swapped-out second, a burst of late actions would come at once."""
    held: list[float] = []

    def stand_still() -> None:
        held.append(time.perf_counter())
        time.sleep(0.5)

    session = stage.session(
        attach(runner), settings=settings(),
        prepare=lambda game: at_call(game.controls, "pressed", 30, stand_still),
    )  # fmt: skip
    session.start()
    until(lambda: session.stats.sent > 60 or session.state.ended, "it plays on")
    chunks = ended(session)
    assert held
    late = [b - a for chunk in chunks for a, b in zip(chunk["due"], chunk["sent"], strict=True)]
    assert max(late) < 0.5, "the one that was held up was not sent any more"
    # 15 ticks, less those of the plan that the hand had by then.
    assert session.stats.ticks - session.stats.fresh >= 8


def test_a_recording_runs_in_real_time(stage: Stage, runner: LaunchedGame) -> None:
    """One picture a tick, also for those without an action, or the video runs too fast."""
    session = stage.playing(attach(runner), settings=settings(), record=True)
    until(lambda: session.stats.sent > 60, "a second")
    ended(session)
    video = read_trace(session)[-1]["video"]
    missed = sum(
        line["ticks"] for line in read_trace(session) if line.get("what") == "gap"
    )  # without an action, or skipped
    assert session.stats.sent <= video["frames"] <= session.stats.sent + missed
