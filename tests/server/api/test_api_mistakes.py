"""Every wrong request, and the status and code that it is answered with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.processes import running_game

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
