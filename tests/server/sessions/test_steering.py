"""Toggle, pause, resume, step, guard, takeover settings and panic, on a real game."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_args

import pytest

from nitropilot.agent.errors import NotPossibleNow
from nitropilot.agent.pad.guards import CONTROLS, MENU_BUTTONS
from nitropilot.controller import Button
from nitropilot.errors import NitroPilotError
from nitropilot.server.options.play import Control
from nitropilot.server.schemas.models import SessionRequest
from nitropilot.server.sessions.panic import panic, toggle_all
from nitropilot.server.sessions.pool import EnginePool
from nitropilot.server.sessions.registry import SessionRegistry
from nitropilot.server.sessions.side_by_side import side_by_side
from nitropilot.server.store.paths import sessions_folder
from tests.server.conftest import needs_preload
from tests.server.processes import PATIENCE_S, running_game, trace_of, until
from tests.server.sessions.test_session_requests import SESSIONS, error_of
from tests.server.sessions.test_sessions import delete

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import Daemon, RunningGame

STICKS = [name for name in CONTROLS if name.endswith(("stick", "trigger"))]


def post(daemon: Daemon, session_id: str, verb: str) -> httpx.Response:
    """One of the verbs of a session."""
    return daemon.client.post(f"{SESSIONS}/{session_id}/{verb}")


def put(daemon: Daemon, session_id: str, what: str, body: Any) -> httpx.Response:
    """Set the guard or the takeover."""
    return daemon.client.put(f"{SESSIONS}/{session_id}/{what}", json=body)


def sent(daemon: Daemon, session_id: str) -> int:
    """How many actions were sent so far."""
    count: int = daemon.session(session_id)["stats"]["actions_sent"]
    return count


def chunks_of(session: dict[str, Any]) -> list[dict[str, Any]]:
    """The chunks of an ended session's trace."""
    return [line for line in trace_of(session) if line["type"] == "chunk"]


def states_of(session: dict[str, Any]) -> list[list[float]]:
    """What was sent, in that order; see ``agent.record.trace`` for the columns."""
    rows = [
        row
        for chunk in chunks_of(session)
        for row in zip(chunk["sent"], chunk["states"], strict=True)
    ]
    return [state for _, state in sorted(rows)]


@pytest.mark.parametrize("mode", ["paused", "realtime"])
def test_toggle_pause_and_resume(daemon: Daemon, game: RunningGame, mode: str) -> None:
    """One key of a deck must always do the other thing; said twice, a verb changes nothing."""
    session_id = daemon.playing(pid=game.pid, mode=mode)["id"]
    answer = post(daemon, session_id, "autoplay/toggle")
    assert (answer.status_code, answer.json()["state"]) == (200, "paused")
    assert game.pad_is_neutral()
    assert game.runs()
    assert post(daemon, session_id, "autoplay/toggle").json()["state"] == "playing"
    before = sent(daemon, session_id)
    until(lambda: sent(daemon, session_id) > before, "it plays again")
    for _ in range(2):
        assert post(daemon, session_id, "pause").json()["state"] == "paused"
        assert game.pad_is_neutral()
        assert game.runs()
    for _ in range(2):
        assert post(daemon, session_id, "resume").json()["state"] == "playing"
    delete(daemon, session_id)
    for verb in ("autoplay/toggle", "pause", "resume", "step"):
        assert error_of(post(daemon, session_id, verb)) == (409, "not_possible_now")


@pytest.mark.parametrize("mode", ["paused", "realtime"])
def test_a_step_plays_one_chunk(daemon: Daemon, game: RunningGame, mode: str) -> None:
    """A step that plays on is no step, one that plays half a chunk shows nothing."""
    created = daemon.create(pid=game.pid, mode=mode, autoplay=False, seed=3)
    session_id = created["id"]
    session = daemon.wait_for(session_id, "paused")
    horizon, before = session["policy"]["horizon"], 0
    for number in (1, 2):
        answer = post(daemon, session_id, "step")
        assert answer.status_code == 200, answer.text
        until(lambda: daemon.session(session_id)["state"] == "paused", "the step's end")
        after = sent(daemon, session_id)  # of a busy machine not all come in time
        assert horizon / 2 < after - before <= horizon
        before = after
        assert daemon.session(session_id)["stats"]["chunks"] == number
        assert game.pad_is_neutral()
        assert game.runs()
    time.sleep(0.5)
    assert sent(daemon, session_id) == before
    post(daemon, session_id, "resume")
    assert error_of(post(daemon, session_id, "step")) == (409, "not_possible_now")
    until(lambda: sent(daemon, session_id) > 2 * horizon, "it plays on after the steps")
    first, second = chunks_of(delete(daemon, session_id))[:2]
    assert first["actions"] != second["actions"], "each step drew the same noise"


def test_a_step_can_be_taken_back(daemon: Daemon, game: RunningGame) -> None:
    """A step at one action a second lasts long: a pause must end it, and play must go on."""
    created = daemon.create(pid=game.pid, mode="paused", autoplay=False, action_hz=1)
    session_id = created["id"]
    daemon.wait_for(session_id, "paused")
    post(daemon, session_id, "step")
    until(lambda: sent(daemon, session_id) > 0, "the step's first action")
    assert daemon.session(session_id)["state"] == "playing"
    assert post(daemon, session_id, "pause").json()["state"] == "paused"
    assert game.pad_is_neutral()
    post(daemon, session_id, "resume")
    before = sent(daemon, session_id)
    until(lambda: sent(daemon, session_id) > before + 1, "play")
    assert daemon.session(session_id)["state"] == "playing", "the old step ended the new play"
    delete(daemon, session_id)


@pytest.mark.parametrize("mode", ["paused", "realtime"])
def test_the_guard_holds_back_all_but_its_list(
    daemon: Daemon, game: RunningGame, mode: str
) -> None:
    """What an agent may not use must rest, even within the chunk that is being played."""
    everything = {"start", "back", "guide"}
    session_id = daemon.playing(pid=game.pid, mode=mode, seed=1, allow=sorted(everything))["id"]
    shown = daemon.client.get(f"{SESSIONS}/{session_id}/guard").json()
    assert shown["controls"] == list(CONTROLS)
    assert set(shown["menu_buttons"]) == everything
    answer = put(daemon, session_id, "guard", {"controls": ["left_stick", "a"]})
    assert (answer.status_code, answer.json()["controls"]) == (200, ["a", "left_stick"])
    marked = sent(daemon, session_id) + 1  # one may have been on its way
    until(lambda: sent(daemon, session_id) > marked + 64, "actions with the guard")
    assert put(daemon, session_id, "guard", {"controls": []}).json()["controls"] == []
    before = sent(daemon, session_id) + 1
    until(lambda: sent(daemon, session_id) > before + 8, "actions that press nothing")
    assert game.pad_is_neutral()
    held = daemon.client.get(f"{SESSIONS}/{session_id}/guard").json()["held_back"]
    assert {"RIGHT_STICK", "X", "START", "LEFT_STICK"} <= set(held)
    states = states_of(delete(daemon, session_id))
    assert any(state[2:4] != [0, 0] for state in states[:marked])
    for state in states[marked : marked + 64]:
        assert state[2:6] == [0, 0, 0, 0]
        assert not int(state[6]) & ~Button.A
    assert any(state[:2] != [0, 0] for state in states[marked : marked + 64])


def test_the_guard_cannot_unlock_menu_buttons(daemon: Daemon, game: RunningGame) -> None:
    """Invariant 2 is the session's: a list of controls must not be a way round it."""
    session_id = daemon.playing(pid=game.pid, seed=1, action_hz=240)["id"]
    answer = put(daemon, session_id, "guard", {"controls": list(CONTROLS)})
    assert answer.json()["menu_buttons"] == []
    until(lambda: daemon.session(session_id)["stats"]["chunks"] >= 8, "eight chunks")
    ended = delete(daemon, session_id)
    assert ended["held_back"], "the random policy pressed no menu button: the test shows nothing"
    assert not any(int(state[6]) & MENU_BUTTONS for state in states_of(ended))


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("guard", {"controls": ["a", "jump"]}),
        ("guard", {"controls": "a"}),
        ("guard", {}),
        ("guard", {"controls": ["a"], "more": 1}),
        ("guard", {"controls": ["a"] * 65}),
        ("takeover", {"pad": True}),
        ("takeover", {"pad": "often", "idle_seconds": None}),
        ("takeover", {"pad": True, "idle_seconds": 0}),
        ("takeover", {"pad": True, "idle_seconds": -1}),
        ("takeover", {"pad": True, "idle_seconds": 1e9}),
        ("takeover", {"pad": True, "idle_seconds": None, "dead_zone": 1}),
    ],
)
def test_bad_settings_are_refused(
    daemon: Daemon, paused: str, what: str, body: dict[str, Any]
) -> None:
    """A setting that was misread would be worse than none: nothing changes, and it is said."""
    before = daemon.client.get(f"{SESSIONS}/{paused}/{what}").json()
    assert error_of(put(daemon, paused, what, body)) == (422, "invalid_request")
    assert daemon.client.get(f"{SESSIONS}/{paused}/{what}").json() == before


@pytest.fixture(scope="module")
def paused(daemon: Daemon, x_display: PrivateDisplay) -> Any:
    """A session that waits, for requests that are refused."""
    with running_game(x_display.name) as game:
        session_id = daemon.create(pid=game.pid, autoplay=False)["id"]
        daemon.wait_for(session_id, "paused")
        yield session_id
        delete(daemon, session_id)


def test_takeover_settings_are_kept(daemon: Daemon, paused: str) -> None:
    """What GET shows must be what applies; switched off and on again."""
    path = f"{SESSIONS}/{paused}/takeover"
    assert daemon.client.get(path).json() == {"pad": True, "idle_seconds": None}
    for wanted in ({"pad": False, "idle_seconds": 2.5}, {"pad": True, "idle_seconds": None}):
        assert put(daemon, paused, "takeover", wanted).json() == wanted
        assert daemon.client.get(path).json() == wanted


def test_unknown_sessions_cannot_be_steered(daemon: Daemon) -> None:
    """404, not a session that is made by asking for it."""
    for verb in ("autoplay/toggle", "pause", "resume", "step"):
        assert error_of(post(daemon, "nothing", verb)) == (404, "session_not_found")
    for what, body in (("guard", {"controls": []}), ("takeover", {"pad": True, "idle_seconds": 1})):
        assert error_of(put(daemon, "nothing", what, body)) == (404, "session_not_found")
        answer = daemon.client.get(f"{SESSIONS}/nothing/{what}")
        assert error_of(answer) == (404, "session_not_found")


def test_panic_lets_go_of_every_game(
    daemon: Daemon, game: RunningGame, x_display: PrivateDisplay
) -> None:
    """Also of one whose agent is paused, and of none that is only about to play."""
    with running_game(x_display.name) as other:
        playing = daemon.playing(pid=game.pid, mode="paused")["id"]
        second = daemon.playing(pid=other.pid, mode="realtime")["id"]
        for held in ({playing, second}, set()):
            answer = daemon.client.post("/api/v1/panic")
            assert set(answer.json()["let_go"]) == held
            assert answer.status_code == 200
            assert answer.json()["trouble"] == []
            states = {s["id"]: s["state"] for s in answer.json()["sessions"]}
            assert (states[playing], states[second]) == ("paused", "paused")
            for each in (game, other):
                assert each.pad_is_neutral()
                assert each.runs()
        attaching = daemon.create(launch="runner", headless=True)["id"]
        assert daemon.client.post("/api/v1/panic").json()["let_go"] == [attaching]
        ended = daemon.session(attaching)
        until(lambda: daemon.session(attaching)["state"] == "stopped", "the end of the attaching")
        assert ended["stats"]["actions_sent"] == 0
        assert daemon.session(attaching)["end"]["reason"] == "panic"
        post(daemon, playing, "resume")
        before = sent(daemon, playing)
        until(lambda: sent(daemon, playing) > before, "play after the panic")
        for session_id in (playing, second):
            delete(daemon, session_id)


def test_one_key_toggles_every_game(
    daemon: Daemon, game: RunningGame, x_display: PrivateDisplay
) -> None:
    """A deck's key has no room for an id that changes with every session."""

    def toggle() -> tuple[str, dict[str, str]]:
        answer = daemon.client.post("/api/v1/autoplay/toggle")
        assert answer.status_code == 200
        return answer.json()["done"], {s["id"]: s["state"] for s in answer.json()["sessions"]}

    with running_game(x_display.name) as other:
        first = daemon.playing(pid=game.pid, mode="paused")["id"]
        second = daemon.playing(pid=other.pid, mode="realtime")["id"]
        post(daemon, second, "pause")
        done, states = toggle()
        assert (done, states[first], states[second]) == ("paused", "paused", "paused")
        assert game.pad_is_neutral()
        done, states = toggle()
        assert (done, states[first], states[second]) == ("playing", "playing", "playing")
        for session_id in (first, second):
            delete(daemon, session_id)


def test_one_that_is_slow_holds_up_no_other() -> None:
    """Each is at it while the others are: one after the other they would wait for ever."""
    sessions: list[Any] = [SimpleNamespace(id=str(number)) for number in range(3)]
    all_there = threading.Barrier(len(sessions), timeout=PATIENCE_S)
    done: list[str] = []

    def act(session: Any) -> None:
        all_there.wait()
        done.append(session.id)
        raise NitroPilotError("one that fails ends none")

    side_by_side(sessions, act, "test")
    assert sorted(done) == ["0", "1", "2"]


def test_a_session_that_waits_for_the_disk_holds_up_no_panic(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A data folder on a network drive may hang; and what was made for nothing goes."""
    monkeypatch.setenv("NITROPILOT_DATA", str(tmp_path))
    registry = SessionRegistry(EnginePool())
    waits, goes_on = threading.Event(), threading.Event()

    def hang(*_about: object) -> None:
        waits.set()
        assert goes_on.wait(PATIENCE_S)

    monkeypatch.setattr("nitropilot.server.sessions.registry.prune_traces", hang)
    refused: list[NotPossibleNow] = []

    def create() -> None:
        try:
            registry.create(SessionRequest(launch="runner", only_record=True))
        except NotPossibleNow as error:
            refused.append(error)

    thread = threading.Thread(target=create)
    thread.start()
    try:
        assert waits.wait(PATIENCE_S)
        assert panic(registry).trouble == []
        registry.stop()
    finally:
        goes_on.set()
        thread.join()
        registry.close()
    assert [str(error) for error in refused] == ["the daemon is ending"]
    assert registry.all() == []
    assert not list(sessions_folder().iterdir())


def test_there_may_be_nothing_to_toggle() -> None:
    """A key that is pressed before the game runs."""
    assert toggle_all(SessionRegistry(EnginePool())) == "no session"


def test_the_api_names_every_control() -> None:
    """A control that the API does not know could not be allowed by anybody."""
    assert get_args(Control) == CONTROLS
    assert set(STICKS) == {"left_stick", "right_stick", "left_trigger", "right_trigger"}


def test_a_game_that_nobody_sees_is_not_taken_over(daemon: Daemon) -> None:
    """Whoever touches a pad means the game in front of them, unless they say otherwise."""
    needs_preload()
    session_id = daemon.create(launch="runner", headless=True, autoplay=False)["id"]
    daemon.wait_for(session_id, "paused")
    path = f"{SESSIONS}/{session_id}/takeover"
    assert daemon.client.get(path).json() == {"pad": False, "idle_seconds": None}
    wanted = {"pad": True, "idle_seconds": None}
    assert put(daemon, session_id, "takeover", wanted).json() == wanted
    delete(daemon, session_id)
