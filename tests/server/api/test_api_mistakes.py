"""Every wrong request, and the status and code that it is answered with."""

from __future__ import annotations

import ast
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.processes import running_game, stopped
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import Daemon

INVALID = (422, "invalid_request")
SETTINGS = (422, "settings_invalid")
GONE = (404, "session_not_found")
IMAGE = (422, "image_invalid")
S = "/sessions/{session}"
JSON = "application/json"
RAW = "application/octet-stream"
Mistake = tuple[str, str, Any, tuple[int, str]]

MISTAKES: list[Mistake] = [
    # What is created.
    ("POST", "/sessions", {}, (422, "invalid_request")),
    ("POST", "/sessions", {"pid": "one"}, INVALID),
    ("POST", "/sessions", {"pid": 0}, INVALID),
    ("POST", "/sessions", {"pid": 1, "turbo": True}, INVALID),
    ("POST", "/sessions", {"pid": 1, "launch": "runner"}, INVALID),
    ("POST", "/sessions", {"pid": 1, "mode": "fast"}, INVALID),
    ("POST", "/sessions", {"pid": 1, "action_hz": 0}, INVALID),
    ("POST", "/sessions", {"pid": 1, "action_hz": 241}, INVALID),
    ("POST", "/sessions", {"pid": 1, "allow": ["turbo"]}, INVALID),
    ("POST", "/sessions", {"pid": 1, "controls": ["jump"]}, INVALID),
    ("POST", "/sessions", {"pid": 1, "controls": "a"}, INVALID),
    ("POST", "/sessions", {"pid": 1, "seed": -1}, INVALID),
    ("POST", "/sessions", {"pid": "1"}, INVALID),
    ("POST", "/sessions", {"pid": True}, INVALID),
    ("POST", "/sessions", {"pid": 1, "autoplay": 0}, INVALID),
    ("POST", "/sessions", {"pid": 1, "seed": "1"}, INVALID),
    ("POST", "/sessions", {"pid": 1, "actions_per_chunk": True}, INVALID),
    ("POST", "/sessions", {"pid": 4194303}, (404, "window_not_found")),
    ("POST", "/sessions", {"process": "no such game"}, (404, "window_not_found")),
    ("POST", "/sessions", {"window": 2147483633}, (404, "window_not_found")),
    ("POST", "/sessions", {"pid": "{pid}", "policy": "/none.pt"}, (422, "checkpoint_invalid")),
    ("POST", "/sessions", {"pid": "{playing}"}, (409, "not_possible_now")),
    ("POST", "/sessions", "[]", INVALID),
    ("POST", "/sessions", "{", INVALID),
    ("POST", "/sessions", b"\xff\xfe", INVALID),
    # What is steered.
    ("GET", "/sessions/nothing", None, GONE),
    ("DELETE", "/sessions/nothing", None, GONE),
    ("POST", "/sessions/nothing/autoplay", {"enabled": True}, GONE),
    ("POST", "/sessions/nothing/autoplay/toggle", None, GONE),
    ("POST", "/sessions/nothing/pause", None, GONE),
    ("POST", "/sessions/nothing/resume", None, GONE),
    ("POST", "/sessions/nothing/step", None, GONE),
    ("POST", "/sessions/nothing/recording", {"enabled": True}, GONE),
    ("GET", "/sessions/nothing/frame", None, GONE),
    ("GET", "/sessions/nothing/guard", None, GONE),
    ("PUT", "/sessions/nothing/guard", {"controls": ["a"]}, GONE),
    ("PUT", "/sessions/nothing/takeover", {"pad": True, "idle_seconds": None}, GONE),
    ("POST", f"{S}/autoplay", {}, INVALID),
    ("POST", f"{S}/autoplay", {"enabled": "perhaps"}, INVALID),
    ("POST", f"{S}/autoplay", {"enabled": 0.0}, INVALID),
    ("POST", f"{S}/autoplay", {"enabled": True, "now": True}, INVALID),
    ("PUT", f"{S}/guard", {"controls": ["turbo"]}, INVALID),
    ("PUT", f"{S}/guard", {"controls": "a"}, INVALID),
    ("PUT", f"{S}/guard", {}, INVALID),
    ("PUT", f"{S}/takeover", {"pad": True}, INVALID),
    ("PUT", f"{S}/takeover", {"pad": True, "idle_seconds": 0}, INVALID),
    ("PUT", f"{S}/takeover", {"pad": True, "idle_seconds": 1e9}, INVALID),
    ("POST", f"{S}/recording", {"enabled": None}, INVALID),
    ("GET", f"{S}/frame?width=1", None, INVALID),
    ("GET", f"{S}/frame?width=many", None, INVALID),
    # What is looked at.
    ("GET", "/windows/none/thumbnail", None, INVALID),
    ("GET", "/windows/2147483633/thumbnail", None, (404, "window_not_found")),
    ("GET", "/recordings/none", None, (404, "recording_not_found")),
    ("DELETE", "/recordings/none", None, (404, "recording_not_found")),
    ("GET", "/recordings/..%2f..%2fconfig/files/token", None, (404, "not_found")),
    ("GET", "/recordings/none/files/..%2f..%2ftoken", None, (404, "recording_not_found")),
    ("GET", "/nothing", None, (404, "not_found")),
    ("DELETE", "/status", None, (405, "method_not_allowed")),
    # What is decided for a picture.
    ("POST", "/predict", None, IMAGE),
    ("POST", "/predict", b"GIF89a", IMAGE),
    ("POST", "/predict?seed=-1", b"", INVALID),
    ("POST", "/predict?cfg_scale=nan", b"", INVALID),
    ("POST", "/predict?game=chess", b"\0" * 12, IMAGE),
    ("POST", "/predict?width=2", b"\0" * 12, IMAGE),
    ("POST", "/predict?width=2&height=2", b"\0" * 11, IMAGE),
    ("POST", "/predict?width=0&height=2", b"", INVALID),
    ("POST", "/predict?width=16384&height=16384", b"", IMAGE),
    ("POST", "/predict?policy=%2Fnone.pt&width=1&height=1", b"\0" * 3, (422, "checkpoint_invalid")),
    # What is kept.
    ("PATCH", "/settings", {"play": {"mode": "fast"}}, SETTINGS),
    ("PATCH", "/settings", {"play": {"turbo": 1}}, SETTINGS),
    ("PATCH", "/settings", {"turbo": {}}, SETTINGS),
    ("PATCH", "/settings", {"play": {"action_hz": 1000}}, SETTINGS),
    ("PATCH", "/settings", {"play": {"controls": ["jump"]}}, SETTINGS),
    ("PATCH", "/settings", {"play": {"allow": ["turbo"]}}, SETTINGS),
    ("PATCH", "/settings", {"hotkeys": {"panic": "x"}}, SETTINGS),
    ("PATCH", "/settings", {"play": 5}, INVALID),
    ("POST", "/tokens", {"name": "", "scope": "deck"}, INVALID),
    ("POST", "/tokens", {"name": "x" * 65, "scope": "deck"}, INVALID),
    ("POST", "/tokens", {"name": "x", "scope": "root"}, INVALID),
    ("DELETE", "/tokens/none", None, (404, "token_not_found")),
    # What takes longer.
    ("POST", "/jobs", {}, INVALID),
    ("POST", "/jobs", {"kind": "dance"}, INVALID),
    ("POST", "/jobs", {"kind": "pull", "name": "../../etc"}, INVALID),
    ("POST", "/jobs", {"kind": "build", "policy": "x", "engine": "abacus"}, INVALID),
    ("POST", "/jobs", {"kind": "build", "policy": "x", "engine": "torch", "targets": 1}, INVALID),
    ("POST", "/jobs", {"kind": "improve", "game": ""}, INVALID),
    ("POST", "/jobs", {"kind": "improve", "game": "x", "recordings": ["../../etc"]}, INVALID),
    ("POST", "/improvements/accept", {"game": "none"}, (409, "improve_refused")),
    ("POST", "/improvements/back", {"game": "none"}, (409, "improve_refused")),
    ("GET", "/jobs/none", None, (404, "job_not_found")),
    ("GET", "/jobs/none/progress", None, (404, "job_not_found")),
    ("DELETE", "/jobs/none", None, (404, "job_not_found")),
]  # fmt: skip

HUNG = "server/daemon/test_load.py::test_a_hung_window_system_holds_up_neither_panic_nor_the_end"
ELSEWHERE = {
    "busy": HUNG,
    "display_silent": HUNG,
    "game_taken": "server/sessions/test_taken.py::test_a_game_of_a_command_is_not_for_the_daemon",
    "protected_game": "server/sessions/test_fair_play.py::test_the_api_refuses_with_a_reason",
    "too_many_failures":
        "attacks/test_guessing.py::test_guesses_end_in_429_and_the_user_gets_through",
    "pending": "server/sessions/test_restarts.py::test_a_pending_restart_is_called_off",
    "guard":
        "server/sessions/test_restarts.py::test_what_is_said_before_a_restart_is_said_of_the_play",
    "window_ambiguous":
        "server/sessions/test_session_requests.py::test_several_matches_are_named",
    "is unknown": "server/cli/test_refused_games.py::test_a_game_in_a_container_needs_its_process",
}  # fmt: skip
"""Mistakes that take more than a daemon and a game to make, by a word of what is said: their tests,
below ``tests``."""


@pytest.fixture(scope="module")
def numbers(daemon: Daemon, x_display: PrivateDisplay) -> Iterator[dict[str, Any]]:
    """A game that nobody plays, and a session of another that waits."""
    with running_game(x_display.name) as free, running_game(x_display.name) as played:
        session = daemon.create(pid=played.pid, autoplay=False)["id"]
        daemon.wait_for(session, "paused")
        yield {"{pid}": free.pid, "{playing}": played.pid, "session": session}
        daemon.client.delete(f"/api/v1/sessions/{session}")


@pytest.mark.parametrize(
    ("method", "path", "body", "wanted"), MISTAKES, ids=[f"{m[0]} {m[1]} {m[2]}" for m in MISTAKES]
)
def test_a_mistake_has_its_code(
    daemon: Daemon, numbers: dict[str, Any], method: str, path: str, body: Any,
    wanted: tuple[int, str],
) -> None:  # fmt: skip
    """Programs act on the code and people read the message: neither may be missing or wrong."""
    sessions = [each["id"] for each in daemon.client.get("/api/v1/sessions").json()]
    before = daemon.client.get("/api/v1/settings").json()
    if isinstance(body, dict):
        body = json.dumps({key: numbers.get(value, value) if isinstance(value, str) else value
                           for key, value in body.items()})  # fmt: skip
    kind = RAW if "width" in path else JSON
    answer = daemon.client.request(
        method, "/api/v1" + path.replace("{session}", numbers["session"]), content=body,
        headers={"Content-Type": kind},
    )  # fmt: skip
    assert set(answer.json()) == {"error"}, answer.text
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "hint"}
    assert (answer.status_code, error["code"]) == wanted, error
    assert error["message"]
    assert "\n" not in error["message"] + error["hint"]
    assert [each["id"] for each in daemon.client.get("/api/v1/sessions").json()] == sessions
    assert daemon.client.get("/api/v1/settings").json() == before
    assert daemon.session(numbers["session"])["state"] == "paused"


@pytest.mark.skipif(sys.platform == "win32", reason="folders' modes")
def test_what_cannot_be_noted_is_not_done(daemon: Daemon, numbers: dict[str, Any]) -> None:
    """A game that is taken in hand without a note of it could stand still for ever."""
    ledger = daemon.home / "ledger"
    ledger.chmod(0o755)
    try:
        session = daemon.create(pid=numbers["{pid}"])["id"]
        ended = daemon.wait_for(session, "failed")["end"]
    finally:
        ledger.chmod(0o700)
    assert ended["code"] == "ledger_failed", ended
    assert f"({ledger} is not a private folder of this user)" in ended["reason"]
    assert not stopped(numbers["{pid}"])
    assert daemon.session(numbers["session"])["state"] == "paused"


@pytest.mark.parametrize("word", ELSEWHERE)
def test_the_other_mistakes_have_their_tests(word: str) -> None:
    """A test that was renamed, or asks for something else by now, shows nothing any more."""
    file, name = ELSEWHERE[word].split("::")
    text = (ROOT / "tests" / file).read_text("utf-8")
    (test,) = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    assert word in (ast.get_source_segment(text, test) or "")
