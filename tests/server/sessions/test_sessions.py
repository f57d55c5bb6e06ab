"""Sessions through the API, on a real game with a real pad."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.server.conftest import needs_preload
from tests.server.processes import page_is_neutral, page_of, running_game, trace_of, until
from tests.server.sessions.test_session_requests import SESSIONS, error_of

if TYPE_CHECKING:
    import httpx

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import Daemon, RunningGame


def autoplay(daemon: Daemon, session_id: str, enabled: bool) -> httpx.Response:
    """Turn autoplay on or off."""
    return daemon.client.post(f"{SESSIONS}/{session_id}/autoplay", json={"enabled": enabled})


def delete(daemon: Daemon, session_id: str) -> dict[str, Any]:
    """End a session and wait until it has ended."""
    assert daemon.client.delete(f"{SESSIONS}/{session_id}").status_code == 204
    return daemon.wait_for(session_id, "stopped", "failed")


def test_a_launched_game_is_played_paused_and_ended(daemon: Daemon) -> None:
    """The whole life of a session; off must leave the game running with nothing pressed."""
    needs_preload()
    created = daemon.create(launch="runner", headless=True, seed=1)
    assert created["state"] == "attaching"
    assert created["game"] is None
    session_id = created["id"]
    daemon.wait_for(session_id, "playing")
    until(lambda: daemon.session(session_id)["stats"]["actions_sent"] > 0, "the first action")
    playing = daemon.session(session_id)
    assert playing["policy"]["random"] is True
    assert playing["engine"]["reason"]
    assert playing["pad"] == {"name": "sdl", "reason": playing["pad"]["reason"]}
    assert "launched" in playing["pad"]["reason"]
    assert playing["pauser"]
    pid = playing["game"]["pid"]
    page = page_of(pid)

    for _ in range(2):
        answer = autoplay(daemon, session_id, False)
        assert (answer.status_code, answer.json()["state"]) == (200, "paused")
        assert page_is_neutral(page)
        assert psutil.Process(pid).status() != psutil.STATUS_STOPPED
    sent = daemon.session(session_id)["stats"]["actions_sent"]
    time.sleep(0.5)
    assert daemon.session(session_id)["stats"]["actions_sent"] == sent

    for _ in range(2):
        answer = autoplay(daemon, session_id, True)
        assert (answer.status_code, answer.json()["state"]) == (200, "playing")
    until(lambda: daemon.session(session_id)["stats"]["actions_sent"] > sent, "more actions")

    ended = delete(daemon, session_id)
    assert (ended["state"], ended["end"]["code"]) == ("stopped", "stopped")
    assert "API" in ended["end"]["reason"]
    assert not psutil.pid_exists(pid)
    assert not page.exists()
    trace = trace_of(ended)
    assert (trace[0]["type"], trace[-1]["type"]) == ("header", "end")
    assert daemon.client.delete(f"{SESSIONS}/{session_id}").status_code == 204
    assert error_of(autoplay(daemon, session_id, True)) == (409, "not_possible_now")
    assert error_of(autoplay(daemon, session_id, False)) == (409, "not_possible_now")


@pytest.mark.parametrize("by", ["window", "pid", "process"])
def test_a_running_game_is_joined_and_left_running(
    daemon: Daemon, game: RunningGame, by: str
) -> None:
    """A game that is not ours goes on after the session, with a neutral pad."""
    asked = {"window": game.window.handle, "pid": game.pid, "process": game.window.executable}
    session = daemon.playing(**{by: asked[by]})
    assert (session["game"]["pid"], session["game"]["handle"]) == (game.pid, game.window.handle)
    assert session["pad"]["name"] == "sdl"
    delete(daemon, session["id"])
    assert game.pad_is_neutral()
    assert game.runs()


def test_a_session_can_wait_for_autoplay(daemon: Daemon, game: RunningGame) -> None:
    """With autoplay off nothing may be pressed before somebody says so."""
    created = daemon.create(pid=game.pid, autoplay=False)
    session = daemon.wait_for(created["id"], "paused")
    time.sleep(0.5)
    assert daemon.session(created["id"])["stats"]["actions_sent"] == 0
    assert game.pad_is_neutral()
    assert game.runs()
    autoplay(daemon, session["id"], True)
    until(lambda: daemon.session(session["id"])["stats"]["actions_sent"] > 0, "the first action")
    delete(daemon, session["id"])


def test_a_second_session_for_a_game_is_refused(daemon: Daemon, game: RunningGame) -> None:
    """Two agents on one pad; also while the first one is still attaching, whatever names it."""
    first = daemon.create(process=game.window.executable, autoplay=False)
    for body in ({"pid": game.pid}, {"window": game.window.handle}):
        answer = daemon.client.post(SESSIONS, json=body)
        assert error_of(answer) == (409, "not_possible_now")
        assert first["id"] in answer.json()["error"]["message"]
    daemon.wait_for(first["id"], "paused")
    assert error_of(daemon.client.post(SESSIONS, json={"pid": game.pid}))[0] == 409
    delete(daemon, first["id"])
    second = daemon.create(pid=game.pid, autoplay=False)
    daemon.wait_for(second["id"], "paused")
    delete(daemon, second["id"])


def test_autoplay_while_attaching_is_refused(daemon: Daemon) -> None:
    """Off, said before the game is there and answered with yes, would be forgotten and the game
    played: whoever said it is told, and is heard once the game is there."""
    needs_preload()
    created = daemon.create(launch="runner", headless=True)
    assert created["state"] == "attaching"
    assert error_of(autoplay(daemon, created["id"], False)) == (409, "not_possible_now")
    daemon.wait_for(created["id"], "playing")
    answer = autoplay(daemon, created["id"], False)
    assert (answer.status_code, answer.json()["state"]) == (200, "paused")
    sent = daemon.session(created["id"])["stats"]["actions_sent"]
    time.sleep(0.5)
    session = daemon.session(created["id"])
    assert (session["state"], session["stats"]["actions_sent"]) == ("paused", sent)
    delete(daemon, created["id"])


def test_a_session_deleted_while_attaching_leaves_nothing(daemon: Daemon) -> None:
    """The game that is just being launched must not outlive the session."""
    needs_preload()
    before = set(psutil.Process(daemon.process.pid).children(recursive=True))
    created = daemon.create(launch="runner", headless=True)
    ended = delete(daemon, created["id"])
    assert ended["state"] == "stopped"
    children = psutil.Process(daemon.process.pid).children(recursive=True)
    assert set(children) <= before


def test_a_game_that_ends_ends_its_session(daemon: Daemon, x_display: PrivateDisplay) -> None:
    """The player quits the game: the session says so, and is no failure."""
    needs_preload()
    with running_game(x_display.name) as game:
        session = daemon.playing(pid=game.pid)
        game.process.terminate()
        game.process.wait()
        ended = daemon.wait_for(session["id"], "stopped", "failed")
        assert (ended["state"], ended["end"]["code"]) == ("stopped", "game_exited")


def test_a_pad_that_is_not_to_be_had_fails_the_session(
    daemon: Daemon, x_display: PrivateDisplay
) -> None:
    """The session says which pad and what to do; the game is left alone."""
    if Path("/dev/uinput").exists():
        pytest.skip("this machine has a real virtual pad")
    with running_game(x_display.name) as game:
        created = daemon.create(pid=game.pid, pad="vgamepad")
        ended = daemon.wait_for(created["id"], "failed")
        assert ended["end"]["code"] == "pad_unavailable"
        assert ended["end"]["hint"]
        assert game.runs()


def test_windows_lists_the_game(daemon: Daemon, game: RunningGame) -> None:
    """What a client sees here it must be able to give back as ``window``."""
    windows = daemon.client.get("/api/v1/windows").json()
    found = [window for window in windows if window["handle"] == game.window.handle]
    assert len(found) == 1
    assert found[0]["pid"] == game.pid
    assert (found[0]["width"], found[0]["height"]) == (512, 512)
    assert found[0]["title"] == "NitroPilot Runner"


def test_status_says_what_is_in_use_and_why(daemon: Daemon, game: RunningGame) -> None:
    """A fallback that is not named is a silent one (invariant 4)."""
    session = daemon.playing(pid=game.pid)
    status = daemon.client.get("/api/v1/status").json()
    assert status["policy"] == "random:tiny"
    assert status["engine"] == session["engine"], "what runs, not what would be the fastest"
    assert status["wish"] == {"engine": "auto", "device": "auto", "precision": "auto"}
    assert {report["name"] for report in status["pads"]} == {"vgamepad", "sdl"}
    engines = {report["name"]: report for report in status["engines"]}
    assert engines["torch on cpu"]["available"]
    assert all(one["available"] or one["reason"] for one in engines.values())
    for report in (*status["pads"], *status["engines"]):
        assert report["reason"]
        assert report["available"] or report["hint"]
    assert "psutil" in status["pauser"]
    shown = [one for one in status["sessions"] if one["id"] == session["id"]]
    assert shown[0]["engine"]["reason"]
    assert shown[0]["pad"]["reason"]
    delete(daemon, session["id"])


@pytest.mark.parametrize("mode", ["paused", "realtime"])
def test_the_mode_is_the_one_that_was_asked_for(
    daemon: Daemon, game: RunningGame, mode: str
) -> None:
    """The status says which mode is played, and how well."""
    session = daemon.playing(pid=game.pid, mode=mode)
    assert (session["mode"], session["mode_reason"]) == (mode, "asked for")
    until(lambda: daemon.session(session["id"])["stats"]["actions_sent"] > 60, "a second of play")
    stats = daemon.session(session["id"])["stats"]
    assert (stats["seconds_frozen"] > 0) == (mode == "paused")
    assert (stats["fresh_share"] is None) == (mode == "paused")
    assert stats["frame_to_action_ms_p50"] > 0
    assert stats["chunks_dropped"] >= 0
    ended = delete(daemon, session["id"])
    assert trace_of(ended)[0]["mode"] == mode


def test_auto_is_the_default_and_says_what_it_measured(daemon: Daemon, game: RunningGame) -> None:
    """One action a second leaves time for everything: real time, whatever the machine."""
    session = daemon.playing(pid=game.pid, action_hz=1.0)
    assert session["mode"] == "realtime"
    assert session["mode_reason"].startswith("auto: a chunk takes ")
    assert "of the 16000 ms" in session["mode_reason"]
    delete(daemon, session["id"])


def test_menu_buttons_are_masked_unless_allowed(daemon: Daemon, game: RunningGame) -> None:
    """Invariant 2, from the request to the trace."""
    session = daemon.playing(pid=game.pid, seed=1)
    until(lambda: daemon.session(session["id"])["stats"]["chunks"] >= 8, "eight chunks")
    ended = delete(daemon, session["id"])
    assert ended["held_back"], "the random policy pressed no menu button: the test shows nothing"
    allowed = daemon.playing(pid=game.pid, seed=1, allow=["start", "back", "guide"])
    until(lambda: daemon.session(allowed["id"])["stats"]["chunks"] >= 8, "eight chunks")
    assert delete(daemon, allowed["id"])["held_back"] == {}


def test_a_recording_is_complete_when_the_session_has_ended(
    daemon: Daemon, game: RunningGame
) -> None:
    """A video that is still open when the state says stopped cannot be played."""
    session = daemon.playing(pid=game.pid, draw=True)
    ended = delete(daemon, session["id"])
    folder = Path(ended["folder"])
    assert (folder / "video.mp4").stat().st_size > 0
    assert trace_of(ended)[-1]["type"] == "end"
    assert not list(folder.glob("*.part"))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("mode", ["realtime", "paused"])
def test_a_silence_of_the_daemon_is_counted(daemon: Daemon, game: RunningGame, mode: str) -> None:
    """Whoever asks why the game stood idle for a moment finds the reason in the figures."""
    session = daemon.playing(pid=game.pid, mode=mode)
    assert session["stats"]["pad_lapses"] == 0
    os.kill(daemon.process.pid, signal.SIGSTOP)
    until(game.pad_is_neutral, "a neutral pad")
    time.sleep(0.5)
    os.kill(daemon.process.pid, signal.SIGCONT)
    until(lambda: daemon.session(session["id"])["stats"]["pad_lapses"], "a lapse")
    assert daemon.session(session["id"])["state"] == "playing"
    assert "nitropilot_pad_lapses_total" in daemon.client.get("/metrics").text
    delete(daemon, session["id"])


@pytest.mark.parametrize(
    ("steps", "taken", "why"),
    [(3, 3, "3 Euler steps, asked for"),
     ("auto", 16, "16 Euler steps, auto: the policy's own: nothing was measured")],
)  # fmt: skip
def test_the_steps_are_those_that_were_asked_for(
    daemon: Daemon, game: RunningGame, steps: object, taken: int, why: str
) -> None:
    """The status says how many there are, and why; the trace has what a replay needs."""
    session = daemon.playing(pid=game.pid, steps=steps)
    assert session["policy"]["steps"] == taken
    assert why in session["engine"]["reason"]
    ended = delete(daemon, session["id"])
    kept = trace_of(ended)[0]["policy"].get("steps")
    assert kept == (None if steps == "auto" else taken), "the policy's own need not be asked for"
