"""Games that turn out to be protected while they are played: let go at once, as at the start."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

from nitropilot.agent import Session, SessionState
from nitropilot.agent.errors import ProtectedGame
from nitropilot.agent.fair_play import rechecks
from nitropilot.agent.fair_play.judging import refuse_protected
from nitropilot.agent.target.launch import LaunchedGame, launch
from nitropilot.agent.target.recipe import Recipe
from nitropilot.controller.errors import HandError
from tests.agent.launched_window import WINDOW_PROGRAM, WindowGame
from tests.agent.playing import (
    PATIENCE_S,
    Gate,
    Stage,
    attach,
    neutral,
    page_of,
    paused_only,
    raiser,
    runs_on,
    stopped,
    until,
)
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay

pytestmark = [
    pytest.mark.game,
    pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux"),
]
RUN = "import runpy; runpy.run_module({!r}, run_name='__main__')"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The game's own folder."""
    folder = tmp_path / "title"
    folder.mkdir()
    return folder


@pytest.fixture
def game(folder: Path, tmp_path: Path, display: PrivateDisplay) -> Iterator[LaunchedGame]:
    """A running game that is not protected yet."""
    script = folder / "game.py"
    script.write_text(RUN.format("nitropilot.simulator.arcade.runner"))
    recipe = Recipe(
        "title", sys.executable, (str(script),),
        private_profile=False, environment=(("PYTHONPATH", str(ROOT)),),
    )  # fmt: skip
    game = launch(recipe, log=tmp_path / "game.log", display=display.name, timeout=PATIENCE_S)
    yield game
    game.close()


def check_refused(session: Session, pid: int) -> None:
    """It ended with the very error that the game now gives at the start."""
    until(lambda: session.state.ended, "the session ends")
    with pytest.raises(ProtectedGame) as refused:
        refuse_protected(pid)
    assert session.end is not None
    assert session.state is SessionState.FAILED
    assert session.end.code == "protected_game"
    assert (session.end.reason, session.end.hint) == (str(refused.value), refused.value.hint)


@pytest.mark.parametrize("state", ["playing", "paused", "takeover"])
def test_an_anti_cheat_that_comes_later(
    stage: Stage, game: LaunchedGame, folder: Path, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at once, a game that loads its anti-cheat after its menu is played on servers."""
    monkeypatch.setattr(rechecks, "LOOK_EVERY_S", 0.1)
    session = stage.playing(attach(game))
    if state != "playing":
        (session.pause if state == "paused" else session.takeover)()
    (folder / "EasyAntiCheat").mkdir()
    check_refused(session, game.process.pid)
    assert game.page is not None
    assert neutral(game.page.path)
    runs_on(game)


def test_a_look_holds_nothing_up(
    stage: Stage, game: LaunchedGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tree of many processes on a slow disk takes seconds to look at, and nothing may be
    pressed late for that."""
    looking, go_on = threading.Event(), threading.Event()

    def slowly(pid: int | None) -> None:
        looking.set()
        assert go_on.wait(PATIENCE_S)

    session = stage.playing(attach(game))
    monkeypatch.setattr(rechecks, "refuse_protected", slowly)
    assert session.game is not None
    session.game._rechecks._due = 0.0
    assert looking.wait(PATIENCE_S)
    sent = session.stats.sent
    until(lambda: session.stats.sent > sent + 64 or session.state.ended, "it plays meanwhile")
    assert session.state is SessionState.PLAYING, session.end
    go_on.set()


@paused_only
def test_let_go_before_the_loop_notices(
    stage: Stage, game: LaunchedGame, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy that takes its time would keep a protected game frozen with a button pressed."""
    looking, go_on = threading.Event(), threading.Event()

    def later(pid: int | None) -> None:
        looking.set()
        assert go_on.wait(PATIENCE_S)
        refuse_protected(pid)

    engine = Gate(stage.engine())
    session = stage.playing(attach(game), engine=engine)
    monkeypatch.setattr(rechecks, "refuse_protected", later)
    assert session.game is not None
    session.game._rechecks._due = 0.0
    assert looking.wait(PATIENCE_S)
    engine.shut()
    assert stopped(game.process.pid)
    (folder / "EasyAntiCheat").mkdir()
    go_on.set()
    assert session.game._rechecks._look is not None
    session.game._rechecks._look.join(PATIENCE_S)
    try:
        assert not stopped(game.process.pid)
        assert neutral(page_of(session))
    finally:
        engine.open()
    check_refused(session, game.process.pid)


def test_a_new_window_is_looked_at(
    stage: Stage,
    folder: Path,
    tmp_path: Path,
    display: PrivateDisplay,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A launcher's window gives way to the game's: what was looked at was the launcher."""
    monkeypatch.setattr(rechecks, "LOOK_EVERY_S", 10 * PATIENCE_S)
    script = folder / "game.py"
    script.write_text(RUN.format(WINDOW_PROGRAM))
    game = WindowGame(tmp_path, display.name, (str(script),))
    try:
        session = stage.playing(game.open)
        (folder / "BattlEye").mkdir()
        sent = session.stats.sent
        until(lambda: session.stats.sent > sent + 16, "nobody looks meanwhile")
        game.tell("renew")
        until(lambda: session.state.ended or session.stats.sent > sent + 1000, "it was looked at")
        assert session.state.ended
        check_refused(session, game.pid)
        assert not stopped(game.pid)
        assert game.launched.page is not None
        assert neutral(game.launched.page.path)
    finally:
        game.launched.close()


def test_a_game_that_cannot_be_let_go_is_refused_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its session may be ending just then, so that its hand has ended already."""
    refused = ProtectedGame("it is protected", "play another one")

    def refuse(_pid: int) -> None:
        raise refused

    monkeypatch.setattr(rechecks, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(rechecks, "refuse_protected", refuse)
    looks = rechecks.Rechecks(lambda: [1], raiser(HandError("the hand has ended", "")))
    looks.check()
    looks.close()
    with pytest.raises(ProtectedGame):
        looks.check()
