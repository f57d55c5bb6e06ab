"""The states of a session: what may be asked when, and what it means for pad and game."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nitropilot.agent import Mode, NotPossibleNow, PlaySettings, Session, SessionState
from nitropilot.agent.pad.guards import MENU_BUTTONS
from nitropilot.agent.session.states import TRANSITIONS, check_transition
from nitropilot.agent.target.controls import NO_EPOCH
from nitropilot.agent.target.taking import take_hold
from nitropilot.controller import NO_BUTTONS, Button, GamepadState
from nitropilot.engines.base import ActionChunk, Request
from nitropilot.engines.pytorch.engine import TorchEngine
from nitropilot.policy import load_policy
from tests.agent.playing import (
    PATIENCE_S,
    Gate,
    Stage,
    at_call,
    attach,
    chunks_of,
    gone,
    hand_pid,
    neutral,
    page_of,
    paused_only,
    polls,
    runs_on,
    stopped,
    until,
)
from tests.support.places import POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nitropilot.agent import Game
    from nitropilot.agent.target.launch import LaunchedGame
    from nitropilot.engines.base import Engine

REQUESTS: dict[str, Callable[[Session], None]] = {
    "play": Session.play, "pause": Session.pause, "takeover": Session.takeover,
}  # fmt: skip
LEADS_TO = {
    "play": SessionState.PLAYING, "pause": SessionState.PAUSED, "takeover": SessionState.TAKEOVER,
}  # fmt: skip
game_test = pytest.mark.game


@pytest.mark.parametrize(("old", "new"), [*itertools.product(SessionState, SessionState)])
def test_the_table(old: SessionState, new: SessionState) -> None:
    """A transition too many lets an ended session press buttons; one too few traps it."""
    allowed = {
        "idle": "attaching stopped failed",
        "attaching": "playing paused takeover stopped failed",
        "playing": "paused takeover stopped failed",
        "paused": "playing takeover stopped failed",
        "takeover": "playing paused stopped failed",
    }.get(old, "")
    if new in allowed.split():
        check_transition(old, new)
    else:
        with pytest.raises(NotPossibleNow, match=f"is {old} cannot become {new}"):
            check_transition(old, new)
    assert old.ended == (not TRANSITIONS[old])


def refuses(session: Session, *requests: str) -> None:
    """Each request is refused and changes nothing."""
    before = session.state
    for request in requests:
        with pytest.raises(NotPossibleNow):
            REQUESTS[request](session)
        assert session.state is before


@game_test
def test_every_way_between_the_states(stage: Stage, runner: LaunchedGame) -> None:
    """Each way is taken with a real game: the pad rests exactly in the states it should."""
    session = stage.session(attach(runner), autoplay=False)
    refuses(session, "play", "pause", "takeover")
    session.start()
    with pytest.raises(NotPossibleNow):
        session.start()
    until(lambda: session.state is SessionState.PAUSED, "attached")
    assert session.stats.chunks == 0
    for request in ("pause", "play", "play", "pause", "takeover", "takeover", "play",
                    "takeover", "pause", "play"):  # fmt: skip
        REQUESTS[request](session)
        assert session.state is LEADS_TO[request]
        if request == "play":
            sent = session.stats.sent
            until(lambda sent=sent: session.stats.sent > sent + 3, "it plays")
        else:
            assert neutral(page_of(session))
            runs_on(runner)
            assert neutral(page_of(session))
    session.stop()
    assert session.wait(PATIENCE_S)
    refuses(session, "play", "pause", "takeover")
    session.stop("again")
    assert session.end is not None
    assert (session.end.code, session.end.reason) == ("stopped", "stopped on request")


def test_a_session_that_never_started() -> None:
    """Stopping it ends it; waiting for it must not raise or block for ever."""
    from nitropilot.agent import SessionPlan

    def never(*_: object) -> Game:
        raise AssertionError

    session = Session(SessionPlan(never, never, None))  # type: ignore[arg-type]
    assert not session.wait(0.01)
    session.stop("not needed")
    assert session.wait(0)
    assert session.state is SessionState.STOPPED
    with pytest.raises(NotPossibleNow):
        session.start()


@game_test
@pytest.mark.parametrize("request_", ["pause", "takeover", "stop"])
def test_letting_go_does_not_wait_for_the_policy(
    stage: Stage, runner: LaunchedGame, request_: str
) -> None:
    """Inference may take seconds: who wants the pad back has it, and the game, at once."""
    engine = Gate(stage.engine())
    session = stage.playing(attach(runner), engine=engine)
    engine.shut()
    assert stopped(runner.process.pid) == (stage.mode is Mode.PAUSED)
    getattr(session, request_)()
    assert neutral(page_of(session))
    assert not stopped(runner.process.pid)
    runs_on(runner)
    sent = session.stats.sent
    engine.open()
    if request_ == "stop":
        assert session.wait(PATIENCE_S)
    assert session.stats.sent == sent
    assert neutral(page_of(session))


@game_test
@paused_only
def test_a_chunk_from_before_a_pause_is_never_played(stage: Stage, runner: LaunchedGame) -> None:
    """The player has moved since: what was computed for the old picture is wrong now."""
    engine = Gate(stage.engine())
    session = stage.playing(attach(runner), engine=engine)
    engine.shut()
    sent, void = session.stats.sent, session.stats.chunks
    session.pause()
    session.play()
    engine.let_one_through()
    assert session.stats.sent == sent
    engine.open()
    until(lambda: session.stats.sent > sent, "the next chunk is played")
    session.stop()
    assert session.wait(PATIENCE_S)
    played = [len(chunk["sent"]) for chunk in chunks_of(session)]
    assert played[void] == 0
    assert all(played[:void])  # of a busy machine not all of the 16 come in time
    assert played[void + 1] > 0


@game_test
def test_frames_from_before_a_pause_are_forgotten(stage: Stage, runner: LaunchedGame) -> None:
    """A policy that looks at two frames would see a jump that never was."""

    file = POLICIES / "two_frames_game.pt"
    engine = Gate(TorchEngine(load_policy(file)))
    session = stage.playing(attach(runner), engine=engine)
    until(lambda: 0 in engine.dropped[2:], "it plays, and has seen both")
    engine.shut()
    asked = len(engine.dropped)
    assert engine.dropped[:2] == [0, 1], "the warm-up, the first frame"
    session.pause()
    session.play()
    engine.let_one_through()
    engine.open()
    until(lambda: 0 in engine.dropped[asked:], "it plays on, and has seen both")
    assert engine.dropped[asked] == 1


@game_test
def test_stop_before_the_game_is_opened(stage: Stage, runner: LaunchedGame) -> None:
    """A stop while a large policy loads must not open the game afterwards."""
    loading, go_on = threading.Event(), threading.Event()
    opened: list[Game] = []

    def load() -> Engine:
        loading.set()
        assert go_on.wait(PATIENCE_S)
        return stage.engine()

    session = stage.session(attach(runner), engine=load, prepare=opened.append)
    session.start()
    assert loading.wait(PATIENCE_S)
    refuses(session, "play", "pause", "takeover")
    session.stop("changed my mind")
    assert not session.state.ended
    go_on.set()
    assert session.wait(PATIENCE_S)
    assert session.end is not None
    assert (session.state, session.end.reason) == (SessionState.STOPPED, "changed my mind")
    assert not opened


@game_test
def test_stop_while_the_game_is_opened(stage: Stage, runner: LaunchedGame) -> None:
    """Between having a game and playing it, nothing may be pressed and nothing be left."""
    games: list[Game] = []

    def stop_now(game: Game) -> None:
        games.append(game)
        at_call(game.controls.hand, "play", 1, lambda: games.append(game))
        session.stop()

    session = stage.session(attach(runner), prepare=stop_now)
    session.start()
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.STOPPED
    assert gone(hand_pid(session))
    assert neutral(page_of(session))
    runs_on(runner)


@game_test
def test_stop_during_the_opening_presses(stage: Stage, runner: LaunchedGame) -> None:
    """A launched game is led into play by presses; a stop ends them in the middle of one."""
    recipe = replace(runner.recipe, opening=((0.0, "b"),) * 500)

    def launched(log: Path) -> Game:
        game = take_hold(runner.window, replace_recipe(runner, recipe), "auto", freeze_limit=30.0)
        game.launched.keep = True
        return game

    session = stage.session(launched)
    session.start()
    assert runner.page is not None
    page = runner.page.path
    until(lambda: not neutral(page), "the opening is pressed")
    refuses(session, "play", "pause", "takeover")
    session.stop()
    assert neutral(page)
    assert session.wait(PATIENCE_S)
    assert (session.state, session.stats.chunks) == (SessionState.STOPPED, 0)
    runs_on(runner)


def replace_recipe(game: LaunchedGame, recipe: object) -> LaunchedGame:
    """The same running game under another recipe, with a mapping of its page of its own."""
    from nitropilot.controller import PadPage

    assert game.page is not None
    return replace(game, recipe=recipe, page=PadPage.open(game.page.path))  # type: ignore[arg-type]


@game_test
def test_stop_during_the_measurement_before_play(stage: Stage, runner: LaunchedGame) -> None:
    """What runs between attaching and playing holds an epoch that a stop must void."""
    held, sent_after = threading.Event(), []

    def hold(game: Game) -> None:
        epoch = game.controls.epoch
        assert game.controls.send(GamepadState(buttons=Button.A), epoch)
        held.set()
        until(lambda: game.controls.epoch == NO_EPOCH, "the stop")
        sent_after.append(game.controls.send(GamepadState(buttons=Button.A), epoch))

    session = stage.session(attach(runner), before_play=hold)
    session.start()
    assert held.wait(PATIENCE_S)
    assert not neutral(page_of(session))
    session.stop()
    assert neutral(page_of(session))
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.STOPPED
    assert sent_after == [False]
    assert neutral(page_of(session))


@game_test
def test_stop_from_many_threads(stage: Stage, runner: LaunchedGame) -> None:
    """Ctrl-C, the API and the end of the daemon may all come at once."""
    session = stage.playing(attach(runner))
    together = threading.Barrier(8)
    errors: list[BaseException] = []

    def stop(number: int) -> None:
        together.wait()
        try:
            session.stop(f"thread {number}")
            assert session.wait(PATIENCE_S)
            session.stop("late")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=stop, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not errors
    assert session.end is not None
    assert (session.state, session.end.code) == (SessionState.STOPPED, "stopped")
    assert session.end.reason.startswith("thread ")
    assert neutral(page_of(session))
    runs_on(runner)


@game_test
def test_nothing_restarts_a_session_that_was_told_to_stop(
    stage: Stage, runner: LaunchedGame
) -> None:
    """A late "play" from another tab must not press buttons after the stop."""
    engine = Gate(stage.engine())
    session = stage.playing(attach(runner), engine=engine)
    engine.shut()
    session.pause()
    session.stop()
    refuses(session, "play")
    assert session.game is not None
    assert session.game.controls.epoch == NO_EPOCH
    engine.open()
    assert session.wait(PATIENCE_S)


@game_test
def test_wait_with_a_time_limit(stage: Stage, runner: LaunchedGame) -> None:
    """`wait` says whether the end came, so that a daemon can give up on a stuck session."""
    session = stage.playing(attach(runner))
    assert session.wait(0.01) is False
    session.stop()
    assert session.wait(PATIENCE_S) is True
    assert session.wait() is True


@game_test
@paused_only
def test_the_game_is_still_while_the_policy_thinks(stage: Stage, runner: LaunchedGame) -> None:
    """Thinking takes no game time; that is what paused mode is for."""
    engine = Gate(stage.engine())
    session = stage.playing(attach(runner), engine=engine)
    engine.shut()
    page = page_of(session)
    until(lambda: stopped(runner.process.pid), "frozen")
    before = polls(page)
    threading.Event().wait(0.2)
    assert polls(page) == before
    engine.open()
    until(lambda: polls(page) > before, "it goes on")


@pytest.mark.parametrize(
    "wrong",
    [{"action_hz": 0.0}, {"action_hz": float("nan")}, {"action_hz": -60.0}, {"action_hz": 1e6},
     {"actions_per_chunk": 0}, {"actions_per_chunk": -1}, {"cfg_scale": float("nan")}],
)  # fmt: skip
def test_settings_that_cannot_be_played(wrong: dict[str, float]) -> None:
    """No actions at all, or an endless spin, would look like a policy that does nothing."""
    from nitropilot.agent import AgentError

    name, value = next(iter(wrong.items()))
    with pytest.raises(AgentError, match=f"{name} is {value}") as failure:
        PlaySettings(**wrong)  # type: ignore[arg-type]
    assert failure.value.hint


@game_test
@pytest.mark.parametrize("allowed", [NO_BUTTONS, Button.START])
def test_what_the_player_did_not_allow_is_never_sent(
    stage: Stage, runner: LaunchedGame, allowed: Button
) -> None:
    """A policy that wants every button at once: the menu's still need leave (invariant 2)."""

    class Greedy(Gate):
        def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
            (chunk,) = super().infer_batch(requests)
            chunk.actions[:, :21] = 1.0
            return [chunk]

    session = stage.playing(
        attach(runner),
        engine=Greedy(stage.engine()),
        settings=PlaySettings(action_hz=240.0, allowed=allowed, mode=stage.mode),
    )
    session.stop()
    assert session.wait(PATIENCE_S)
    sent = {Button(state[6]) for chunk in chunks_of(session) for state in chunk["states"]}
    everything = Button(sum(Button))
    assert sent == {everything & ~MENU_BUTTONS | allowed}
    assert session.loop is not None
    held_back = session.loop.guard.held_back
    assert set(held_back) == {"START", "BACK", "GUIDE"} - {str(button.name) for button in allowed}
    assert all(count >= session.stats.sent for count in held_back.values())
