"""The policy server as a process: what its clients get, and who becomes one."""

from __future__ import annotations

import json
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from nitropilot import __version__
from nitropilot.engines import Request, load_engine
from nitropilot.policy import load_policy, save_policy
from nitropilot.policy.actions import decode
from nitropilot.policy.observation import observe
from tests.server.policy_server.processes import (
    PlainClient,
    PolicyServer,
    Refused,
    picture,
    plain_client,
    policy_server,
)
from tests.server.processes import PATIENCE_S, command, until
from tests.support import http
from tests.support.places import POLICIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.engines.base import Engine

GAMES = POLICIES / "two_frames_game.pt"
TOKEN = "a-token-of-these-tests-0123456789"
HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicyServer]:
    """A server with a small policy, shared by a module's tests."""
    with policy_server(tmp_path_factory.mktemp("policy")) as server:
        yield server


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicyServer]:
    """A server that asks for a token, and takes two clients."""
    folder = tmp_path_factory.mktemp("guarded")
    variables = {"NITROPILOT_SERVER_TOKEN": TOKEN}
    with policy_server(folder, "--max-clients", "2", **variables) as server:
        yield server


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The same policy here."""
    engine = load_engine("random:tiny", engine="torch", device="cpu")
    yield engine
    engine.close()


@pytest.fixture
def client(server: PolicyServer) -> Iterator[PlainClient]:
    """A client of the shared server."""
    with plain_client(server.address) as client:
        yield client


def test_the_first_message_says_what_is_there(client: PlainClient, engine: Engine) -> None:
    """A client must know what to send without asking a human."""
    metadata = client.metadata
    for name in ("fingerprint", "image_size", "frames", "horizon", "action_dim", "steps"):
        assert metadata[name] == getattr(engine.spec, name)
    assert (metadata["server"], metadata["policy"]) == ("nitropilot", engine.spec.name)
    assert (metadata["random"], metadata["engine"]) == (True, "torch")
    assert metadata["max_batch"] == 8
    assert metadata["ignores"] == ["prompt"]
    assert {"max_message_bytes", "max_pixels", "protocol", "features"} <= metadata.keys()


@pytest.mark.parametrize("key", ["image", "observation/image"])
@pytest.mark.parametrize("size", [(64, 64), (720, 1280), (1, 1), (37, 500)])
def test_a_picture_becomes_a_chunk(
    client: PlainClient, engine: Engine, key: str, size: tuple[int, int]
) -> None:
    """The actions that the engine gives here for the same picture and noise."""
    pixels = picture(1, *size)
    noise = engine.draw_noise(np.random.default_rng(2))
    answer = client.infer(**{key: pixels, "noise": noise, "prompt": "jump over it"})
    here = engine.infer(observe(pixels, engine.spec.image_size), noise)
    np.testing.assert_array_equal(answer["actions"], here.actions)
    read = decode(here.actions)
    np.testing.assert_array_equal(answer["j_left"], read.j_left)
    np.testing.assert_array_equal(answer["j_right"], read.j_right)
    np.testing.assert_array_equal(answer["buttons"], read.buttons)
    assert answer["buttons"].dtype == np.bool_
    timing = answer["server_timing"]
    assert timing["batch"] == 1
    assert timing["infer_ms"] > 0
    assert timing["queue_ms"] >= 0
    assert answer["policy_timing"].keys() == {"preprocess_ms", "vision_ms", "sampler_ms"}


def test_seeds(client: PlainClient, engine: Engine) -> None:
    """The same seed, the same actions; without one, others each time."""
    pixels = picture()
    one, again = (client.infer(image=pixels, seed=7)["actions"] for _ in range(2))
    np.testing.assert_array_equal(one, again)
    noise = engine.draw_noise(np.random.default_rng(7))
    np.testing.assert_array_equal(one, client.infer(image=pixels, noise=noise)["actions"])
    np.testing.assert_array_equal(one, client.infer(image=pixels, seed=np.int64(7))["actions"])
    drawn = [client.infer(image=pixels)["actions"] for _ in range(2)]
    assert not np.array_equal(*drawn)


def test_ready_made_frames_games_and_prefixes(tmp_path: Path) -> None:
    """All that a request to an engine can have."""
    policy = load_policy(GAMES)
    policy.games = {"hop": 1}
    path = tmp_path / "games.safetensors"
    save_policy(policy, path)
    here = load_engine(str(path), engine="torch", device="cpu")
    spec = here.spec
    shots = [picture(seed, 80, 120) for seed in range(spec.frames)]
    frames = np.concatenate([observe(shot, spec.image_size) for shot in shots])
    noise = here.draw_noise(np.random.default_rng(0))

    def same(answer: dict[str, Any], **options: Any) -> None:
        wanted = here.infer_batch([Request(frames, noise, **options)])[0]
        np.testing.assert_array_equal(answer["actions"], wanted.actions)

    with policy_server(tmp_path, policy=str(path)) as server, plain_client(server.address) as far:
        same(far.infer(image=np.stack(shots), noise=noise))
        same(far.infer(images=frames, noise=noise))
        same(far.infer(images=np.rint((frames + 1) * 127.5).astype(np.uint8), noise=noise))
        same(far.infer(image=shots[-1], noise=noise), dropped=1)
        same(far.infer(images=frames[1:], noise=noise), dropped=1)
        same(far.infer(images=frames, noise=noise, dropped=1), dropped=1)
        guided = far.infer(images=frames, noise=noise, game="hop", cfg_scale=2)
        same(guided, game="hop", cfg_scale=2.0)
        with pytest.raises(Refused, match="no game 'hopp'") as refused:
            far.infer(images=frames, game="hopp")
        assert "hop" in refused.value.hint
        actions = np.full((spec.horizon, spec.action_dim), 0.75, np.float32)
        weights = np.zeros(spec.horizon, np.float32)
        weights[:3] = 1
        actions[3:] = np.nan
        joined = far.infer(
            images=frames, noise=noise, prefix_actions=actions, prefix_weights=weights
        )
        np.testing.assert_allclose(joined["actions"][:3], 0.75, atol=1e-5)
        assert np.isfinite(joined["actions"]).all()
        for key, value in (("image", shots * 2), ("images", [*frames, *frames])):
            with pytest.raises(Refused, match=f"{key} has 4 frames"):
                far.infer(**{key: np.stack(value)})


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({}, "invalid_request", "no picture"),
    ({"imag": picture()}, "invalid_request", "no key 'imag'"),
    ({"image": picture(), "state": [0.0]}, "invalid_request", "no key 'state'"),
    ({"image": picture(), "images": picture()}, "invalid_request", "image and images"),
    ({"image": [1, 2]}, "invalid_request", "image is a list"),
    ({"image": "x"}, "invalid_request", "image is a str"),
    ({"image": picture().astype(np.float32)}, "observation_invalid", "image is float32"),
    ({"image": picture()[..., 0]}, "observation_invalid", "image is uint8"),
    ({"image": picture().transpose(2, 0, 1)}, "observation_invalid", "image is uint8"),
    ({"image": picture()[:0]}, "observation_invalid", "image is uint8"),
    ({"image": np.zeros((0, 4, 4, 3), np.uint8)}, "observation_invalid", "image is uint8"),
    ({"image": np.zeros((2, 4, 4, 3), np.uint8)}, "observation_invalid", "2 frames"),
    ({"image": np.zeros((1, 1, 4, 4, 3), np.uint8)}, "observation_invalid", "image is uint8"),
    ({"image": np.zeros((), np.uint8)}, "observation_invalid", "image is uint8"),
    ({"image": np.zeros((3000, 3000, 3), np.uint8)}, "observation_invalid", "3000 x 3000"),
    ({"image": np.zeros((1, 20000, 3), np.uint8)}, "observation_invalid", "20000 x 1"),
    ({"images": picture()}, "observation_invalid", "images is uint8"),
    ({"images": np.zeros((1, 3, 64, 64))}, "observation_invalid", "images is float64"),
    ({"images": np.zeros((1, 3, 32, 32), np.float32)}, "observation_invalid", "images is"),
    ({"images": np.zeros((0, 3, 64, 64), np.float32)}, "observation_invalid", "not all from"),
    ({"images": np.full((1, 3, 64, 64), np.nan, np.float32)}, "observation_invalid", "not all"),
    ({"images": np.full((1, 3, 64, 64), 1e38, np.float32)}, "observation_invalid", "not all"),
    ({"image": picture(), "noise": np.zeros((16, 25))}, "observation_invalid", "noise is float64"),
    ({"image": picture(), "noise": np.zeros((1, 25), np.float32)}, "observation_invalid", "noise"),
    ({"image": picture(), "noise": np.full((16, 25), np.inf, np.float32)}, "observation_invalid",
     "noise is out of bounds"),
    ({"image": picture(), "noise": np.full((16, 25), 1e30, np.float32)}, "observation_invalid",
     "noise is out of bounds"),
    ({"image": picture(), "noise": 1.0}, "invalid_request", "noise is a float"),
    ({"image": picture(), "seed": -1}, "invalid_request", "seed is -1"),
    ({"image": picture(), "seed": 2**64 - 1}, "invalid_request", "seed is"),
    ({"image": picture(), "seed": 1.5}, "invalid_request", "seed is a float"),
    ({"image": picture(), "seed": True}, "invalid_request", "seed is a bool"),
    ({"image": picture(), "seed": 1, "noise": np.zeros((16, 25), np.float32)}, "invalid_request",
     "noise and a seed"),
    ({"image": picture(), "dropped": 1}, "invalid_request", "dropped is 1"),
    ({"image": picture(), "dropped": "1"}, "invalid_request", "dropped is a str"),
    ({"image": picture(), "game": "pong"}, "observation_invalid", "knows no games"),
    ({"image": picture(), "game": 3}, "invalid_request", "game is a int"),
    ({"image": picture(), "prompt": 3}, "invalid_request", "prompt is a int"),
    ({"image": picture(), "cfg_scale": 2}, "observation_invalid", "knows no games"),
    ({"image": picture(), "cfg_scale": float("nan")}, "invalid_request", "cfg_scale is nan"),
    ({"image": picture(), "cfg_scale": 1e9}, "invalid_request", "cfg_scale is 1000000000"),
    ({"image": picture(), "cfg_scale": "2"}, "invalid_request", "cfg_scale is a str"),
    ({"image": picture(), "prefix_weights": np.zeros(16, np.float32)}, "invalid_request", "half"),
    ({"image": picture(), "prefix_actions": np.zeros((16, 25), np.float32),
      "prefix_weights": np.full(16, 2, np.float32)}, "observation_invalid", "from 0 to 1"),
    ({"image": picture(), "prefix_actions": np.zeros((3, 25), np.float32),
      "prefix_weights": np.ones(16, np.float32)}, "observation_invalid", "prefix actions"),
    ({"image": picture(), "prefix_actions": np.full((16, 25), np.nan, np.float32),
      "prefix_weights": np.ones(16, np.float32)}, "observation_invalid", "out of bounds"),
    ({"image": picture(), "prefix_actions": np.zeros(0, np.float32),
      "prefix_weights": np.zeros((), np.float32)}, "observation_invalid", "prefix"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "code", "says"), WRONG, ids=range(len(WRONG)))
def test_wrong_requests(
    client: PlainClient, request_: dict[str, Any], code: str, says: str
) -> None:
    """One text frame in the API's shape, which openpi's client raises; the client stays."""
    with pytest.raises(Refused, match=says) as refused:
        client.infer(**request_)
    assert refused.value.code == code
    assert "Traceback" not in str(refused.value)
    assert client.infer(image=picture())["actions"].shape == (16, 25)


def test_requests_that_are_no_maps(client: PlainClient) -> None:
    """Well-formed, and still nothing that can be computed."""
    for message in (b"\xc0", b"\x90", b"\x01", b"\xa5image"):
        client.connection.send(message)
        with pytest.raises(Refused, match="the request is a"):
            client.receive()


def test_answers_come_in_order_and_only_the_newest_is_computed(client: PlainClient) -> None:
    """A client that pipelines gets one answer a request; old pictures are not worth one."""
    noise = [np.full((16, 25), i / 100, np.float32) for i in range(40)]
    alone = [client.infer(image=picture(), noise=noise[i])["actions"] for i in (0, 39)]
    for one in noise:
        client.send(image=picture(), noise=one)
    answers: list[Any] = []
    for _ in noise:
        try:
            answers.append(client.receive()["actions"])
        except Refused as refused:
            assert refused.code == "superseded"
            answers.append(None)
    np.testing.assert_allclose(answers[-1], alone[1], atol=1e-4)
    computed = [i for i, answer in enumerate(answers) if answer is not None]
    assert len(computed) < 40
    for i in computed:
        others = [np.abs(answers[i] - answers[j]).max() for j in computed if j != i]
        assert all(other > 0 for other in others)


def test_the_health_check(server: PolicyServer, guarded: PolicyServer) -> None:
    """A sign of life for anybody who can connect, and nothing more."""
    for one in (server, guarded):
        url = one.address.replace("ws", "http", 1)
        answer = http.get(f"{url}/healthz")
        assert (answer.status_code, answer.text) == (200, "OK\n")
        assert "server" not in answer.headers
        version = http.get(f"{url}/api/version")
        assert version.json() == {"version": __version__}
        assert http.get(f"{url}/healthz/").status_code == 404
        assert http.get(f"{url}/api/v1/status").status_code == 404
    assert http.get(server.address.replace("ws", "http", 1)).status_code == 426


def test_posts_are_not_taken(server: PolicyServer) -> None:
    """Forms of web pages can post anywhere."""
    url = server.address.replace("ws", "http", 1)
    for path in ("/", "/healthz"):
        try:
            status = http.post(url + path, content=b"x" * 10).status_code
        except httpx.TransportError:
            continue  # cut off is as good
        assert status in (400, 405, 426), path


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Api-Key", "API-KEY"])
def test_the_token_opens(guarded: PolicyServer, scheme: str) -> None:
    """In our way and in openpi's."""
    with plain_client(guarded.address, Authorization=f"{scheme} {TOKEN}") as client:
        assert client.infer(image=picture())["actions"].shape == (16, 25)


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}",
     TOKEN, f"Bearer {TOKEN} {TOKEN}", f"Bearer {TOKEN}, Bearer {TOKEN}", "Bearer \xe9"],
)  # fmt: skip
def test_nothing_else_opens(guarded: PolicyServer, given: str | None) -> None:
    """Without the token nothing is said of the policy."""
    headers = {} if given is None else {"Authorization": given}
    with pytest.raises(InvalidStatus) as failure:
        PlainClient(guarded.address, **headers)
    response = failure.value.response
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.body is not None
    assert json.loads(response.body)["error"]["code"] == "unauthorized"


def handshake(server: PolicyServer, *lines: str, path: str = "/") -> int:
    """The HTTP status of a handshake with exactly these headers."""
    head = [
        f"GET {path} HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", *lines,
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as raw:
        raw.sendall("\r\n".join([*head, "", ""]).encode("latin-1"))
        return int(raw.recv(4096).split()[1])


def test_own_hosts_pass(server: PolicyServer) -> None:
    """The names that people and tools use for this machine."""
    for name in ("127.0.0.1", "localhost", "LocalHost", "[::1]"):
        assert handshake(server, f"Host: {name}:{server.port}") == 101
    assert handshake(server, f"Host: localhost:{server.port}", path="/?x=1") == 101


def test_other_hosts_and_all_pages_are_refused(server: PolicyServer) -> None:
    """DNS rebinding brings a page's own name; a page of whatever site brings its Origin."""
    port = server.port
    for host in (f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1", f"0.0.0.0:{port}",
                 f"127.0.0.1.evil.example:{port}", f"user@127.0.0.1:{port}", ""):  # fmt: skip
        assert handshake(server, f"Host: {host}") == 403, host
    assert handshake(server) == 403
    good = f"Host: 127.0.0.1:{port}"
    assert handshake(server, good, good) == 403
    for origin in ("http://evil.example", "null", "", "https://127.0.0.1:443",
                   f"http://127.0.0.1:{port}"):  # fmt: skip
        assert handshake(server, good, f"Origin: {origin}") == 403, origin
    with plain_client(server.address) as client:
        assert client.infer(image=picture())


def test_a_full_server_says_so(guarded: PolicyServer) -> None:
    """Bounded, and told in the handshake; a place that is free again can be taken."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with plain_client(guarded.address, **headers) as one:
        with plain_client(guarded.address, **headers) as two:
            for _ in range(3):
                with pytest.raises(InvalidStatus) as failure:
                    PlainClient(guarded.address, **headers)
                response = failure.value.response
                assert response.status_code == 429
                assert response.headers["Retry-After"]
            assert one.infer(image=picture())["actions"].shape == (16, 25)
            assert two.infer(image=picture())["actions"].shape == (16, 25)

        def free() -> bool:
            try:
                PlainClient(guarded.address, **headers).close()
            except InvalidStatus:
                return False
            return True

        until(free, "a place is free again")


@pytest.mark.parametrize(
    ("options", "variables", "says"),
    [(("--host", "0.0.0.0"), {}, "can be reached from other machines"),
     (("--host", "192.0.2.1"), {}, "can be reached from other machines"),
     (("--host", "::"), {}, "can be reached from other machines"),
     (("--host", "0.0.0.0"), {"NITROPILOT_SERVER_TOKEN": "short"}, "16 or more"),
     ((), {"NITROPILOT_SERVER_TOKEN": "has a space in it"}, "characters that cannot be sent"),
     (("--host", "example.com"), {"NITROPILOT_SERVER_TOKEN": TOKEN}, "not an IP address"),
     (("--policy", "no-such-file.pt"), {}, "no-such-file.pt"),
     (("--engine", "caffe"), {}, "no engine 'caffe'"),
     (("--steps", "0"), {}, "steps is 0"), (("--steps", "some"), {}, "steps is 'some'"),
     (("--precision", "int3"), {}, "no precision 'int3'"), (("--max-batch", "0"), {}, "max-batch"),
     (("--engine", "remote"), {}, "no policy server is named")],
)  # fmt: skip
def test_starts_that_are_refused(
    tmp_path: Path, options: tuple[str, ...], variables: dict[str, str], says: str
) -> None:
    """In one line, before anything listens."""
    base = ("serve", "--policy-server", "--port", "0", "--policy", "random:tiny")
    done = command(*base, *options, home=tmp_path, **variables)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "listens" not in done.stderr


def test_the_steps_that_it_was_told(tmp_path: Path) -> None:
    """Whoever starts it decides, and clients and the log hear of it."""
    with policy_server(tmp_path, "--steps", "3") as server, plain_client(server.address) as far:
        assert far.metadata["steps"] == 3
        assert "3 Euler steps, asked for" in server.output()


@pytest.mark.skipif(sys.platform == "win32", reason="asks for the interfaces in a Unix way")
def test_beyond_loopback_with_a_token(tmp_path: Path) -> None:
    """Any name of the machine may be its Host there; the token counts, and pages stay out."""
    variables = {"NITROPILOT_SERVER_TOKEN": TOKEN}
    with policy_server(tmp_path, "--host", "0.0.0.0", **variables) as server:
        token = f"Authorization: Bearer {TOKEN}"
        for host in (f"gaming-pc.lan:{server.port}", f"127.0.0.1:{server.port}", "proxy.example"):
            assert handshake(server, f"Host: {host}", token) == 101
            assert handshake(server, f"Host: {host}") == 401
            assert handshake(server, f"Host: {host}", token, f"Origin: http://{host}") == 403
        assert TOKEN not in server.output()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_is_orderly(tmp_path: Path, number: signal.Signals) -> None:
    """Clients are told (1001), the status is 0, and nothing is printed that looks like a fault."""
    with policy_server(tmp_path) as server, plain_client(server.address) as client:
        client.infer(image=picture())
        with plain_client(server.address):
            assert server.end(number) == 0
            with pytest.raises(ConnectionClosed) as closed:
                client.connection.recv(PATIENCE_S)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        assert "Traceback" not in server.output()
        assert "Error" not in server.output()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_the_end_does_not_wait_for_who_does_not_listen(tmp_path: Path) -> None:
    """Clients that hang, in their handshake or after it, must not keep the server from ending."""
    with policy_server(tmp_path) as server:
        place = ("127.0.0.1", server.port)
        with socket.create_connection(place) as early, socket.create_connection(place) as late:
            early.sendall(b"GET / HTTP/1.1\r\n")
            late.sendall(HANDSHAKE.format(host=f"127.0.0.1:{server.port}").encode())
            assert late.recv(12) == b"HTTP/1.1 101"  # and it never answers a close frame
            assert server.end() == 0
            assert "Traceback" not in server.output()
