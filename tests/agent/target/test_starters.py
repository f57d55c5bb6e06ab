"""Games that are started by something else: a script that ends, a launcher with a window."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot.agent import LaunchFailed, Recipe, SessionState, Target
from nitropilot.agent.target.launch import launch
from tests.agent.playing import (
    PATIENCE_S,
    Stage,
    gone,
    hand_pid,
    neutral,
    page_of,
    until,
)
from tests.support.places import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay

pytestmark = [
    pytest.mark.game,
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="X11 windows and the preloaded pad"
    ),
]

WINDOW = """
import os, subprocess, sys, time
from tests.capture.xwindow import XWindow
window = XWindow(os.environ["DISPLAY"], title=sys.argv[1])
over = time.monotonic() + 300
while time.monotonic() < over and not (sys.argv[2:] and os.path.exists(sys.argv[2])):
    time.sleep(0.02)
window.close()
if sys.argv[3:]:
    subprocess.Popen(sys.argv[3:], start_new_session=True)
"""
"""A window of that title, until the file is there; then another program, if one is named."""


def recipe(*words: str) -> Recipe:
    """A command line as a recipe."""
    paths = (("PYTHONPATH", str(ROOT)),)
    return Recipe("starter", words[0], words[1:], private_profile=False, environment=paths)


def ended(pid: int) -> bool:
    """Whether a process does nothing any more; nobody may wait for an orphan in a container."""
    return gone(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("starter", ["", "setsid "], ids=["shell", "setsid"])
def test_a_script_that_starts_the_game_and_ends(
    tmp_path: Path, display: PrivateDisplay, starter: str
) -> None:
    """Most games of shops are started by a script; some leave its session as well."""
    script = f'{starter}"$0" "$@" & exit 0'
    words = recipe("/bin/sh", "-c", script, sys.executable, "-c", WINDOW, "the game")
    log = tmp_path / "game.log"
    game = launch(words, log=log, display=display.name, timeout=PATIENCE_S)
    try:
        assert game.window.title == "the game"
        assert game.window.pid is not None
        assert game.process.wait(PATIENCE_S) == 0
        assert game.tree.running()
    finally:
        game.close()
    assert ended(game.window.pid)
    assert not game.tree.running()


def test_a_script_that_fails(tmp_path: Path, display: PrivateDisplay) -> None:
    """Nothing of it runs any more: there is no window to wait for."""
    words = recipe("/bin/sh", "-c", "setsid sh -c 'echo no disc; exit 4' & wait; exit 3")
    with pytest.raises(LaunchFailed, match=r"ended at once \(exit status 3\): no disc"):
        launch(words, log=tmp_path / "game.log", display=display.name, timeout=PATIENCE_S)


@pytest.mark.parametrize("paused", [False, True], ids=["playing", "waiting"])
def test_a_launcher_before_the_game(
    stage: Stage, tmp_path: Path, display: PrivateDisplay, paused: bool
) -> None:
    """The first window is a launcher's; the game comes in a process, and a session, of its own."""
    done = tmp_path / "done"
    game = (sys.executable, "-c", WINDOW, "the game")
    words = recipe(sys.executable, "-c", WINDOW, "a launcher", str(done), *game)
    session = stage.playing(Target(launch=words, display=display.name, keep=False))
    assert session.game is not None
    assert session.game.window.title == "a launcher"
    old_hand = hand_pid(session)
    if paused:
        session.pause()
    done.touch()
    until(lambda: session.state.ended or session.game.window.title == "the game", "the game")
    assert not session.state.ended, session.end
    game_pid = session.game.window.pid
    assert game_pid is not None
    assert session.game.controls.hand.game == game_pid
    assert ended(old_hand)
    session.game.controls.check()
    session.play()
    sent = session.stats.sent
    until(lambda: session.stats.sent > sent + 16 or session.state.ended, "the play goes on")
    assert not session.state.ended, session.end
    page = page_of(session)
    session.stop()
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.STOPPED, session.end
    assert ended(game_pid)
    assert not page.exists() or neutral(page)
