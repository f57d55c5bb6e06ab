"""One game, one hand: two programs of ours never press the same pad."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.server.processes import PATIENCE_S, POLICY, Daemon, command, environment, until
from tests.support.places import ROOT

if TYPE_CHECKING:
    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import RunningGame

SHORT = ("--seconds", "2")


def test_a_game_of_the_daemon_is_not_for_a_command(
    daemon: Daemon, game: RunningGame, x_display: PrivateDisplay
) -> None:
    """Refused by name, at once; the play that goes on hears nothing of it."""
    session = daemon.playing(pid=game.pid)
    done = command("play", *named(game), *SHORT, home=daemon.home, display=x_display.name)
    assert done.returncode == 2, done.stderr
    said = done.stderr.strip().splitlines()[-1]
    assert f"(process {daemon.process.pid}) already plays this game; end that one first" in said
    sent = daemon.session(session["id"])["stats"]["actions_sent"]
    assert game.runs()
    assert daemon.session(session["id"])["state"] == "playing"
    assert daemon.session(session["id"])["stats"]["actions_sent"] > sent
    daemon.client.delete(f"/api/v1/sessions/{session['id']}")
    done = command("play", *named(game), *SHORT, home=daemon.home, display=x_display.name)
    assert done.returncode == 0, done.stderr


def test_a_game_of_a_command_is_not_for_the_daemon(
    daemon: Daemon, game: RunningGame, x_display: PrivateDisplay
) -> None:
    """The other way round: the session fails and says who has the game, and the play goes on."""
    command = subprocess.Popen(
        [sys.executable, "-m", "nitropilot", "play", *named(game)], cwd=ROOT,
        env=environment(daemon.home, x_display.name), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: not game.pad_is_neutral(), "the play")
        ended = daemon.wait_for(daemon.create(pid=game.pid)["id"], "failed")
        assert ended["end"]["code"] == "game_taken", ended["end"]
        assert f"nitropilot play (process {command.pid})" in ended["end"]["reason"]
        assert command.poll() is None
        until(lambda: not game.pad_is_neutral(), "it plays on")
    finally:
        command.send_signal(signal.SIGINT)
        command.wait(PATIENCE_S)
    until(game.runs, "the game runs")
    assert game.pad_is_neutral()


def named(game: RunningGame) -> list[str]:
    """The options of a play."""
    return ["--pid", str(game.pid), "--policy", POLICY, "--engine", "torch"]
