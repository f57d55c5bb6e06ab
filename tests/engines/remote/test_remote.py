"""The remote engine: the same actions as at home, and no trust in the server."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np
import pytest
from websockets.sync.client import connect

from nitropilot.engines import EngineUnavailable, InferenceFailed, Prefix, Request, load_engine
from nitropilot.engines.errors import ServerGone, WireError
from nitropilot.engines.remote.connect import parse_address
from nitropilot.engines.remote.engine import RemoteEngine
from nitropilot.engines.remote.link import Times
from nitropilot.engines.remote.messages import from_planes, message_of, to_planes
from nitropilot.engines.remote.spec import metadata_of, welcome_from
from nitropilot.engines.remote.wire import Limits, pack, unpack
from nitropilot.policy import load_policy, save_policy
from nitropilot.policy.errors import ObservationError
from nitropilot.policy.observation import observe
from tests.engines.remote.scripted_server import METADATA, ScriptedServer, scripted_server
from tests.server.policy_server.processes import policy_server
from tests.server.processes import PATIENCE_S, until
from tests.support.places import POLICIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.http11 import Request as Handshake
    from websockets.http11 import Response
    from websockets.sync.server import ServerConnection

    from nitropilot.engines.base import Array, Engine

GAMES = str(POLICIES / "two_frames_game.pt")
GOOD = np.full((2, 25), 0.25, np.float32)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    """A policy with two frames and games: behind a server, and here."""
    folder = tmp_path_factory.mktemp("server")
    policy = load_policy(GAMES)
    policy.games = {f"game {row}": row for row in range(policy.sizes.game_rows)}
    path = folder / "games.safetensors"
    save_policy(policy, path)
    with policy_server(folder, policy=str(path)) as server:
        far = load_engine("", server=server.address)
        near = load_engine(str(path), engine="torch", device="cpu")
        yield far, near
        far.close()
        near.close()


def screens(engine: Engine, seed: int = 0) -> Array:
    """What a session would make of the screen, ``F x 3 x S x S``."""
    rng = np.random.default_rng(seed)
    spec = engine.spec
    shots = rng.integers(0, 256, (spec.frames, 90, 160, 3), dtype=np.uint8)
    return np.concatenate([observe(shot, spec.image_size) for shot in shots])


def request_to(engine: Engine, seed: int = 0, **more: Any) -> Request:
    """A request that fits."""
    rng = np.random.default_rng(seed)
    return Request(screens(engine, seed), engine.draw_noise(rng), **more)


def test_the_policy_looks_the_same_from_afar(pair: tuple[Engine, Engine]) -> None:
    """Whoever plays must not see a difference but where it runs."""
    far, near = pair
    assert far.spec == near.spec
    assert far.joins
    assert (far.max_batch, far.info.name) == (1, "remote")
    assert far.info.device.startswith("ws://127.0.0.1:")
    assert far.info.precision == near.info.precision
    assert "the server runs torch on cpu" in far.info.reason
    assert "fastest" not in far.info.reason


def test_same_noise_same_actions(pair: tuple[Engine, Engine]) -> None:
    """Invariant 5, whatever is asked for."""
    far, near = pair
    horizon, dim = near.spec.horizon, near.spec.action_dim
    game = list(near.spec.games)[-1]
    weights = np.linspace(1, 0, horizon, dtype=np.float32)
    actions = np.random.default_rng(5).random((horizon, dim), dtype=np.float32)
    actions[weights == 0] = np.nan  # nobody looks at these
    for seed, more in enumerate(
        (
            {}, {"dropped": 1}, {"game": game}, {"game": game, "cfg_scale": 2.5},
            {"prefix": Prefix(actions, weights)},
        )
    ):  # fmt: skip
        request = request_to(near, seed, **more)
        there, here = far.infer_batch([request])[0], near.infer_batch([request])[0]
        np.testing.assert_array_equal(there.actions, here.actions, err_msg=str(more))
        assert there.actions.flags.writeable
        assert {"queue", "compute", "network"} == there.seconds.keys()
        assert all(part >= 0 for part in there.seconds.values())


def test_frames_of_no_screen_arrive_unchanged(pair: tuple[Engine, Engine]) -> None:
    """Only what eight bits hold exactly may be sent in eight bits."""
    far, near = pair
    request = request_to(near)
    noise = np.random.default_rng(1).uniform(-1, 1, request.observation.shape)
    request = replace(request, observation=noise.astype(np.float32))
    there, here = far.infer_batch([request])[0], near.infer_batch([request])[0]
    np.testing.assert_array_equal(there.actions, here.actions)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"observation": np.zeros((1, 3, 32, 32), np.float32)}, "observation is float32"),
     ({"noise": np.zeros((1, 25), np.float32)}, "noise is float32"),
     ({"noise": np.zeros((18, 25))}, "noise is float64"),
     ({"dropped": 2}, "dropped is 2"), ({"game": "pong"}, "no game 'pong'"),
     ({"cfg_scale": float("nan")}, "cfg_scale is nan")],
)  # fmt: skip
def test_requests_that_do_not_fit(
    pair: tuple[Engine, Engine], change: dict[str, Any], says: str
) -> None:
    """The same errors as at home, and before anything is sent."""
    far, near = pair
    request = replace(request_to(near), **change)
    for engine in (far, near):
        with pytest.raises(ObservationError, match=says):
            engine.infer_batch([request])
    assert far.infer_batch([request_to(near)])
    with pytest.raises(ObservationError, match="2 requests at once"):
        far.infer_batch([request_to(near)] * 2)


def test_what_the_server_refuses_is_said_in_its_words(pair: tuple[Engine, Engine]) -> None:
    """A check that only the server makes; the connection lives on."""
    far, near = pair
    bright = np.full_like(request_to(near).observation, 7)
    with pytest.raises(ObservationError, match=r"refused: images is not all from -1 to 1"):
        far.infer_batch([replace(request_to(near), observation=bright)])
    assert far.infer_batch([request_to(near)])


def test_planes_are_exact() -> None:
    """All 256 values of a byte, by the very steps that ``observe`` takes."""
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    seen = observe(pixels, 16)
    small = to_planes(seen)
    assert small is not None
    np.testing.assert_array_equal(small[0].transpose(1, 2, 0), pixels)
    np.testing.assert_array_equal(from_planes(small), seen)
    for other in (seen + np.float32(1e-6), seen * 2, np.full_like(seen, np.nan)):
        assert to_planes(other) is None


def test_only_frames_that_exist_are_sent() -> None:
    """The rest is zeros on both sides, and bytes on the way."""
    observation = np.zeros((3, 3, 16, 16), np.float32)
    observation[2] = observe(np.full((16, 16, 3), 9, np.uint8), 16)
    request = Request(observation, np.zeros((2, 25), np.float32), dropped=2)
    assert message_of(request, planes=True)["images"].shape == (1, 3, 16, 16)
    assert message_of(request, planes=True)["images"].dtype == np.uint8
    assert message_of(request, planes=False)["images"].dtype == np.float32
    assert message_of(request, planes=True).keys() == {"images", "noise"}


def test_metadata_says_all_of_the_policy(pair: tuple[Engine, Engine]) -> None:
    """What is written is what is read."""
    _, near = pair
    welcome = welcome_from(unpack(pack(metadata_of(near, 8)), Limits(items=1000)))
    assert welcome.spec == near.spec
    assert welcome.features == {"prefix", "planes"}
    plain, near.spec = near.spec, replace(
        near.spec, actions=3, trained_on=("runner", "road"),
        action_shift=3, frame_spacing=18, action_hz=30.0,
    )  # fmt: skip
    told = metadata_of(near, 8)
    assert welcome_from(unpack(pack(told), Limits(items=1000))).spec == near.spec
    lately = ("actions", "trained_on", "action_shift", "frame_spacing", "action_hz")
    older = {key: value for key, value in told.items() if key not in lately}
    rows = tuple(name for name, row in plain.games.items() if row)
    assert welcome_from(older).spec == replace(
        plain, actions=None, trained_on=rows or None,
        action_shift=1, frame_spacing=1, action_hz=None,
    )  # fmt: skip
    near.spec = plain
    near.joins = False
    assert "prefix" not in metadata_of(near, 8)["features"]
    near.joins = True


@pytest.mark.parametrize(
    ("change", "says"),
    [({"image_size": ...}, "says nothing of image_size"), ({"protocol": ...}, "of protocol"),
     ({"protocol": 2}, "protocol '2'"), ({"protocol": np.zeros(3)}, "protocol"),
     ({"protocol": True}, "protocol"),
     ({"image_size": 0}, "image_size is 0"), ({"image_size": 10**9}, "image_size is 1000000000"),
     ({"image_size": 64.0}, "image_size is 64.0"), ({"image_size": True}, "image_size is True"),
     ({"image_size": "x" * 999}, "image_size is xxx"),
     ({"image_size": 2048, "frames": 64}, "are too large"),
     ({"horizon": 10**7}, "horizon"), ({"horizon": -1}, "horizon"), ({"action_dim": 0}, "action"),
     ({"action_dim": 24}, "action_dim is 24"),
     ({"frames": None}, "frames"), ({"game_rows": -1}, "game_rows"),
     ({"policy": "a\x1b[2Jb"}, "policy is not a short text"), ({"policy": 3}, "policy"),
     ({"policy": "x" * 201}, "policy"), ({"random": 1}, "random is 1"),
     ({"games": [1]}, "no map"), ({"games": {"a": 0}}, "row 0 of 0"),
     ({"games": {"a": 2}, "game_rows": 2}, "row 2 of 2"),
     ({"games": {"a": True}, "game_rows": 2}, "row True"),
     ({"games": {"\x07": 1}, "game_rows": 2}, "game's name"),
     ({"action_shift": -1}, "action_shift is -1"), ({"action_shift": 1.5}, "action_shift is 1.5"),
     ({"action_shift": 10_001}, "action_shift is 10001"),
     ({"frame_spacing": "18"}, "frame_spacing is 18"), ({"frame_spacing": True}, "is True"),
     ({"action_hz": 0}, "action_hz is 0"), ({"action_hz": float("nan")}, "action_hz is nan"),
     ({"action_hz": "60"}, "action_hz is 60"), ({"action_hz": 1e9}, "action_hz is 1000000000"),
     ({"actions": 0}, "actions is 0"), ({"actions": 10**6}, "actions is 1000000"),
     ({"trained_on": "runner"}, "trained_on is no list"), ({"trained_on": ["\x07"]}, "game's name"),
     ({"features": "prefix"}, "features are no list"), ({"engine": ["x"]}, "engine")],
)  # fmt: skip
def test_servers_that_lie_about_themselves(change: dict[str, Any], says: str) -> None:
    """The sizes decide what is allocated and sent; a name is shown on a terminal."""
    metadata = {k: v for k, v in (METADATA | change).items() if v is not ...}
    with pytest.raises(WireError, match=says) as failure:
        welcome_from(metadata)
    assert len(failure.value.line()) < 400
    assert failure.value.line().isprintable()


@pytest.mark.parametrize(
    ("first", "says"),
    [("Traceback: boom", "first message is a text"), (b"\xc1", "no msgpack"),
     (pack([1, 2]), "a list, not a map"),
     (pack({"action_horizon": 50, "config": "pi0"}), "no NitroPilot policy server"),
     (b"\x00" * (5 * 2**20), "1009")],
    ids=["text", "garbage", "list", "an openpi server", "huge"],
)  # fmt: skip
def test_other_servers(first: bytes | str, says: str) -> None:
    """One line that says what is there, and no thread left behind."""
    before = threading.active_count()
    with scripted_server(first) as server, pytest.raises(EngineUnavailable) as failure:
        RemoteEngine(server.address)
    assert says in failure.value.line()
    until(lambda: threading.active_count() <= before, "all threads have ended")


def test_a_server_without_our_features_cannot_join() -> None:
    """Chunks are cross-faded then; a prefix must not be dropped in silence."""
    with scripted_server({"features": []}, lambda *_: pack({"actions": GOOD})) as server:
        engine = RemoteEngine(server.address)
        assert not engine.joins
        request = request_to(engine)
        assert engine.infer_batch([request])[0].seconds.keys() == {"remote"}
        assert server.requests[0]["images"].dtype == np.float32
        prefix = Prefix(GOOD, np.ones(2, np.float32))
        with pytest.raises(ObservationError, match="cannot join"):
            engine.infer_batch([replace(request, prefix=prefix)])
        engine.close()


BAD = GOOD.copy()
BAD[1, 7] = np.inf


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [(b"\xc1", InferenceFailed, "cannot be read"), (pack([1]), InferenceFailed, "no actions"),
     (pack({"action": GOOD}), InferenceFailed, "no actions"),
     (pack({"actions": [[0.0] * 25] * 2}), InferenceFailed, "no actions"),
     (pack({"actions": GOOD[:1]}), InferenceFailed, r"\(1, 25\)"),
     (pack({"actions": GOOD.T}), InferenceFailed, r"\(25, 2\)"),
     (pack({"actions": GOOD.astype(np.float64)}), InferenceFailed, "float64"),
     (pack({"actions": BAD}), InferenceFailed, "not all finite"),
     (pack({"actions": GOOD, "x": [[[[[[[[]]]]]]]]}), InferenceFailed, "nested"),
     (bytes(msgpack.packb({"actions": {b"__ndarray__": True, b"data": b"x", b"dtype": "|O",
                                       b"shape": [1]}})), InferenceFailed, "type"),
     (b"\x00" * (5 * 2**20), InferenceFailed, "1009"),
     ("Traceback (most recent call last):\n  File x\nValueError: \x1b[2Jbad", InferenceFailed,
      r"failed: ValueError:  \[2Jbad"),
     ("", InferenceFailed, "failed: nothing"), ("[1]", InferenceFailed, "failed"),
     ("[" * 100_000, InferenceFailed, "failed"),
     (json.dumps({"error": {"code": "observation_invalid", "message": "no"}}), ObservationError,
      "refused: no"),
     (json.dumps({"error": {"code": "out_of_memory", "message": "full"}}), InferenceFailed,
      "failed: full"),
     (json.dumps({"error": {"code": "shutting_down", "message": "bye"}}), ServerGone, "bye")],
    ids=range(18),
)  # fmt: skip
def test_answers_that_are_none(answer: bytes | str, error: type[Exception], says: str) -> None:
    """What a server says is checked before a stick moves by it."""
    with scripted_server(None, lambda *_: answer) as server:
        engine = RemoteEngine(server.address)
        with pytest.raises(error, match=says) as failure:
            engine.infer_batch([request_to(engine)])
        assert len(str(failure.value)) < 500
        engine.close()


@pytest.mark.parametrize(
    "timing",
    [{"infer_ms": -5, "queue_ms": float("nan")}, {"infer_ms": 1e300, "queue_ms": 1}, [1], None,
     {"infer_ms": "5"}, {"infer_ms": np.ones(3)}],
    ids=str,
)  # fmt: skip
def test_timings_that_cannot_be(timing: Any) -> None:
    """Figures of a stranger must not end up in the statistics as they are."""
    with scripted_server(None, lambda *_: pack({"actions": GOOD, "server_timing": timing})) as far:
        engine = RemoteEngine(far.address)
        chunk = engine.infer_batch([request_to(engine)])[0]
        assert 0 < chunk.total_seconds < PATIENCE_S
        engine.close()


def patient(server: ScriptedServer | str, **times: float) -> RemoteEngine:
    """An engine on this server, with other times to wait."""
    address = server if isinstance(server, str) else server.address
    return RemoteEngine(address, times=Times(**times))


def asked_until_back(engine: Engine) -> None:
    """Ask as a play loop does until there is an answer."""

    def answered() -> bool:
        try:
            engine.infer_batch([request_to(engine)])
        except ServerGone:
            return False
        return True

    until(answered, "the server is back")


def test_a_server_that_goes_and_comes_back() -> None:
    """The game stands still while the engine is asked: it has to say at once that it is alone."""
    with scripted_server(None, lambda *_: pack({"actions": GOOD})) as server:
        engine = patient(server)
        assert engine.infer_batch([request_to(engine)])
    said = set()
    for _ in range(30):
        began = time.perf_counter()
        with pytest.raises(ServerGone) as failure:
            engine.infer_batch([request_to(engine)])
        assert time.perf_counter() - began < 5.0
        said.add(str(failure.value))
        time.sleep(0.02)
    assert len(said) <= 3, "what is said must not change with every look"
    with scripted_server(None, lambda *_: pack({"actions": GOOD}), port=server.port) as again:
        asked_until_back(engine)
        assert again.requests
    engine.close()


def test_tries_become_rarer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty players must not hammer a server that is just starting."""
    tried = []

    def busy(connection: ServerConnection, _request: Handshake) -> Response | None:
        tried.append(time.monotonic())
        return connection.respond(503, "busy\n") if len(tried) > 1 else None

    monkeypatch.setattr("nitropilot.engines.remote.link.FIRST_PAUSE_S", 0.2)
    with scripted_server(None, lambda c, _: c.close(1001), check=busy) as server:
        engine = patient(server)
        while len(tried) < 6:
            with pytest.raises(ServerGone):
                engine.infer_batch([request_to(engine)])
            time.sleep(0.01)
        engine.close()
    gaps = np.diff(tried[1:])
    for number, gap in enumerate(gaps):  # each pause at least half of 0.2 s, doubled every time
        assert gap >= 0.1 * 2**number
    assert tried[-1] - tried[1] < PATIENCE_S


def test_patience_ends() -> None:
    """A session that waits for ever looks like one that hangs."""
    with scripted_server() as server:
        engine = patient(server, patience_s=0.5)
    with pytest.raises(InferenceFailed, match=r"is gone: .* \(for 0.5 s\)") as failure:
        for _ in range(10_000):
            try:
                engine.infer_batch([request_to(engine)])
            except ServerGone:
                time.sleep(0.02)
    assert "NITROPILOT_SERVER_PATIENCE" in failure.value.hint
    engine.close()


def test_patience_is_not_lost_while_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A player who pauses over lunch must find a server that came back meanwhile."""
    with scripted_server() as server:
        engine = patient(server, patience_s=5.0)
    now = time.monotonic()
    for hours in range(4):
        monkeypatch.setattr(
            "nitropilot.engines.remote.link.time.monotonic", lambda h=hours: now + 3600 * h
        )
        with pytest.raises(ServerGone):
            engine.infer_batch([request_to(engine)])
    monkeypatch.undo()
    engine.close()


def test_no_answer_is_no_server() -> None:
    """An engine that hangs far away must not freeze a game here for ever."""
    with scripted_server() as server:  # reads requests and never answers
        engine = patient(server, answer_s=0.3)
        with pytest.raises(ServerGone, match=r"no answer for 0.3 s"):
            engine.infer_batch([request_to(engine)])
        assert len(server.requests) == 1
        server.script = lambda *_: pack({"actions": GOOD})
        asked_until_back(engine)
        assert len(server.handshakes) == 2, "a late answer must not be taken for the next one"
        engine.close()


@pytest.mark.parametrize(
    ("code", "error"),
    [(1001, ServerGone), (1011, ServerGone), (1013, ServerGone), (1008, InferenceFailed),
     (1007, InferenceFailed), (1009, InferenceFailed)],
)  # fmt: skip
def test_close_codes(code: int, error: type[Exception]) -> None:
    """Who is turned out for what he sent would be turned out again."""
    with scripted_server(None, lambda c, _: c.close(code, "because")) as server:
        engine = patient(server)
        with pytest.raises(error, match=f"closed with {code}, because"):
            engine.infer_batch([request_to(engine)])
        engine.close()


def test_another_policy_in_its_place() -> None:
    """A session that says it plays A must not go on with B (invariant 4)."""
    with scripted_server() as server:
        engine = patient(server)
    with scripted_server({"policy": "other"}, port=server.port):
        with pytest.raises(EngineUnavailable, match="came back with another policy, other in"):
            asked_until_back(engine)
        with pytest.raises(EngineUnavailable):
            engine.infer_batch([request_to(engine)])
    engine.close()


@pytest.mark.parametrize(
    ("status", "token", "says"),
    [(401, "", "asks for a token"), (401, "wrong", "does not know this token"),
     (403, "", "HTTP 403"), (404, "", "HTTP 404"), (426, "", "HTTP 426"),
     (429, "", "takes no more clients"), (503, "", "takes no more clients")],
)  # fmt: skip
def test_handshakes_that_are_refused(status: int, token: str, says: str) -> None:
    """Each in one line with the fix."""

    def refuse(connection: ServerConnection, _request: Handshake) -> Response:
        return connection.respond(status, "no\n")

    with scripted_server(None, check=refuse) as server:
        with pytest.raises(EngineUnavailable, match=says) as failure:
            RemoteEngine(server.address, token)
        assert failure.value.hint
        sent = server.handshakes[0].get("Authorization")
    assert sent == (f"Bearer {token}" if token else None)


def test_nobody_there() -> None:
    """The first thing that everybody gets wrong is the address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with pytest.raises(EngineUnavailable, match="no policy server answers at") as failure:
        RemoteEngine(f"ws://127.0.0.1:{port}")
    assert "serve --policy-server" in failure.value.hint
    assert "\n" not in failure.value.line()
    with pytest.raises(EngineUnavailable, match="no policy server answers"):
        RemoteEngine(f"ws://{'a' * 70}.invalid:1")


def test_something_else_there() -> None:
    """A port that speaks no WebSocket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(EngineUnavailable, match="no policy server answers"):
            RemoteEngine(f"ws://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()


@pytest.mark.parametrize(
    "text",
    ["", "127.0.0.1:6487", "http://127.0.0.1", "ws://", "ws://:6487", "ws://host:0",
     "ws://host:99999", "ws://host:x", "ws://user:pass@host", "ws://host/#part", "ws://ho st",
     "ws://host\r\nX: y", "ws://h\xf6st", "ws://[::1", "wss:/host"],
)  # fmt: skip
def test_addresses_that_are_none(text: str) -> None:
    """Before anything is connected, in one line with an example."""
    with pytest.raises(EngineUnavailable) as failure:
        parse_address(text)
    assert failure.value.hint
    assert failure.value.line().isprintable()


@pytest.mark.parametrize(
    ("text", "shown", "loopback"),
    [("ws://127.0.0.1:6487", "ws://127.0.0.1:6487", True), ("ws://[::1]:1/", "ws://[::1]:1", True),
     ("ws://localhost:6487", "ws://localhost:6487", True), ("WS://host", "WS://host", False),
     ("wss://play.example/nitro?key=secret", "wss://play.example/nitro", False),
     ("ws://192.168.1.5:6487", "ws://192.168.1.5:6487", False)],
)  # fmt: skip
def test_addresses(text: str, shown: str, loopback: bool) -> None:
    """What may be in a query is not for logs."""
    address = parse_address(text)
    assert (str(address), address.is_loopback) == (shown, loopback)


def test_closing() -> None:
    """The thread and the connection go; asking is refused; closing twice is fine."""
    before = threading.active_count()
    with scripted_server() as server:
        engine = patient(server)
        failures: list[Exception] = []

        def ask() -> None:
            try:
                engine.infer_batch([request_to(engine)])
            except Exception as error:
                failures.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: server.requests, "the request arrived")
        engine.close()
        asking.join(PATIENCE_S)
        assert isinstance(failures[0], InferenceFailed | ServerGone), failures
        engine.close()
        with pytest.raises(InferenceFailed, match="closed"):
            engine.infer_batch([request_to(engine)])
    until(lambda: threading.active_count() <= before, "all threads have ended")


def test_choosing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not go together is said before anything is connected."""
    with pytest.raises(EngineUnavailable, match="no policy server is named") as failure:
        load_engine("", engine="remote")
    assert "--server" in failure.value.hint
    with pytest.raises(EngineUnavailable, match="the server has its own"):
        load_engine("random:tiny", server="ws://127.0.0.1:1")
    with pytest.raises(EngineUnavailable, match="characters that cannot be sent"):
        load_engine("", server="ws://127.0.0.1:1", token="a\nb")
    for variable in ("NITROPILOT_SERVER_TIMEOUT", "NITROPILOT_SERVER_PATIENCE"):
        for value in ("soon", "0", "-1", "nan", "inf"):
            monkeypatch.setenv(variable, value)
            with pytest.raises(EngineUnavailable, match=variable):
                load_engine("", server="ws://127.0.0.1:1")
        monkeypatch.delenv(variable)


def test_the_scripted_server_is_a_server() -> None:
    """The tests above would all pass against nothing if it did not work."""
    with scripted_server(None, lambda *_: pack({"actions": GOOD})) as server:
        with connect(server.address, proxy=None) as client:
            assert unpack(client.recv())["policy"] == "scripted"
            client.send(pack({"x": 1}))
            np.testing.assert_array_equal(unpack(client.recv())["actions"], GOOD)
        assert server.requests == [{"x": 1}]
