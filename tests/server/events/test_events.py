"""``/api/v1/events`` as docs/events.md has it: a real daemon, game and client."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import signal
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image
from websockets.exceptions import InvalidStatus

from nitropilot.agent.events import Missed, Warned
from nitropilot.server.api.event_stream import IDENTIFY_S
from nitropilot.server.auth import Access, TokenStore
from nitropilot.server.daemon.app import create_app
from nitropilot.server.events.client import MAX_QUEUE, Client
from nitropilot.server.events.hub import MAX_BOX, MAX_CLIENTS, Hub
from nitropilot.server.events.messages import Subscription
from nitropilot.server.http.hosts import HostRules
from nitropilot.server.sessions.pool import EnginePool
from nitropilot.server.sessions.registry import SessionRegistry
from tests.server.events.listening import PATH, Listener
from tests.server.http.asgi import ask, scope_of
from tests.server.processes import POLICY, Daemon, running_game, until
from tests.support import http

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import RunningGame

PAD_KEYS = {"left", "right", "triggers", "buttons"}
ALL = ["state", "pad", "chunk", "stats", "warning"]


@pytest.fixture(scope="module")
def daemon(x_display: PrivateDisplay, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A daemon that compiles nothing."""
    home = tmp_path_factory.mktemp("events")
    daemon = Daemon(home, x_display.name, "--policy", POLICY, "--engine", "torch", warm_start=True)
    yield daemon
    assert "Traceback" not in daemon.output(), daemon.output()
    daemon.client.close()
    daemon.kill()


def check_pad(pad: dict[str, Any]) -> None:
    """A pad as the contract has it."""
    assert set(pad) == PAD_KEYS
    for stick in ("left", "right"):
        assert len(pad[stick]) == 2
        assert all(-1 <= value <= 1 for value in pad[stick])
    assert len(pad["triggers"]) == 2
    assert all(isinstance(name, str) and name == name.lower() for name in pad["buttons"])


def picture_size(jpeg: bytes) -> tuple[int, int]:
    """Of a JPEG file that can be decoded to its end."""
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
        picture.load()
        return picture.size


# The opening


def test_the_opening(daemon: Daemon) -> None:
    """The three first messages are what every client is written against."""
    with Listener(daemon) as listener:
        hello = listener.next()
        assert hello["type"] == "hello"
        assert hello["protocol"] == 1
        assert hello["version"] == http.get(daemon.url + "/api/version").json()["version"]
        assert hello["identified"] is False
        listener.say("identify", protocol=1, token=daemon.token, events=["state", "pad"])
        ready = listener.next()
        assert ready["type"] == "ready"
        assert ready["scope"] == "admin"
        assert ready["events"] == ["state", "pad"]
        assert ready["sessions"] == daemon.client.get("/api/v1/sessions").json()


@pytest.mark.parametrize("scope", ["admin", "deck", "overlay"])
def test_every_scope_may_listen(daemon: Daemon, scope: str) -> None:
    """The overlay's token is made for this."""
    made = daemon.client.post("/api/v1/tokens", json={"name": "t", "scope": scope}).json()
    with Listener(daemon) as listener:
        assert listener.identify(made["secret"])["scope"] == scope
    with Listener(daemon, {"Authorization": f"Bearer {made['secret']}"}) as listener:
        assert listener.next()["identified"] is True
        listener.say("identify")
        ready = listener.next("ready")
        assert (ready["scope"], ready["events"]) == (scope, ALL)


def cookie_of(daemon: Daemon) -> str:
    """A logged-in browser's Cookie header."""
    code = daemon.client.post("/api/v1/auth/codes").json()["code"]
    answer = http.get(f"{daemon.url}/?code={code}")
    return answer.headers["Set-Cookie"].split(";")[0]


def test_a_browser_session_is_identity_enough(daemon: Daemon) -> None:
    """The dashboard has a cookie that its scripts cannot read, so it has no token to send."""
    cookie = {"Cookie": cookie_of(daemon)}
    with Listener(daemon, cookie, origin=daemon.url) as listener:
        assert listener.next()["identified"] is True
        listener.say("identify", events=[])
        assert listener.next("ready")["scope"] == "admin"
        http.post(daemon.url + "/api/v1/auth/logout", headers=cookie | {"Origin": daemon.url})
        assert listener.end() == 4008
    with pytest.raises(InvalidStatus) as refused:  # a page could make the browser do that
        Listener(daemon, {"Cookie": cookie_of(daemon)})
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_a_foreign_origin_is_refused(daemon: Daemon, origin: str) -> None:
    """The handshake is open to those without a token, but never to another site's page."""
    for headers in ({}, {"Authorization": f"Bearer {daemon.token}"}):
        with pytest.raises(InvalidStatus) as refused:
            Listener(daemon, headers, origin=origin)
        assert refused.value.response.status_code == 403
        body = json.loads(refused.value.response.body)
        assert body["error"]["code"] == "forbidden_origin"


def test_a_wrong_header_is_refused_at_the_handshake(daemon: Daemon) -> None:
    """As everywhere; a foreign Host too."""
    with pytest.raises(InvalidStatus) as refused:
        Listener(daemon, {"Authorization": "Bearer wrong"})
    assert refused.value.response.status_code == 401
    scope = {"Host": "evil.example"}
    answer = http.get(
        daemon.url + PATH,
        headers=scope | {"Upgrade": "websocket", "Connection": "Upgrade",
                         "Sec-WebSocket-Version": "13",
                         "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="},
    )  # fmt: skip
    assert answer.status_code == 403


# What comes


def test_a_session_from_start_to_end(daemon: Daemon, game: RunningGame) -> None:
    """Every type of event, from one session, in the contract's words."""
    with Listener(daemon) as listener:
        listener.identify()
        created = daemon.create(pid=game.pid, mode="paused", seed=1)
        first = listener.next("state")
        assert first["session"] == created["id"]
        assert first["data"]["state"] == "attaching"
        assert abs(first["time"] - time.time()) < 3600
        playing = listener.until(lambda m: m["type"] == "state" and m["data"]["state"] == "playing")
        assert set(playing["data"]) == set(daemon.session(created["id"]))
        chunk = listener.next("chunk")
        assert chunk["session"] == created["id"]
        assert chunk["frame_age_ms"] >= chunk["inference_ms"] > 0
        assert all(ms >= 0 for ms in chunk["parts_ms"].values())
        assert "grab" in chunk["parts_ms"]
        assert (len(chunk["actions"]), chunk["late"]) == (16, 0)
        for pad in chunk["actions"]:
            check_pad(pad)
        for action in range(3):
            pad = listener.next("pad", chunk=chunk["number"])
            check_pad(pad["pad"])
            assert (pad["source"], pad["action"]) == ("agent", action)
            assert pad["pad"] == chunk["actions"][action]
            assert isinstance(pad["late_ms"], float)
        stats = listener.next("stats")
        assert set(stats["data"]) == set(daemon.session(created["id"])["stats"])

        daemon.client.post(f"/api/v1/sessions/{created['id']}/autoplay", json={"enabled": False})
        listener.until(lambda m: m["type"] == "state" and m["data"]["state"] == "paused")
        rest = listener.next("pad", chunk=None)
        assert rest["pad"] == {"left": [0, 0], "right": [0, 0], "triggers": [0, 0], "buttons": []}
        assert (rest["action"], rest["late_ms"]) == (None, None)
        daemon.client.delete(f"/api/v1/sessions/{created['id']}")
        last = listener.until(lambda m: m["type"] == "state" and m["data"]["state"] == "stopped")
        assert last["data"]["end"]["code"] == "stopped"
        assert "API" in last["data"]["end"]["reason"]


def test_only_what_was_asked_for_comes(daemon: Daemon, x_display: PrivateDisplay) -> None:
    """Two sessions: the overlay of one must not show the pad of the other."""
    with ExitStack() as stack:
        games = [stack.enter_context(running_game(x_display.name)) for _ in range(2)]
        ids = [daemon.playing(pid=game.pid)["id"] for game in games]
        one, both = (stack.enter_context(Listener(daemon)) for _ in range(2))
        ready = one.identify(events=["pad"], session=ids[0])
        assert [session["id"] for session in ready["sessions"]] == [ids[0]]
        assert {s["id"] for s in both.identify(events=["pad", "state"])["sessions"]} >= set(ids)
        assert {one.next()["session"] for _ in range(60)} == {ids[0]}
        heard = [both.next("pad")["session"] for _ in range(120)]
        assert set(heard) == set(ids)
        one.say("subscribe", session=ids[1], events=["chunk"])
        one.next("chunk")
        later = [one.next() for _ in range(10)]
        assert {(message["type"], message["session"]) for message in later} == {("chunk", ids[1])}
        for session_id in ids:
            daemon.client.delete(f"/api/v1/sessions/{session_id}")
        one.say("subscribe", session=None, events=[])


def test_real_time_chunks_say_what_was_late(daemon: Daemon, game: RunningGame) -> None:
    """In real time a chunk loses its first actions to its own computing time."""
    session = daemon.playing(pid=game.pid, mode="realtime")
    with Listener(daemon) as listener:
        listener.identify(events=["chunk", "pad"])
        chunks = [listener.next("chunk") for _ in range(5)]
        assert all(0 <= chunk["late"] <= 16 for chunk in chunks)
        pad = listener.next("pad", source="agent")
        check_pad(pad["pad"])
        daemon.client.delete(f"/api/v1/sessions/{session['id']}")


# Pictures


def test_pictures_of_a_session(daemon: Daemon, game: RunningGame) -> None:
    """What the dashboard shows of the game, over both ways; frozen games too."""
    session = daemon.playing(pid=game.pid, mode="paused")
    with Listener(daemon) as listener:
        listener.identify(events=[])
        listener.say("frame", session=session["id"], width=160)
        frame = listener.next()
        assert (frame["type"], frame["session"]) == ("frame", session["id"])
        assert (frame["width"], frame["height"]) == (160, 160)
        assert picture_size(base64.b64decode(frame["jpeg"])) == (160, 160)
        listener.say("frame", session=session["id"])
        assert listener.next("frame")["width"] == 320
        listener.say("frame", session="nobody")
        warning = listener.next()
        assert (warning["type"], warning["session"]) == ("warning", "nobody")
        assert warning["message"].startswith("no picture: ")
        assert warning["hint"]
    path = f"/api/v1/sessions/{session['id']}/frame"
    answer = daemon.client.get(path, params={"width": 64})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert answer.headers["Cache-Control"] == "no-store"
    assert picture_size(answer.content) == (64, 64)
    assert picture_size(daemon.client.get(path).content) == (320, 320)
    daemon.client.delete(f"/api/v1/sessions/{session['id']}")
    daemon.wait_for(session["id"], "stopped")
    assert error_of(daemon.client.get(path)) == (409, "not_possible_now")
    assert error_of(daemon.client.get("/api/v1/sessions/none/frame")) == (404, "session_not_found")
    with Listener(daemon) as listener:
        listener.identify(events=[])
        listener.say("frame", session=session["id"])
        assert "has ended" in listener.next("warning")["message"]


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and code."""
    return answer.status_code, answer.json()["error"]["code"]


def test_thumbnails_of_windows(daemon: Daemon, game: RunningGame) -> None:
    """A game is chosen from a list by how it looks."""
    path = f"/api/v1/windows/{game.window.handle}/thumbnail"
    answer = daemon.client.get(path, params={"width": 100})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    assert picture_size(answer.content) == (100, 100)
    for width in ("31", "641", "-1", "x", ""):
        assert error_of(daemon.client.get(path, params={"width": width})) == (
            422, "invalid_request",
        )  # fmt: skip
    for handle, status in (("1", 404), (str(2**63), 404), ("-1", 422), (str(2**64), 422)):
        found = daemon.client.get(f"/api/v1/windows/{handle}/thumbnail")
        assert found.status_code == status, (handle, found.text)


# Close codes


def test_4001_without_identify_and_nobody_else(daemon: Daemon) -> None:
    """A stranger must not stay; the timer for HTTP heads must not end a WebSocket either."""
    with Listener(daemon) as known, Listener(daemon) as silent:
        known.identify(events=[])
        began = time.monotonic()
        assert silent.end() == 4001
        assert time.monotonic() - began > IDENTIFY_S / 2
        time.sleep(3)
        known.say("frame", session="nobody")
        assert known.next()["type"] == "warning", "it is still there"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", 4002),
        ("[]", 4002),
        ("null", 4002),
        (b"{}", 4002),
        ("{}", 4002),
        ('{"type": "dance"}', 4002),
        ('{"type": ["frame"]}', 4002),
        ('{"type": "subscribe", "token": "x"}', 4002),
        ('{"type": "frame", "session": "x", "width": 31}', 4002),
        ('{"type": "frame", "session": "x", "width": 641}', 4002),
        ('{"type": "frame", "session": "x", "width": true}', 4002),
        ('{"type": "frame", "session": "x", "width": 64.5}', 4002),
        ('{"type": "frame"}', 4006),
        ('{"type": "identify"}', 4005),
        ('{"type": "subscribe", "events": ["dance"]}', 4006),
        ('{"type": "subscribe", "events": "state"}', 4006),
        ('{"type": "subscribe", "events": [["state"]]}', 4006),
        ('{"type": "subscribe", "session": 5}', 4006),
        (f'{{"type": "subscribe", "session": "{"x" * 16384}"}}', 1009),
    ],
)
def test_close_codes_of_bad_messages(daemon: Daemon, message: str | bytes, code: int) -> None:
    """A client's author finds his mistake by the code."""
    with Listener(daemon) as listener:
        listener.identify(events=[])
        listener.socket.send(message)
        assert listener.end() == code


def test_4007_too_many_messages(daemon: Daemon) -> None:
    """A page that subscribes in a loop must not use up the daemon."""
    with Listener(daemon) as listener:
        listener.identify(events=[])
        for _ in range(60):
            try:
                listener.say("subscribe")
            except Exception:
                break
        assert listener.end() == 4007


@pytest.mark.parametrize("by", ["message", "header"])
def test_4008_a_revoked_token(daemon: Daemon, by: str) -> None:
    """Revoking that leaves open connections open is no revoking."""
    made = daemon.client.post("/api/v1/tokens", json={"name": "t", "scope": "overlay"}).json()
    secret = made["secret"]
    headers = {"Authorization": f"Bearer {secret}"} if by == "header" else None
    with Listener(daemon, headers) as listener, Listener(daemon) as other:
        listener.identify(secret)
        other.identify(events=[])
        daemon.client.delete(f"/api/v1/tokens/{made['token']['id']}")
        assert listener.end() == 4008
        other.say("frame", session="nobody")
        assert other.next()["type"] == "warning"
    with Listener(daemon) as listener:
        listener.next("hello")
        listener.say("identify", token=secret)
        assert listener.end() == 4003


def test_4009_too_many_clients(daemon: Daemon) -> None:
    """Every client costs a share of every event."""
    with ExitStack() as stack:
        listeners = []
        for _ in range(MAX_CLIENTS):  # each says who it is before the next comes, or gives way
            listeners.append(stack.enter_context(Listener(daemon)))
            listeners[-1].identify(events=[])
        with Listener(daemon) as extra:
            extra.next("hello")
            extra.say("identify", token=daemon.token)
            assert extra.end() == 4009
        listeners.pop().__exit__()

        def room() -> bool:
            with Listener(daemon) as again:
                again.next("hello")
                again.say("identify", token=daemon.token)
                try:
                    return again.next()["type"] == "ready"
                except Exception:
                    return False

        until(room, "one may come where one has left")
        assert daemon.client.get("/api/v1/sessions").status_code == 200


def test_4000_a_mistake_of_ours(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The client learns that it was not its fault, and nothing else."""
    registry = SessionRegistry(EnginePool())

    def fail(*_: object) -> None:
        raise ZeroDivisionError("secret words")

    registry.events.meet = fail  # type: ignore[method-assign]
    access = Access(HostRules("127.0.0.1", 6487), "t" * 43, TokenStore(tmp_path / "tokens.json"))
    answer = ask(
        create_app(registry, access), scope_of("websocket", PATH, {"Host": "127.0.0.1:6487"})
    )
    assert answer.status == 101
    assert answer.sent[-1]["code"] == 4000
    assert "secret" not in str(answer.sent)
    assert "secret words" in caplog.text


def test_1001_when_the_daemon_ends(x_display: PrivateDisplay, tmp_path: Path) -> None:
    """A client that comes back at once after "restarting" would find nobody."""
    daemon = Daemon(
        tmp_path, x_display.name, "--policy", POLICY, "--engine", "torch", warm_start=True
    )
    try:
        with (
            running_game(x_display.name) as game,
            Listener(daemon) as listener,
            Listener(daemon) as stranger,
        ):
            session = daemon.playing(pid=game.pid)
            listener.identify(events=["state"])
            stranger.next("hello")
            daemon.process.send_signal(signal.SIGTERM)
            assert listener.end() == 1001
            assert stranger.end() == 1001
            assert daemon.process.wait(120) == 0
            assert game.pad_is_neutral()
            assert session["id"]
        assert "Traceback" not in daemon.output(), daemon.output()
    finally:
        daemon.client.close()
        daemon.kill()


# Slow clients


def narrow(daemon: Daemon) -> socket.socket:
    """A connection that holds little on its way."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.connect(("127.0.0.1", daemon.port))
    return connection


def test_a_slow_client_is_told_what_it_lost(daemon: Daemon, game: RunningGame) -> None:
    """It must neither slow the play, nor use up memory, nor believe that it saw everything."""
    session = daemon.playing(pid=game.pid, action_hz=240.0, mode="realtime")
    with (
        Listener(daemon) as fast,
        Listener(daemon, sock=narrow(daemon), max_queue=1) as slow,
    ):
        fast.identify(events=["pad", "chunk"])
        slow.identify(events=["pad", "chunk"])
        lost: dict[str, Any] | None = None
        patience = 4.0
        kinds = set()
        while lost is None:
            until_then = time.monotonic() + patience
            while time.monotonic() < until_then:
                kinds.add(fast.next()["type"])
            for _ in range(2000):
                message = slow.next()
                if message["type"] == "lost":
                    lost = message
                    break
            patience = min(patience * 2, 20)
        assert lost["count"] > 0
        assert lost["session"] is None
        behind = slow.next("pad")["time"]
        assert kinds == {"pad", "chunk"}, "the fast one has lost nothing"
        fast.until(lambda message: message["time"] > behind)
    daemon.client.delete(f"/api/v1/sessions/{session['id']}")


def test_the_oldest_messages_are_lost() -> None:
    """The newest are what a dashboard wants; the count must be exact."""
    sent: list[dict[str, Any]] = []

    async def listen() -> None:
        client = Client()
        for number in range(MAX_QUEUE + 40):
            client.put(json.dumps({"type": "pad", "number": number}))
        client.lose(2)

        async def send(text: str) -> None:
            sent.append(json.loads(text))

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.send_all(send), 0.5)

    asyncio.run(listen())
    assert sent[0]["type"] == "lost"
    assert sent[0]["count"] == 42
    assert [message["number"] for message in sent[1:]] == list(range(40, MAX_QUEUE + 40))


def test_a_hanging_loop_loses_the_oldest_too() -> None:
    """The threads that play must be able to go on for ever without the loop."""

    async def listen() -> Client:
        hub, client = Hub(list), Client()
        hub.join(client, Subscription(("warning",)))
        hub.happened(Missed(session="x", count=3))
        for number in range(MAX_BOX + 10):
            hub.happened(Warned(session="x", message=str(number)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        hub.leave(client)
        return client

    client = asyncio.run(listen())
    assert client._lost == 3 + 10 + (MAX_BOX - MAX_QUEUE)
    assert json.loads(client._waiting[-1][0])["message"] == str(MAX_BOX + 9)


def test_nobody_listens_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that nobody hears must cost next to nothing, sixty times a second."""
    hub = Hub(list)
    monkeypatch.setattr(hub, "publish", lambda *_: pytest.fail("a message was made"))
    hub.happened(Warned(session="x", message="y"))
    hub.warn("x", "y")


def test_a_hub_whose_loop_has_ended_is_quiet() -> None:
    """Sessions end after the loop: what they say then goes nowhere, and raises nothing."""
    hub = Hub(list)

    async def join() -> None:
        hub.join(Client(), Subscription())

    asyncio.run(join())
    hub.happened(Warned(session="x", message="too late"))
