"""``--mode auto``: it measures, chooses, says why, and falls back when it was wrong."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING

import pytest

import nitropilot.agent.play.freshness
import nitropilot.agent.play.modes
from nitropilot.agent import AgentError, Mode, PlaySettings, SessionState
from nitropilot.agent.play.modes import choose_mode
from nitropilot.engines.base import ActionChunk, Engine, Request
from nitropilot.engines.pytorch.engine import TorchEngine
from nitropilot.policy.errors import ObservationError
from tests.agent.playing import (
    PATIENCE_S,
    Gate,
    Stage,
    attach,
    chunks_of,
    neutral,
    page_of,
    read_trace,
    realtime_only,
    runs_on,
    stopped,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.agent.target.launch import LaunchedGame
    from nitropilot.policy.network.policy import Policy

HORIZON = 16


class Alone(Gate):
    """A real engine, as slow as wanted, that notices when two threads are in it."""

    def __init__(self, engine: Engine, seconds: float = 0.0) -> None:
        super().__init__(engine)
        self.seconds = seconds
        self.asked: list[Request] = []
        self.together = 0
        self._inside = threading.Lock()

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As the real engine, later."""
        if not self._inside.acquire(blocking=False):
            self.together += 1
            return super().infer_batch(requests)
        try:
            self.asked.extend(requests)
            time.sleep(self.seconds)
            return super().infer_batch(requests)
        finally:
            self._inside.release()


@pytest.mark.parametrize("mode", [Mode.PAUSED, Mode.REALTIME])
def test_what_was_asked_for_is_not_measured(policy: Policy, mode: Mode) -> None:
    """A slow policy would make every start slower for nothing."""
    engine = Alone(TorchEngine(policy))
    choice = choose_mode(PlaySettings(mode=mode), engine)
    assert (choice.mode, choice.reason) == (mode, "asked for")
    assert engine.asked == []


def test_a_fast_policy_plays_in_real_time(policy: Policy) -> None:
    """One action a second: any machine has its 16 actions in less than eight seconds."""
    engine = Alone(TorchEngine(policy))
    choice = choose_mode(PlaySettings(mode=Mode.AUTO, action_hz=1.0, cfg_scale=1.0), engine)
    assert choice.mode is Mode.REALTIME
    assert "less than half of the 16000 ms" in choice.reason
    assert len(engine.asked) == 3


def test_a_slow_policy_plays_paused(policy: Policy) -> None:
    """Half of 16 actions at 60 Hz is 133 ms; this one takes more."""
    choice = choose_mode(PlaySettings(mode=Mode.AUTO), Alone(TorchEngine(policy), 0.15))
    assert choice.mode is Mode.PAUSED
    assert "not less than half of the 267 ms" in choice.reason


def test_only_the_actions_that_are_played_count(policy: Policy) -> None:
    """Who plays four of sixteen actions needs the next chunk four times as soon."""
    settings = PlaySettings(mode=Mode.AUTO, actions_per_chunk=4, action_hz=20.0)
    choice = choose_mode(settings, Alone(TorchEngine(policy), 0.12))
    assert choice.mode is Mode.PAUSED
    assert "of the 200 ms" in choice.reason


@pytest.mark.parametrize(
    ("taken", "mode"),
    [((0.1, 0.1, 9.0), Mode.REALTIME), ((0.2, 9.0, 0.1), Mode.PAUSED),
     ((0.2, 0.13, 0.13), Mode.REALTIME)],
)  # fmt: skip
def test_the_median_decides(
    policy: Policy, monkeypatch: pytest.MonkeyPatch, taken: tuple[float, ...], mode: Mode
) -> None:
    """One hiccup during the measurement must not choose the mode of the whole session."""
    moments = itertools.chain.from_iterable((10.0, 10.0 + seconds) for seconds in taken)

    class Clock:
        def perf_counter(self) -> float:
            return next(moments)

    monkeypatch.setattr(nitropilot.agent.play.modes, "time", Clock())
    assert choose_mode(PlaySettings(mode=Mode.AUTO), TorchEngine(policy)).mode is mode


def test_guidance_is_measured_with_it(policy: Policy) -> None:
    """It doubles the work; and a game that the policy does not know fails before the play."""
    engine = Alone(TorchEngine(policy))
    with pytest.raises(ObservationError, match="knows no games"):
        choose_mode(PlaySettings(mode=Mode.AUTO, cfg_scale=2.0), engine)
    assert engine.asked[0].cfg_scale == 2.0


def test_a_mode_that_is_none() -> None:
    """A typo in a program must not play in whatever mode comes first."""
    with pytest.raises(AgentError, match="mode is 'fast'") as failure:
        PlaySettings(mode="fast")  # type: ignore[arg-type]
    assert "realtime" in failure.value.hint


AUTO = PlaySettings(seed=1, action_hz=20.0, mode=Mode.AUTO)
"""16 actions last 0.8 s here: time enough for a busy machine."""


@pytest.mark.game
@realtime_only
def test_auto_falls_back_once_and_says_so(
    stage: Stage,
    runner: LaunchedGame,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The card that the measurement had for itself belongs to the game as soon as it plays."""
    monkeypatch.setattr(nitropilot.agent.play.freshness, "STARVED_S", 2.0)
    engine = Alone(stage.engine())
    session = stage.session(attach(runner), engine=engine, settings=AUTO, record=True)
    session.start()
    until(lambda: session.stats.sent > 20 or session.state.ended, "it plays")
    assert session.mode is not None
    assert session.mode.mode is Mode.REALTIME, session.mode
    assert not stopped(runner.process.pid)
    assert session.stats.frozen_seconds == 0
    engine.seconds = 1.2
    until(lambda: session.mode and session.mode.mode is Mode.PAUSED, "it falls back")
    assert "fell back from real-time mode, only" in session.mode.reason
    engine.seconds = 0.0
    sent = session.stats.sent
    until(lambda: session.stats.sent > sent + 20, "it plays on")
    assert session.stats.frozen_seconds > 0
    session.stop()
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.STOPPED, session.end
    assert engine.together == 0
    trace = read_trace(session)
    assert trace[0]["mode"] == "realtime"
    assert trace[0]["mode_reason"].startswith("auto: a chunk takes ")
    changes = [line for line in trace if line.get("what") == "mode"]
    assert [(line["mode"], line["reason"]) for line in changes] == [("paused", session.mode.reason)]
    warnings = [record for record in caplog.records if "playing paused now" in record.message]
    assert [record.levelname for record in warnings] == ["WARNING"]
    chunks = chunks_of(session)
    assert [chunk["i"] for chunk in chunks] == list(range(len(chunks)))
    frozen = [chunk["frozen"] is not None for chunk in chunks]
    assert frozen == sorted(frozen), "real time before, paused after"
    assert session.video_path is not None
    assert session.video_path.exists(), "one video for both"


@pytest.mark.game
@realtime_only
def test_auto_does_not_share_a_hanging_engine(
    stage: Stage, runner: LaunchedGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The paused loop must not call an engine that another thread is still in."""
    monkeypatch.setattr(nitropilot.agent.play.freshness, "STARVED_S", 1.0)
    engine = Alone(stage.engine())
    session = stage.session(attach(runner), engine=engine, settings=AUTO)
    session.start()
    until(lambda: session.stats.sent > 4 or session.state.ended, "it plays")
    engine.shut()
    ticks = session.stats.ticks
    until(lambda: session.stats.ticks > ticks + 60, "three seconds without a chunk")
    assert session.mode is not None
    assert session.mode.mode is Mode.REALTIME
    assert neutral(page_of(session))
    runs_on(runner)
    engine.open()
    until(lambda: session.mode and session.mode.mode is Mode.PAUSED, "it falls back now")
    session.stop()
    assert session.wait(PATIENCE_S)
    assert engine.together == 0


@pytest.mark.game
@realtime_only
def test_real_time_that_was_asked_for_stays(
    stage: Stage, runner: LaunchedGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A game that must not be frozen, such as one with a server, must never be."""
    monkeypatch.setattr(nitropilot.agent.play.freshness, "STARVED_S", 0.5)
    engine = Alone(stage.engine(), 1.5 * HORIZON / 60)
    settings = PlaySettings(seed=1, mode=Mode.REALTIME)
    session = stage.session(attach(runner), engine=engine, settings=settings)
    session.start()
    until(lambda: session.stats.ticks > 120 or session.state.ended, "two seconds of starving")
    assert session.mode is not None
    assert session.mode.mode is Mode.REALTIME
    assert session.stats.frozen_seconds == 0
    session.stop()
    assert session.wait(PATIENCE_S)
