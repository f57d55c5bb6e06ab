"""A session that only records what people do: it needs no policy, and plays nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nitropilot.policy.naming import POCKET
from tests.server.conftest import needs_preload
from tests.server.processes import ENDED, Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay


@pytest.fixture
def without_policy(x_display: PrivateDisplay, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that nobody has given a policy."""
    daemon = Daemon(tmp_path, x_display.name, warm_start=True)
    yield daemon
    daemon.client.close()
    daemon.kill()


def test_nobody_plays_but_people(without_policy: Daemon) -> None:
    """And who asks for more hears why not."""
    needs_preload()
    client = without_policy.client
    created = without_policy.create(launch="runner", headless=True, only_record=True)
    session = without_policy.wait_for(created["id"], "takeover")
    assert (session["policy"], session["engine"]) == (None, None)
    assert session["mode_reason"] == "nobody plays but people"
    assert session["recording"]["enabled"] is True
    path = f"/api/v1/sessions/{session['id']}"
    for ask in ("/autoplay/toggle", "/step", "/resume"):
        refused = client.post(f"{path}{ask}")
        assert refused.status_code == 409, ask
        error = refused.json()["error"]
        assert error["message"] == "this session only records what people do: it has no policy"
        assert error["hint"] == "start another one, with a policy"
    assert client.post("/api/v1/autoplay/toggle").json()["done"] == "no session"
    assert client.post("/api/v1/panic").status_code == 200
    assert without_policy.session(session["id"])["state"] == "paused"
    client.delete(path)
    ended = without_policy.wait_for(session["id"], *ENDED)
    assert ended["state"] == "stopped", ended["end"]
    assert ended["stats"]["actions_sent"] == 0


@pytest.mark.parametrize("more", [{"policy": "random:tiny"}, {"record": False}])
def test_what_goes_with_nobody(without_policy: Daemon, more: dict[str, object]) -> None:
    """Who says both has one of them in mind, and would not get it."""
    asked = {"launch": "runner", "headless": True, "only_record": True, **more}
    refused = without_policy.client.post("/api/v1/sessions", json=asked)
    assert refused.status_code == 422
    assert "only_record" in refused.json()["error"]["message"]


def test_any_other_session_has_a_policy(without_policy: Daemon) -> None:
    """The default is not to leave the AI out: the one that comes along plays."""
    needs_preload()
    created = without_policy.create(launch="runner", headless=True)
    session = without_policy.wait_for(created["id"], "playing")
    assert (session["policy"]["name"], session["engine"] is not None) == (POCKET, True)
    without_policy.client.delete(f"/api/v1/sessions/{session['id']}")
    without_policy.wait_for(session["id"], *ENDED)
