"""What a restart keeps of what people said, and how people call it off."""

from __future__ import annotations

import os
import signal
import threading
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from nitropilot.agent import SessionState
from nitropilot.controller import Button
from nitropilot.server.schemas.models import SessionRequest
from nitropilot.server.sessions.panic import panic
from nitropilot.server.sessions.pool import EnginePool
from nitropilot.server.sessions.registry import SessionRegistry
from tests.server.events.listening import Listener
from tests.server.processes import PATIENCE_S, POLICY, Daemon, until
from tests.server.sessions.test_session_requests import SESSIONS, error_of
from tests.server.sessions.test_sessions import delete
from tests.server.sessions.test_steering import post, put, states_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay
    from nitropilot.engines import Engine
    from tests.server.processes import RunningGame

SETTINGS = "/api/v1/settings"
PATIENT = (
    "import nitropilot.server.sessions.restarts as r; r.FIRST_WAIT_S = r.LONGEST_WAIT_S = 600.0; "
    "from nitropilot.server.cli.main import main; main()"
)
"""A daemon whose restarts stay pending until they are called off."""
VERBS: dict[str, Callable[[Daemon, str], Any]] = {
    "panic": lambda daemon, _: daemon.client.post("/api/v1/panic"),
    "delete": lambda daemon, old: daemon.client.delete(f"{SESSIONS}/{old}"),
    "pause": lambda daemon, old: post(daemon, old, "pause"),
    "toggle": lambda daemon, old: post(daemon, old, "autoplay/toggle"),
    "toggle all": lambda daemon, _: daemon.client.post("/api/v1/autoplay/toggle"),
    "autoplay off": lambda daemon, old: daemon.client.post(
        f"{SESSIONS}/{old}/autoplay", json={"enabled": False}
    ),
}

name_of = attrgetter("name")


def kill_hands(pid: int) -> None:
    """Take every hand of a process away."""
    for child in psutil.Process(pid).children(recursive=True):
        if any("hand.main" in word for word in child.cmdline()):
            child.kill()


def fail(
    daemon: Daemon, session_id: str, act: Callable[[], object] = lambda: None
) -> dict[str, Any]:
    """Take a session's hand away, and do something; the session once it has failed of that."""
    kill_hands(daemon.process.pid)
    act()
    until(lambda: daemon.session(session_id)["state"] == "failed", "the failure")
    return daemon.session(session_id)


def going_on(daemon: Daemon, failed: str) -> str:
    """The session that goes on in a failed one's place."""
    until(lambda: daemon.session(failed)["restart"]["session"], "the restart")
    session_id: str = daemon.session(failed)["restart"]["session"]
    return session_id


@pytest.fixture(scope="module")
def patient(
    x_display: PrivateDisplay, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """A daemon that waits very long before a restart."""
    daemon = Daemon(
        tmp_path_factory.mktemp("patient"), x_display.name, "--policy", POLICY,
        "--engine", "torch", program=("-c", PATIENT),
    )  # fmt: skip
    yield daemon
    daemon.client.close()
    daemon.kill()


@pytest.mark.parametrize("verb", VERBS)
def test_a_pending_restart_is_called_off(patient: Daemon, game: RunningGame, verb: str) -> None:
    """Whoever says stop between a failure and its restart must not see the game played again."""
    old = patient.playing(pid=game.pid)["id"]
    with Listener(patient) as listener:
        listener.identify(events=["state"], session=old)
        failed = fail(patient, old)
        assert (failed["restart"]["state"], failed["restart"]["session"]) == ("pending", "")
        assert failed["restart"]["due"] > failed["created"]
        answer = VERBS[verb](patient, old)
        assert answer.status_code in (200, 204), answer.text
        restart = patient.session(old)["restart"]
        assert restart["state"] == "cancelled"
        assert restart["reason"]
        told = [
            listener.until(lambda m: m["type"] == "state" and m["data"]["state"] == "failed")
            for _ in range(2)
        ]
        assert [m["data"]["restart"]["state"] for m in told] == ["pending", "cancelled"]
    assert error_of(post(patient, old, "pause")) == (409, "not_possible_now")
    assert patient.client.post("/api/v1/autoplay/toggle").json()["done"] == "no session"


@pytest.mark.parametrize("verb", VERBS)
def test_who_says_stop_as_the_hand_dies_sees_no_restart(
    patient: Daemon, game: RunningGame, verb: str
) -> None:
    """In the moment between a hand's death and its session's failure nobody can know of it."""
    old = patient.playing(pid=game.pid)["id"]
    kill_hands(patient.process.pid)
    answer = VERBS[verb](patient, old)
    ended = patient.wait_for(old, "failed", "stopped") if verb != "delete" else None
    if ended is not None and ended["state"] == "failed":
        assert ended["restart"]["state"] == "cancelled", ended["restart"]
    if verb == "panic":
        assert (answer.json()["let_go"], answer.json()["trouble"]) == ([old], [])
    until(game.pad_is_neutral, "a neutral pad")
    until(game.runs, "the game runs")


def test_what_is_said_before_a_restart_is_said_of_the_play(
    patient: Daemon, game: RunningGame
) -> None:
    """Also while nothing plays: guard, takeover, and that it is to go on at all."""
    old = patient.playing(pid=game.pid)["id"]
    fail(patient, old)
    assert put(patient, old, "guard", {"controls": ["left_stick"]}).status_code == 200
    takeover = {"pad": False, "idle_seconds": 3.0}
    assert put(patient, old, "takeover", takeover).status_code == 200
    assert patient.client.get(f"{SESSIONS}/{old}/guard").json()["controls"] == ["left_stick"]
    assert post(patient, old, "pause").status_code == 200
    over = put(patient, old, "guard", {"controls": ["a"]})
    assert error_of(over) == (409, "not_possible_now")


def test_the_end_of_the_daemon_calls_off_too(
    x_display: PrivateDisplay, tmp_path: Path, game: RunningGame
) -> None:
    """A restart that waits must not hold up the end."""
    daemon = Daemon(
        tmp_path, x_display.name, "--policy", POLICY, "--engine", "torch", program=("-c", PATIENT)
    )
    try:
        fail(daemon, daemon.playing(pid=game.pid)["id"])
        assert daemon.signal(signal.SIGTERM) == 0
    finally:
        daemon.client.close()
        daemon.kill()


def test_a_restart_keeps_what_people_said(daemon: Daemon, game: RunningGame) -> None:
    """What was not allowed is not pressed, from the first action on; nothing has to be said twice.

    What is said under the failed session's id is said of the one that goes on.
    """
    first = daemon.playing(pid=game.pid, seed=1, mode="paused", action_hz=120)["id"]
    takeover = {"pad": False, "idle_seconds": 7.0}
    assert put(daemon, first, "guard", {"controls": ["left_stick", "a"]}).status_code == 200
    assert put(daemon, first, "takeover", takeover).status_code == 200
    assert daemon.client.post(f"{SESSIONS}/{first}/recording", json={"enabled": True}).is_success
    fail(daemon, first)
    second = going_on(daemon, first)
    daemon.wait_for(second, "playing")
    until(lambda: daemon.session(second)["stats"]["chunks"] >= 4, "four chunks")
    said = daemon.session(second)
    assert (said["restart_of"], said["mode"]) == (first, "paused")
    assert said["recording"]["enabled"]
    assert put(daemon, first, "guard", {"controls": ["left_stick"]}).status_code == 200
    shown = daemon.client.get(f"{SESSIONS}/{second}/guard").json()
    assert shown["controls"] == ["left_stick"]
    assert daemon.client.get(f"{SESSIONS}/{second}/takeover").json() == takeover
    assert post(daemon, first, "pause").json()["id"] == second
    daemon.client.post(f"{SESSIONS}/{second}/recording", json={"enabled": False})
    fail(daemon, second, lambda: post(daemon, second, "step"))  # paused, it needs no hand
    third = going_on(daemon, second)
    paused = daemon.wait_for(third, "paused")
    assert daemon.client.get(f"{SESSIONS}/{third}/guard").json()["controls"] == ["left_stick"]
    assert daemon.client.get(f"{SESSIONS}/{third}/takeover").json() == takeover
    assert (paused["recording"]["enabled"], paused["stats"]["actions_sent"]) == (False, 0)
    assert game.pad_is_neutral()
    assert daemon.client.delete(f"{SESSIONS}/{first}").status_code == 204
    daemon.wait_for(third, "stopped")
    states = states_of(daemon.session(second))
    assert any(state[:2] != [0, 0] for state in states)
    for state in states:
        assert state[2:6] == [0, 0, 0, 0]
        assert not int(state[6]) & ~Button.A


def test_a_restart_is_called_off_while_its_policy_loads(
    display: PrivateDisplay, game: RunningGame
) -> None:
    """Loading takes a minute at full size: the end of the wait is not the last moment to say no."""
    pool = EnginePool(POLICY, "torch")
    registry = SessionRegistry(pool)
    loading, loaded = threading.Event(), threading.Event()
    get = pool.get

    def slow_get(policy: str | None = None, steps: int | None = None) -> Engine:
        loading.set()
        assert loaded.wait(PATIENCE_S)
        return get(policy, steps=steps)

    session = registry.create(SessionRequest(pid=game.pid))
    try:
        until(lambda: session.state is SessionState.PLAYING, "play")
        pool.get = slow_get  # type: ignore[method-assign]
        kill_hands(os.getpid())
        assert loading.wait(PATIENCE_S)
        assert session.restart is not None
        assert session.restart.pending
        assert panic(registry).trouble == []
        loaded.set()
        until(lambda: "nitropilot-restart" not in map(name_of, threading.enumerate()), "its end")
        assert registry.all() == [session]
        assert session.restart.state == "cancelled"
    finally:
        loaded.set()
        registry.close()


def test_the_guard_may_stand_before_the_game(daemon: Daemon, game: RunningGame) -> None:
    """From the first action on, by the request or by the settings, and said while it attaches."""
    play = {"mode": "realtime", "seed": 1}
    wanted = daemon.client.patch(SETTINGS, json={"play": {"controls": ["left_stick"]}})
    assert wanted.json()["settings"]["play"]["controls"] == ["left_stick"], wanted.text
    try:
        kept = daemon.playing(pid=game.pid, **play)["id"]
        assert controls_of(daemon, kept) == ["left_stick"]
        delete(daemon, kept)
        named = daemon.create(pid=game.pid, **play, controls=["a", "b"])["id"]
        assert controls_of(daemon, named) == ["a", "b"]
        assert put(daemon, named, "guard", {"controls": ["a"]}).status_code == 200
        daemon.wait_for(named, "playing")
        until(lambda: daemon.session(named)["stats"]["actions_sent"] > 32, "actions")
        assert controls_of(daemon, named) == ["a"]
        for state in states_of(delete(daemon, named)):
            assert state[:6] == [0] * 6
            assert not int(state[6]) & ~Button.A
    finally:
        daemon.client.patch(SETTINGS, json={"play": {"controls": None}})


def controls_of(daemon: Daemon, session_id: str) -> list[str]:
    """What an agent may use."""
    controls: list[str] = daemon.client.get(f"{SESSIONS}/{session_id}/guard").json()["controls"]
    return controls
