"""Break one part of a playing session on purpose: the game must always be let go.

Sessions attach to one running game, which goes on after each of them, and every part
is the real one; only the chosen call of the chosen part raises.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import threading
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot import NitroPilotError
from nitropilot.agent import Mode, Session, SessionState
from nitropilot.controller.errors import PadFailed
from nitropilot.engines.base import ActionChunk, Request
from nitropilot.engines.errors import ServerGone
from tests.agent.playing import (
    BOTH,
    PATIENCE_S,
    Gate,
    Stage,
    all_threads_end,
    at_call,
    at_grab,
    attach,
    chunks_of,
    events_of,
    gone,
    hand_pid,
    neutral,
    own_threads,
    page_of,
    paused_only,
    polls,
    raiser,
    read_trace,
    reasons_of,
    runs_on,
    stopped,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nitropilot.agent import Game
    from nitropilot.agent.target.launch import LaunchedGame

pytestmark = pytest.mark.game

PARTS: dict[str, tuple[Callable[[Game, Gate], object], str, int]] = {
    "play": (lambda game, engine: game.controls.hand, "play", 3),
    "freeze": (lambda game, engine: game.controls.hand, "freeze", 3),
    "inference": (lambda game, engine: engine, "infer_batch", 3),
}
"""For each part: the object, its method, and a call in the middle of the play."""
PAUSED_PARTS = ("freeze",)
"""Those that are not used in the middle of real-time play."""


def check_let_go(session: Session, game: LaunchedGame) -> None:
    """What holds after every end: neutral pad, running game, complete trace, nothing left."""
    assert game.page is not None
    page = game.page.path
    until(lambda: neutral(page), "a neutral pad")  # at once, or once a dead hand's has expired
    runs_on(game)
    assert gone(hand_pid(session))
    assert not own_threads()
    assert session.end is not None
    last = read_trace(session)[-1]
    assert (last["type"], last["state"]) == ("end", session.state.value)
    assert last["code"] == session.end.code
    assert sum(len(chunk["sent"]) for chunk in chunks_of(session)) == session.stats.sent


@pytest.mark.parametrize("late", [False, True], ids=["first", "later"])
@pytest.mark.parametrize(
    "error", [NitroPilotError("cut on purpose", "mend it"), RuntimeError("cut on purpose")],
    ids=["known", "unknown"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("stage", "part"),
    [
        (mode, part)
        for mode in BOTH
        for part in ("grab", *PARTS)
        if mode is Mode.PAUSED or part not in PAUSED_PARTS
    ],
    indirect=["stage"],
)
def test_any_part_may_fail(
    stage: Stage, runner: LaunchedGame, part: str, error: Exception, late: bool
) -> None:
    """A failure that leaves buttons pressed or the game frozen needs a reboot to get over."""
    engine = Gate(stage.engine())

    def prepare(game: Game) -> None:
        if part == "grab":
            at_grab(stage, game, 5 if late else 1, raiser(error))
        else:
            find, method, later = PARTS[part]
            at_call(find(game, engine), method, later if late else 1, raiser(error))

    session = stage.session(attach(runner), engine=engine, prepare=prepare)
    session.start()
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.FAILED
    assert session.end is not None
    assert "cut on purpose" in session.end.reason
    known = isinstance(error, NitroPilotError)
    assert session.end.code == (error.code if known else "unexpected")
    # In real-time mode the pad is also sent that there is nothing to press yet.
    assert (session.stats.sent > 0) == late
    check_let_go(session, runner)


def test_a_pad_that_does_not_let_go_is_taken_away(stage: Stage, runner: LaunchedGame) -> None:
    """Pressed buttons on a pad that refuses to be neutral: only unplugging it helps."""
    session = stage.playing(attach(runner))
    assert session.game is not None
    at_call(session.game.controls.hand, "release", 1, raiser(PadFailed("this pad stays as it is")))
    with pytest.raises(PadFailed):
        session.pause()
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.FAILED
    assert session.end is not None
    assert "this pad stays as it is" in session.end.reason
    check_let_go(session, runner)


@pytest.mark.parametrize("kind", [PadFailed, RuntimeError])
def test_stop_reports_a_pad_that_does_not_let_go(
    stage: Stage, runner: LaunchedGame, kind: type[Exception]
) -> None:
    """A caller who stops gets no exception to handle; the session's end says what went wrong."""

    def never(*_: object) -> None:
        raise kind("this pad stays as it is")

    session = stage.playing(attach(runner))
    assert session.game is not None
    hand = session.game.controls.hand
    really_close = hand.close

    def close() -> None:
        really_close()
        never()

    hand.release, hand.close = never, close  # type: ignore[method-assign]
    session.stop("enough")
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.FAILED
    assert session.end is not None
    assert session.end.reason.startswith("enough; and letting go: ")
    check_let_go(session, runner)


def test_a_hand_that_stands_still_is_ended(stage: Stage, runner: LaunchedGame) -> None:
    """A stopped hand sends nothing and lets nothing run: by the ledger the game goes on."""
    engine = Gate(stage.engine())
    session = stage.playing(attach(runner), engine=engine)
    engine.shut()
    os.kill(hand_pid(session), signal.SIGSTOP)
    until(lambda: not psutil.pid_exists(hand_pid(session)), "the hand is ended")
    until(lambda: not stopped(runner.process.pid), "the game is let run")
    engine.open()
    assert session.wait(PATIENCE_S)
    assert session.end is not None
    assert (session.state, session.end.code) == (SessionState.FAILED, "hand_failed")
    runs_on(runner)


def test_actions_that_are_not_numbers_press_nothing(stage: Stage, runner: LaunchedGame) -> None:
    """NaN compares false with everything: sent on, it would be an arbitrary pad state."""

    class Sick(Gate):
        def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
            (chunk,) = super().infer_batch(requests)
            chunk.actions[3, 7] = float("nan")
            return [chunk]

    session = stage.session(attach(runner), engine=Sick(stage.engine()))
    session.start()
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.FAILED
    assert session.end is not None
    assert session.end.code == "observation_invalid"
    assert session.stats.sent == 0
    check_let_go(session, runner)


def test_a_policy_server_that_goes_away(stage: Stage, runner: LaunchedGame) -> None:
    """Somebody trips over the cable: the pad rests until the server is back, nothing fails."""

    class Remote(Gate):
        away = False

        def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
            if self.away:
                raise ServerGone("ws://there does not answer", "start the server")
            return super().infer_batch(requests)

    engine = Remote(stage.engine())
    session = stage.playing(attach(runner), engine=engine)
    assert session.loop is not None
    loop = session.loop
    engine.away = True
    until(lambda: "does not answer" in loop.waiting_for, "it says what it waits for")
    assert "start the server" in loop.waiting_for
    sent = session.stats.sent
    for _ in range(20):
        until(lambda: not stopped(runner.process.pid), "the game is not held")
        assert neutral(page_of(session))
    assert (session.state, session.stats.sent) == (SessionState.PLAYING, sent)
    engine.away = False
    until(lambda: session.stats.sent > sent + 16, "play goes on")
    assert loop.waiting_for == ""
    session.stop()
    assert session.wait(PATIENCE_S)
    assert len(reasons_of(session, "does not answer")) == 1, "said once"
    check_let_go(session, runner)


def test_a_lost_hand_ends_the_play(stage: Stage, runner: LaunchedGame) -> None:
    """Without it nothing can be pressed, and nobody would resume the game if we died."""
    session = stage.playing(attach(runner))
    psutil.Process(hand_pid(session)).kill()
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.FAILED
    assert session.end is not None
    assert session.end.code == "hand_failed"
    check_let_go(session, runner)


def break_encoder(session: Session) -> None:
    """From the next frame on the encoder fails."""
    assert session.files.video is not None

    def fail(*_: object) -> None:
        raise ValueError("encoder broke")

    session.files.video._encode = fail  # type: ignore[method-assign]


def test_play_goes_on_without_a_failed_recording(stage: Stage, runner: LaunchedGame) -> None:
    """A full disk must not take the pad from somebody in the middle of a boss fight."""
    session = stage.playing(attach(runner), record=True)
    break_encoder(session)
    assert session.loop is not None
    until(lambda: session.loop.video is None, "the recording was given up")
    sent = session.stats.sent
    until(lambda: session.stats.sent > sent + 20, "play goes on")
    session.stop()
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.STOPPED
    assert "recording ended" in events_of(session)
    assert "encoder broke" in read_trace(session)[-1]["video"]["error"]
    assert session.video_path is not None
    assert not session.video_path.exists(), "half a recording is no recording"
    check_let_go(session, runner)


def test_a_folder_that_goes_away(stage: Stage, runner: LaunchedGame) -> None:
    """Files that cannot get their names must not keep the session from ending, nor be unsaid."""
    session = stage.playing(attach(runner), record=True)
    shutil.rmtree(session.plan.folder)
    session.stop("enough")
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.STOPPED
    assert session.end is not None
    assert session.end.reason == "enough"
    assert session.facts().trace_warning.startswith("cannot write the trace")
    all_threads_end()
    runs_on(runner)


def test_a_full_disk(stage: Stage, runner: LaunchedGame, caplog: pytest.LogCaptureFixture) -> None:
    """A play is worth more than its trace: it goes on, and that is said once."""
    session = stage.session(attach(runner))
    folder: Path = session.plan.folder
    folder.mkdir()
    (folder / "trace.jsonl.gz.part").symlink_to("/dev/full")
    session.start()
    until(lambda: session.stats.sent > 20, "play goes on")
    assert "No space left" in session.facts().trace_warning
    assert [line.getMessage().count("No space left") for line in caplog.records].count(1) == 1
    session.stop("enough")
    assert session.wait(PATIENCE_S)
    assert session.end is not None
    assert (session.state, session.end.reason) == (SessionState.STOPPED, "enough")
    assert not session.trace_path.exists()
    assert runner.page is not None
    assert neutral(runner.page.path)
    runs_on(runner)


def test_a_folder_that_cannot_be_made(stage: Stage, runner: LaunchedGame, tmp_path: Path) -> None:
    """A mistyped --out is the user's to mend, not "unexpected"."""
    (tmp_path / "session-0").write_text("a file")
    session = stage.session(attach(runner))
    session.start()
    assert session.wait(PATIENCE_S)
    assert session.end is not None
    assert (session.state, session.end.code) == (SessionState.FAILED, "recording_failed")
    assert session.game is None


def test_ten_sessions_leave_nothing_behind(stage: Stage, runner: LaunchedGame) -> None:
    """A daemon runs for weeks: a descriptor or a thread a session would end it."""

    def counts() -> tuple[int, int, int]:
        gc.collect()
        me = psutil.Process()
        return me.num_fds(), threading.active_count(), len(me.children())

    def one() -> None:
        session = stage.playing(attach(runner), record=True)
        session.stop()
        assert session.wait(PATIENCE_S)

    one()  # what is loaded once and kept
    before = counts()
    for _ in range(10):
        one()
    assert counts() == before


@paused_only
def test_inference_ends_before_the_freeze_limit_or_the_game_runs(
    stage: Stage, runner: LaunchedGame
) -> None:
    """A policy that hangs must not hold the game for longer than its hand allows."""
    from nitropilot.agent.target.taking import take_hold

    engine = Gate(stage.engine())
    session = stage.playing(
        lambda log: take_hold(runner.window, None, "auto", freeze_limit=0.5), engine=engine
    )
    engine.shut()
    assert runner.page is not None
    frames = polls(runner.page.path)
    until(lambda: polls(runner.page.path) > frames + 3, "the hand let the game run")
    assert neutral(runner.page.path)
    engine.open()
    assert session.wait(PATIENCE_S)
    assert session.end is not None
    assert (session.state, session.end.code) == (SessionState.FAILED, "hand_failed")
    check_let_go(session, runner)
