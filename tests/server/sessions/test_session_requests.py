"""Requests about sessions that cannot be met: each is refused before anything is touched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.server.processes import running_game

if TYPE_CHECKING:
    import httpx

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import Daemon, RunningGame

SESSIONS = "/api/v1/sessions"


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error that has a message."""
    error = answer.json()["error"]
    assert error["message"], answer.text
    return answer.status_code, error["code"]


@pytest.mark.parametrize(
    "body", [{"window": 2**31 - 1}, {"pid": 2**22 - 1}, {"pid": 2**80}, {"process": "no such game"}]
)
def test_unknown_windows_are_not_found(daemon: Daemon, body: dict[str, Any]) -> None:
    """At once, with the way to find the right one, and without a session left behind."""
    before = daemon.client.get(SESSIONS).json()
    answer = daemon.client.post(SESSIONS, json=body)
    assert error_of(answer) == (404, "window_not_found")
    assert "nitropilot windows" in answer.json()["error"]["hint"]
    assert daemon.client.get(SESSIONS).json() == before


def test_a_running_process_without_a_window_is_not_found(daemon: Daemon) -> None:
    """Such as the daemon itself, or a service of another user."""
    answer = daemon.client.post(SESSIONS, json={"pid": 1})
    assert answer.status_code == 404
    answer = daemon.client.post(SESSIONS, json={"pid": daemon.process.pid})
    assert answer.status_code == 404


def test_several_matches_are_named(
    daemon: Daemon, game: RunningGame, x_display: PrivateDisplay
) -> None:
    """Choosing one of two games by luck would press buttons in the wrong one."""
    with running_game(x_display.name) as other:
        answer = daemon.client.post(SESSIONS, json={"process": game.window.executable})
        assert error_of(answer) == (409, "window_ambiguous")
        message = answer.json()["error"]["message"]
        assert f"{game.window.handle:#x}" in message
        assert f"{other.window.handle:#x}" in message


def test_unknown_sessions_are_not_found(daemon: Daemon) -> None:
    """Ids are looked up, never used as paths."""
    for name in ("nothing", "0" * 5000, "..%2f..%2fetc%2fpasswd", "%00"):
        path = f"{SESSIONS}/{name}"
        assert daemon.client.get(path).status_code == 404
        assert daemon.client.delete(path).status_code == 404
        answer = daemon.client.post(f"{path}/autoplay", json={"enabled": True})
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "name a running game"),
        ({"window": 1, "launch": "runner"}, "name a running game"),
        ({"launch": "bash"}, "launch must be one of"),
        ({"launch": "/bin/sh -c id"}, "launch must be one of"),
        ({"launch": "../runner"}, "launch must be one of"),
        ({"launch": "runner", "action_hz": -1}, "action_hz"),
        ({"launch": "runner", "action_hz": 0}, "action_hz"),
        ({"launch": "runner", "action_hz": 1e9}, "action_hz"),
        ({"launch": "runner", "action_hz": float("nan")}, "action_hz"),
        ({"launch": "runner", "cfg_scale": float("inf")}, "cfg_scale"),
        ({"launch": "runner", "actions_per_chunk": 0}, "actions_per_chunk"),
        ({"launch": "runner", "steps": 0}, "steps"),
        ({"launch": "runner", "steps": 65}, "steps"),
        ({"launch": "runner", "steps": True}, "steps"),
        ({"launch": "runner", "steps": "few"}, "steps"),
        ({"launch": "runner", "allow": ["a"]}, "allow"),
        ({"launch": "runner", "allow": "start"}, "allow"),
        ({"launch": "runner", "pad": "xbox"}, "pad"),
        ({"launch": "runner", "mode": "fast"}, "mode"),
        ({"launch": "runner", "seed": -1}, "seed"),
        ({"launch": "runner", "keep": True}, "keep"),
        ({"launch": "runner", "folder": "/etc"}, "folder"),
        ({"pid": 0}, "pid"),
        ({"pid": -1}, "pid"),
        ({"process": ""}, "process"),
        ([], ""),
        ("launch", ""),
        (None, ""),
    ],
)  # fmt: skip
def test_bad_bodies_name_what_is_wrong(daemon: Daemon, body: Any, word: str) -> None:
    """Nothing is started for a body that is half understood."""
    before = daemon.client.get(SESSIONS).json()
    headers = {"Content-Type": "application/json"}  # httpx itself would not write NaN
    answer = daemon.client.post(SESSIONS, content=json.dumps(body), headers=headers)
    assert error_of(answer) == (422, "invalid_request")
    assert word in answer.json()["error"]["message"]
    assert daemon.client.get(SESSIONS).json() == before


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"enabled": "perhaps"}', b"{}"])
def test_bad_autoplay_bodies_are_refused(daemon: Daemon, body: bytes) -> None:
    """A body that says nothing must not count as on."""
    answer = daemon.client.post(f"{SESSIONS}/x/autoplay", content=body)
    assert answer.status_code in (400, 422)
    assert set(answer.json()["error"]) == {"code", "message", "hint"}


def test_a_bad_policy_is_told_before_a_game_is_touched(daemon: Daemon, game: RunningGame) -> None:
    """A typo in a path must not end in a failed session."""
    answer = daemon.client.post(SESSIONS, json={"pid": game.pid, "policy": "/no/such.pt"})
    assert error_of(answer) == (422, "checkpoint_invalid")
