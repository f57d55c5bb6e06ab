"""Games that end, hang, hide or change their window while they are played."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import nitropilot.agent.play.loop
import nitropilot.agent.target.game
import nitropilot.agent.target.windows
import nitropilot.controller.pads.sdl_pad
from nitropilot.agent import Mode, Session, SessionState, Target
from nitropilot.agent.target.launch import LaunchedGame, launch
from nitropilot.agent.target.recipe import Recipe
from nitropilot.agent.target.taking import take_hold
from nitropilot.controller import Button, GamepadState, HandError
from nitropilot.simulator.games.recipes import find_recipe
from tests.agent.launched_window import WindowGame
from tests.agent.playing import (
    BOTH,
    PATIENCE_S,
    Stage,
    at_call,
    at_grab,
    events_of,
    gone,
    hand_pid,
    neutral,
    own_threads,
    page_of,
    paused_only,
    polls,
    read_trace,
    reasons_of,
    stopped,
    until,
)
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent import Game
    from nitropilot.agent.target.display import PrivateDisplay

pytestmark = [
    pytest.mark.long,
    pytest.mark.game,
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="X11 windows and the preloaded pad"
    ),
]


@pytest.fixture
def window_game(tmp_path: Path, display: PrivateDisplay) -> Iterator[WindowGame]:
    """A game without SDL whose window does what it is told."""
    game = WindowGame(tmp_path, display.name)
    yield game
    game.launched.close()
    assert gone(game.pid)


def own_runner(display: PrivateDisplay) -> Target:
    return Target(launch=find_recipe("runner"), display=display.name, keep=False)


def check_ended(session: Session, state: SessionState, code: str) -> None:
    assert session.wait(PATIENCE_S)
    assert session.end is not None
    assert (session.state, session.end.code) == (state, code), session.end
    assert "\n" not in session.end.reason
    assert read_trace(session)[-1]["code"] == code
    assert gone(hand_pid(session))
    assert not own_threads()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(
    ("stage", "when"),
    [
        *((mode, when) for mode in BOTH for when in ("grab", "infer_batch", "play", "paused")),
        (Mode.PAUSED, "freeze"),  # real-time mode never does
    ],
    indirect=["stage"],
)
def test_the_game_ends(
    stage: Stage, display: PrivateDisplay, how: signal.Signals, when: str
) -> None:
    """A player who quits the game has not met a failure, whenever the loop notices."""
    engine = stage.engine()

    def prepare(game: Game) -> None:
        def end_game() -> None:
            assert game.launched is not None
            game.launched.process.send_signal(how)
            if how == signal.SIGTERM:
                game.launched.process.send_signal(signal.SIGCONT)
            until(lambda: not game.controls.hand.game_alive(), "the game is gone")

        hand = game.controls.hand
        part = {"freeze": hand, "infer_batch": engine, "play": hand}
        if when == "grab":
            at_grab(stage, game, 3, end_game)
        elif when != "paused":
            at_call(part[when], when, 3, end_game)

    session = stage.session(own_runner(display), prepare=prepare, engine=engine)
    session.start()
    if when == "paused":
        until(lambda: session.stats.sent > 16, "it plays")
        session.pause()
        assert session.game is not None
        assert session.game.launched is not None
        session.game.launched.process.send_signal(how)
    check_ended(session, SessionState.STOPPED, "game_exited")
    game = session.game
    assert game is not None
    assert game.launched is not None
    assert game.launched.page is not None
    assert gone(game.launched.process.pid)
    assert not game.launched.page.path.exists()
    assert not game.launched.profile.exists()


def test_a_kept_game_that_ended_leaves_nothing(stage: Stage, tmp_path: Path) -> None:
    """ "Keep it running" is void when the game has ended: nobody would clean up later."""
    session = stage.playing(Target(launch=find_recipe("runner"), headless=True, keep=True))
    game = session.game
    assert game is not None
    assert game.launched is not None
    assert game.launched.display is not None
    assert game.launched.page is not None
    game.launched.process.terminate()
    check_ended(session, SessionState.STOPPED, "game_exited")
    assert gone(game.launched.process.pid)
    assert gone(game.launched.display.process.pid)
    assert not game.launched.page.path.exists()
    assert not game.launched.profile.exists()


def test_the_window_is_closed_but_the_process_lives(
    window_game: WindowGame, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crashed game may leave its process behind: the session must say so and end."""
    monkeypatch.setattr(nitropilot.agent.target.windows, "NEW_WINDOW_S", 0.5)
    session = stage.playing(window_game.open)
    window_game.tell("close")
    check_ended(session, SessionState.FAILED, "window_vanished")
    assert not stopped(window_game.pid)


def test_the_window_is_replaced(window_game: WindowGame, stage: Stage) -> None:
    """Games make a new window when they change their resolution: play must go on in it."""
    session = stage.playing(window_game.open, record=True)
    for _ in range(2):
        assert session.game is not None
        old, game = session.game.grabber, session.game  # window ids are used again at once
        window_game.tell("renew")
        until(lambda game=game, old=old: game.grabber is not old, "the new window was found")
        until(lambda sent=session.stats.sent: session.stats.sent > sent + 16, "play goes on")
    session.stop()
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.STOPPED
    assert events_of(session).count("window changed") == 2
    frames, sent = read_trace(session)[-1]["video"]["frames"], session.stats.sent
    # Of a busy machine some actions come too late to be sent: the pad stays as it is meanwhile.
    assert frames >= sent if stage.mode is Mode.PAUSED else frames > sent


def test_the_pad_rests_while_there_is_no_window(
    window_game: WindowGame, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody sees what the last action does in a game between two windows."""
    monkeypatch.setattr(nitropilot.agent.target.windows, "NEW_WINDOW_S", PATIENCE_S)
    session = stage.playing(window_game.open)
    window_game.tell("close")
    assert session.loop is not None
    chunks = -1

    def settled() -> bool:
        nonlocal chunks
        before, chunks = chunks, session.stats.chunks
        return before == chunks and neutral(page_of(session)) and not stopped(window_game.pid)

    until(settled, "the pad rests and the game runs")
    session.stop()
    os.kill(window_game.pid, signal.SIGKILL)
    assert session.wait(PATIENCE_S)


def test_a_game_that_another_program_stopped(stage: Stage, display: PrivateDisplay) -> None:
    """A debugger's stop is the debugger's to end: say it, and leave the game as it was found."""
    launched = launch_runner(stage, display)

    def prepare(game: Game) -> None:
        # In the middle of a chunk, when the game is not frozen by us.
        at_call(game.controls, "pressed", 24, lambda: stop_and_see(launched.process.pid))

    try:
        session = stage.session(
            Target(pid=launched.process.pid, display=display.name), prepare=prepare
        )
        session.start()
        check_ended(session, SessionState.FAILED, "game_hung")
        assert session.end is not None
        assert "stopped by another program" in session.end.reason
        assert stopped(launched.process.pid), "as it was found"
        assert launched.page is not None
        assert neutral(launched.page.path)
    finally:
        launched.close()


def stop_and_see(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    until(lambda: stopped(pid), "stopped")


def launch_runner(stage: Stage, display: PrivateDisplay) -> LaunchedGame:
    return launch(find_recipe("runner"), log=stage.folder / "game.log", display=display.name)


def test_a_game_that_hangs(
    window_game: WindowGame, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hung game shows its last picture for ever: without a limit the agent plays on it."""
    monkeypatch.setattr(nitropilot.agent.target.game, "HANG_TIMEOUT_S", 1.5)
    session = stage.playing(window_game.open)
    running = session.stats.running_seconds
    until(lambda: session.stats.running_seconds > running + 2.0, "a game that answers is no hang")
    window_game.tell("deaf")
    check_ended(session, SessionState.FAILED, "game_hung")
    assert session.end is not None
    assert "not reacted" in session.end.reason
    assert session.end.hint
    assert not stopped(window_game.pid)


@paused_only
def test_only_running_time_counts_as_silence(
    window_game: WindowGame, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen game cannot answer: a slow policy would make every game look hung."""
    import time

    monkeypatch.setattr(nitropilot.agent.target.game, "HANG_TIMEOUT_S", 1.0)
    engine = stage.engine()
    session = stage.playing(window_game.open, engine=engine)
    frozen = session.stats.frozen_seconds
    for call in range(1, 4):
        at_call(engine, "infer_batch", call, lambda: time.sleep(1.2))
    until(lambda: session.stats.frozen_seconds > frozen + 3.5, "it was frozen for long")
    chunks = session.stats.chunks
    until(lambda: session.stats.chunks > chunks + 2 or session.state.ended, "it plays on")
    assert session.state is SessionState.PLAYING, session.end


@pytest.mark.parametrize(
    ("away", "back", "says"),
    [("hide", "show", "minimised"), ("paint 0x000000", "paint 0x808080", "black")],
)
def test_nothing_to_see(
    window_game: WindowGame, stage: Stage, away: str, back: str, says: str
) -> None:
    """What the policy would do blind is arbitrary: it must wait, and say for what."""
    session = stage.playing(window_game.open)
    assert session.loop is not None
    window_game.tell(away)
    until(lambda: says in session.loop.waiting_for, f"it says {says!r}")
    sent = session.stats.sent
    until(lambda: neutral(page_of(session)), "let go before the game runs on")
    until(lambda: not stopped(window_game.pid), "the game runs nearly all the time")
    for _ in range(20):
        until(lambda: not stopped(window_game.pid), "the game is not held")
        assert neutral(page_of(session))
    assert session.stats.sent == sent
    assert session.state is SessionState.PLAYING
    window_game.tell(back)
    until(lambda: session.stats.sent > sent + 16, "play goes on")
    assert says not in session.loop.waiting_for
    session.stop()
    assert session.wait(PATIENCE_S)
    assert reasons_of(session, says), "the trace says it too"


def test_a_game_that_never_opens_the_pad(
    window_game: WindowGame,
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The preloaded pad does not reach every game: silence would look like a bad policy."""
    monkeypatch.setattr(nitropilot.agent.play.loop, "PAD_GRACE_S", 0.2)
    session = stage.playing(window_game.open)
    assert session.loop is not None
    until(lambda: "has not opened the pad" in session.loop.waiting_for, "it says so")
    sent = session.stats.sent
    until(lambda: session.stats.sent > sent + 32, "it plays on all the same")
    session.stop()
    assert session.wait(PATIENCE_S)
    said = [line["reason"] for line in read_trace(session)
            if line.get("what") in ("waiting", "seeing")]  # fmt: skip
    assert all(a != b for a, b in itertools.pairwise(said)), "once, not once a chunk"
    warnings = [record for record in caplog.records if "opened the pad" in record.message]
    assert len(warnings) == len(reasons_of(session, "opened the pad")) > 0
    assert {record.levelname for record in warnings} == {"WARNING"}


@paused_only
def test_a_game_for_another_machine(
    window_game: WindowGame, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 32-bit game runs without the 64-bit library, and advice about SDL would lead nowhere."""
    other = bytearray(Path(sys.executable).read_bytes()[:64])
    other[4] ^= 3  # 32 bits instead of 64, or the other way round
    (tmp_path / "program").write_bytes(other)
    monkeypatch.setattr(nitropilot.controller.pads.sdl_pad, "OWN_PROGRAM", tmp_path / "program")
    monkeypatch.setattr(nitropilot.agent.play.loop, "PAD_GRACE_S", 0.2)
    session = stage.playing(window_game.open)
    assert session.loop is not None
    until(lambda: "another kind of machine" in session.loop.waiting_for, "it says so")


def test_a_game_that_opened_the_pad_is_not_warned_about(
    stage: Stage, display: PrivateDisplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warning that is always there is read by nobody."""
    monkeypatch.setattr(nitropilot.agent.play.loop, "PAD_GRACE_S", -1.0)
    session = stage.playing(own_runner(display))
    assert session.game is not None
    assert session.game.pad_warning == ""
    session.stop()
    assert session.wait(PATIENCE_S)
    assert reasons_of(session, "pad") == []


def test_what_is_sent_is_what_the_game_reads(stage: Stage, display: PrivateDisplay) -> None:
    """The session's pad must be the page that this very game has mapped."""
    launched = launch_runner(stage, display)
    try:
        game = take_hold(launched.window, launched, "auto", freeze_limit=30.0)
        epoch = game.controls.arm()
        assert launched.page is not None
        before = polls(launched.page.path)
        pressed = GamepadState(left=(1.0, 0.0), buttons=Button.A)

        def hold(until_so: bool) -> bool:
            """A state lasts for a moment only, if it is not sent again."""
            return game.controls.send(pressed, epoch) and until_so

        until(lambda: hold(polls(launched.page.path) > before + 5), "the game read it")
        first = game.grab().pixels
        until(lambda: hold((game.grab().pixels != first).mean() > 0.05), "the view scrolls")
        game.close()
        assert gone(launched.process.pid)
        game.close()  # again: harmless
        with pytest.raises(HandError):
            game.controls.arm()
        assert game.controls.send(GamepadState(), 1) is False
    finally:
        launched.close()


def test_the_window_is_replaced_before_we_hold_it(window_game: WindowGame) -> None:
    """A game that we launched is known by its process, whatever became of its first window."""
    launched = window_game.launched
    gone_by_now = replace(launched.window, handle=0x7FFFFFF1)
    game = take_hold(gone_by_now, launched, "auto", freeze_limit=30.0)
    game.launched.keep = True
    try:
        assert game.window.handle == launched.window.handle
        assert game.grab().pixels.shape[2] == 3
    finally:
        game.close()


def test_a_launch_waits_for_the_window_that_stays(tmp_path: Path, display: PrivateDisplay) -> None:
    """The first of three windows must not be the one that is looked at."""
    code = (
        "import os, time\n"
        "from tests.capture.xwindow import XWindow\n"
        "windows = []\n"
        "for title in ('first', 'second', 'third'):\n"
        "    windows.append(XWindow(os.environ['DISPLAY'], title=title))\n"
        "    if len(windows) > 1:\n"
        "        windows.pop(0).close()\n"
        "    time.sleep(0.25 if title != 'third' else 600)\n"
    )
    recipe = Recipe(
        "line", sys.executable, ("-c", code),
        private_profile=False, environment=(("PYTHONPATH", str(ROOT)),),
    )  # fmt: skip
    launched = launch(recipe, log=tmp_path / "game.log", display=display.name)
    try:
        assert launched.window.title == "third"
    finally:
        launched.close()
