"""Who may ask the daemon for what: token, Host, Origin and the size of bodies."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from nitropilot.server.daemon.serving import listen, url_name
from nitropilot.server.errors import HostRefused, ServerError
from nitropilot.server.http.hardening import MAX_BODY, loopback_hosts
from tests.support import http

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.server.processes import Daemon

PUBLIC = ("/api/version", "/healthz")
REFUSED = (401, 429)
"""Of wrong tokens only the first few are told so; then there are too many."""


def routes(daemon: Daemon) -> list[tuple[str, str]]:
    """Every method and path that the daemon's own description names."""
    paths: dict[str, dict[str, Any]] = daemon.client.get("/openapi.json").json()["paths"]
    return [
        (method.upper(), re.sub(r"{\w+}", "0", path))
        for path, methods in paths.items()
        for method in methods
    ]


def error_of(answer: httpx.Response) -> dict[str, str]:
    """The error in an answer; fails unless it has the one shape."""
    body = answer.json()
    assert set(body) == {"error"}, body
    assert set(body["error"]) == {"code", "message", "hint"}, body
    error: dict[str, str] = body["error"]
    assert error["code"], body
    assert error["message"], body
    return error


@pytest.mark.parametrize("path", PUBLIC)
def test_only_the_version_is_public(daemon: Daemon, path: str) -> None:
    """A sign of life that tells more than the version would tell any program of it."""
    answer = http.get(daemon.url + path)
    assert answer.status_code == 200
    assert set(answer.json()) == {"version"}


def test_every_other_route_wants_the_token(daemon: Daemon) -> None:
    """A route added without the check would be open to every program on the machine."""
    found = [(method, path) for method, path in routes(daemon) if path not in PUBLIC]
    assert len(found) >= 8
    wrong: tuple[dict[str, str], ...] = (
        {},
        {"Authorization": "Bearer " + "x" * len(daemon.token)},
        {"Authorization": f"Bearer {daemon.token[:-1]}"},
        {"Authorization": f"Bearer {daemon.token} {daemon.token}"},
        {"Authorization": f"Basic {daemon.token}"},
        {"Authorization": daemon.token},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer \xe9\xff"},
    )
    with http.Client(base_url=daemon.url) as client:
        for method, path in found:
            for headers in wrong:
                sent = httpx.Headers(headers, encoding="latin-1")
                answer = client.request(method, path, headers=sent, content=b"{not json")
                assert answer.status_code in REFUSED, (method, path, headers, answer.text)
                assert headers or answer.status_code == 401, "no token is no wrong token"
                if answer.status_code == 401:
                    assert answer.headers["WWW-Authenticate"] == "Bearer"
                    assert error_of(answer)["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/index.html"),
        ("GET", "/api/v1/nothing"), ("GET", "//"), ("GET", "/./"),
        ("PUT", "/api/v1/sessions"), ("GET", "/api/version/"), ("GET", "//healthz"),
        ("GET", "/healthz/../api/v1/status"), ("GET", "/healthz%2f..%2fapi/v1/status"),
    ],
)  # fmt: skip
def test_what_is_not_named_wants_the_token_too(daemon: Daemon, method: str, path: str) -> None:
    """Denied by default: a path that some router would map to a real one is no way round."""
    with socket.create_connection(("127.0.0.1", daemon.port), 30) as raw:
        host = f"127.0.0.1:{daemon.port}"
        raw.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        assert received(raw).startswith(b"HTTP/1.1 401 ")


def test_the_token_opens_and_its_scheme_has_any_case(daemon: Daemon) -> None:
    """HTTP's schemes ignore case; clients write ``bearer`` as well."""
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {daemon.token}"}
        assert http.get(f"{daemon.url}/api/v1/sessions", headers=headers).status_code == 200


def test_unknown_paths_and_methods_have_the_one_error_shape(daemon: Daemon) -> None:
    """A client that parses errors must not meet the framework's own."""
    missing = daemon.client.get("/api/v1/nothing")
    assert (missing.status_code, error_of(missing)["code"]) == (404, "not_found")
    wrong = daemon.client.put("/api/v1/predict")
    assert (wrong.status_code, error_of(wrong)["code"]) == (405, "method_not_allowed")
    assert wrong.headers["Allow"] == "POST"


def test_get_never_acts(daemon: Daemon) -> None:
    """Pages can make a browser GET anything: autoplay and predict must not answer to it."""

    names = "sessions", "tokens", "settings", "jobs"

    def state() -> list[Any]:
        return [daemon.client.get(f"/api/v1/{name}").json() for name in names]

    before = state()
    for method, path in routes(daemon):
        if method != "GET":
            answer = daemon.client.get(path)
            read_too = path in [f"/api/v1/{name}" for name in names]
            assert answer.status_code in (404, 405) or read_too, (path, answer)
    assert state() == before


def bad_hosts(port: int) -> Iterator[str]:
    """Host values of other names, other ports and other spellings."""
    yield f"evil.example:{port}"
    yield f"127.0.0.1.evil.example:{port}"
    yield f"localhost.:{port}"
    yield f"127.0.0.1.:{port}"
    yield "127.0.0.1"
    yield "127.0.0.1:1"
    yield f"0.0.0.0:{port}"
    yield f"127.1:{port}"
    yield f"2130706433:{port}"
    yield f"[::]:{port}"
    yield f"[::ffff:127.0.0.1]:{port}"
    yield f"user@127.0.0.1:{port}"
    yield f"127.0.0.1:{port}, evil.example"


def test_other_hosts_are_refused(daemon: Daemon) -> None:
    """DNS rebinding: a page's own name that now points to 127.0.0.1."""
    for host in bad_hosts(daemon.port):
        for path in ("/api/version", "/api/v1/status"):
            answer = daemon.client.get(path, headers={"Host": host})
            assert answer.status_code == 403, (host, answer.text)
            assert error_of(answer)["code"] == "forbidden_origin"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost", "[::1]"])
def test_own_hosts_pass(daemon: Daemon, name: str) -> None:
    """The names that people and tools really use for this machine."""
    answer = daemon.client.get("/api/v1/sessions", headers={"Host": f"{name}:{daemon.port}"})
    assert answer.status_code == 200


def received(raw: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    while part := raw.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("count", [0, 2])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_missing_or_second_host_is_refused(daemon: Daemon, count: int, version: str) -> None:
    """With two Host headers one part of a server may check the first and trust the second."""
    hosts = f"Host: 127.0.0.1:{daemon.port}\r\n" * count
    token = f"Authorization: Bearer {daemon.token}\r\n"
    request = f"GET /api/v1/status HTTP/{version}\r\n{hosts}{token}Connection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", daemon.port), 30) as raw:
        raw.sendall(request.encode())
        status = int(received(raw).split()[1])
    assert status in (400, 403)


def test_a_second_authorization_is_refused(daemon: Daemon) -> None:
    """As with Host: which of the two counts must not be a matter of luck."""
    pairs = [("Authorization", f"Bearer {daemon.token}"), ("Authorization", "Bearer nothing")]
    assert http.get(f"{daemon.url}/api/v1/sessions", headers=pairs).status_code in REFUSED


@pytest.mark.parametrize(
    "origin",
    [
        "null", "https://evil.example", "http://127.0.0.1", "http://127.0.0.1:1",
        "https://127.0.0.1:PORT", "http://localhost:PORT.evil.example", "http://0.0.0.0:PORT",
        "file://", "",
    ],
)  # fmt: skip
def test_other_origins_are_refused(daemon: Daemon, origin: str) -> None:
    """A page of another site, or of a file, must not act even with a stolen token."""
    headers = {"Origin": origin.replace("PORT", str(daemon.port))}
    answer = daemon.client.post("/api/v1/sessions", headers=headers, json={"launch": "runner"})
    assert answer.status_code == 403
    assert error_of(answer)["code"] == "forbidden_origin"
    assert "access-control-allow-origin" not in answer.headers


def test_own_origins_pass(daemon: Daemon) -> None:
    """The daemon's own pages send their Origin with every POST."""
    for name in ("127.0.0.1", "localhost", "[::1]"):
        headers = {"Origin": f"http://{name}:{daemon.port}"}
        assert daemon.client.get("/api/v1/sessions", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/predict", "/api/v1/sessions"])
@pytest.mark.parametrize("declared", [True, False])
def test_large_bodies_are_refused(daemon: Daemon, path: str, declared: bool) -> None:
    """A body without a declared length must not fill the memory either."""
    block = b"x" * 2**20

    def blocks() -> Iterator[bytes]:
        for _ in range(MAX_BODY // len(block) + 1):
            yield block

    content = b"".join(blocks()) if declared else blocks()
    answer = daemon.client.post(path, content=content)
    assert answer.status_code == 413
    assert error_of(answer)["code"] == "body_too_large"
    assert daemon.client.get("/healthz").status_code == 200


def test_a_declared_large_body_is_not_waited_for(daemon: Daemon) -> None:
    """The answer comes before the body, which a client then need not send."""
    head = (
        f"POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\n"
        f"Authorization: Bearer {daemon.token}\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", daemon.port), 30) as raw:
        raw.sendall(head.encode())
        assert raw.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_the_daemon_listens_on_loopback_only(daemon: Daemon) -> None:
    """A server on every interface would be the whole network's."""
    import psutil

    listening = [
        c.laddr.ip
        for c in psutil.Process(daemon.process.pid).net_connections("inet")
        if c.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


def test_the_token_is_never_printed(daemon: Daemon) -> None:
    """Logs are pasted into bug reports."""
    assert "token is in" in daemon.output()
    assert daemon.token not in daemon.output()


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.0.0.2", "::1", "[::1]", "::ffff:127.0.0.1"]
)
def test_every_loopback_address_answers_to_its_own_name(host: str) -> None:
    """A daemon on 127.0.0.2 that takes 127.0.0.1 only would refuse all its clients."""
    try:
        listener = listen(host, 0)
    except ServerError as error:
        pytest.skip(str(error))
    with listener:
        name = url_name(listener)
        assert name in loopback_hosts(name)
        assert name == str(httpx.URL(f"http://{name}").netloc, "ascii")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "127.1", "localhost.evil", ""])
def test_no_other_address_is_listened_on(host: str) -> None:
    """Names are not looked up: what they mean can change."""
    with pytest.raises(HostRefused):
        listen(host, 0)


def test_port_80_and_other_loopback_addresses_are_our_own() -> None:
    """There, clients send a Host that a fixed list would refuse: nothing would work."""
    assert "localhost" in loopback_hosts("127.0.0.1:80")
    assert "localhost" not in loopback_hosts("127.0.0.1:6487")
    assert "127.0.0.2:6487" in loopback_hosts("127.0.0.2:6487")
    assert "[::1]:6487" in loopback_hosts("[::1]:6487")
