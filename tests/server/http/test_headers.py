"""Every answer carries the headers that keep browsers from helping an attacker."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from nitropilot.server.auth import Access, TokenStore, admin_only
from nitropilot.server.daemon.app import create_app
from nitropilot.server.http.headers import ALWAYS, POLICY
from nitropilot.server.http.hosts import HostRules
from nitropilot.server.sessions.pool import EnginePool
from nitropilot.server.sessions.registry import SessionRegistry
from tests.server.http.asgi import ask, scope_of
from tests.server.http.test_hardening import received
from tests.support import http

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.processes import Daemon


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200), ("GET", "/?code=x", 401), ("GET", "/healthz", 200),
        ("GET", "/api/v1/status", 200), ("GET", "/api/v1/nothing", 404),
        ("PUT", "/api/v1/predict", 405), ("POST", "/api/v1/sessions", 422),
        ("GET", "/openapi.json", 200), ("GET", "/pages/none.js", 404),
        ("POST", "/api/v1/auth/logout", 204),
        ("GET", "/" + "x" * 9000, 414),
    ],
)  # fmt: skip
def test_every_answer_has_them(daemon: Daemon, method: str, path: str, status: int) -> None:
    """Errors as well: a browser shows them, and frames them, like anything else."""
    answer = daemon.client.request(method, path)
    assert answer.status_code == status
    for name, value in ALWAYS.items():
        assert answer.headers.get_list(name) == [value]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Server" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_refusals_have_them(daemon: Daemon) -> None:
    """Those of each guard, and of what is not even HTTP."""
    for headers in ({}, {"Host": "evil.example"}, {"Origin": "null"}):
        answer = http.get(daemon.url + "/api/v1/status", headers=headers)
        assert answer.status_code in (401, 403)
        assert answer.headers["Content-Security-Policy"] == POLICY
    with socket.create_connection(("127.0.0.1", daemon.port), 30) as raw:
        raw.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        answer_bytes = received(raw)
    assert answer_bytes.startswith(b"HTTP/1.1 400 ")
    assert POLICY.encode() in answer_bytes
    assert b'{"error": {"code": "bad_request"' in answer_bytes


def test_a_mistake_of_ours_has_them(tmp_path: Path) -> None:
    """The framework answers those outside of all that is added to it."""
    access = Access(HostRules("127.0.0.1", 6487), "t" * 43, TokenStore(tmp_path / "tokens.json"))
    app = create_app(SessionRegistry(EnginePool()), access)

    @admin_only
    async def wrong() -> None:
        raise ZeroDivisionError("secret detail")

    app.add_api_route("/wrong", wrong)
    headers = {"Host": "127.0.0.1:6487", "Authorization": "Bearer " + "t" * 43}
    sent = []

    async def catching(scope: object, receive: object, send: object) -> None:
        with pytest.raises(ZeroDivisionError):
            await app(scope, receive, send)  # type: ignore[arg-type]
        sent.append(True)

    answer = ask(catching, scope_of("http", "/wrong", headers))
    assert sent == [True]
    assert (answer.status, answer.code) == (500, "unexpected")
    assert answer.headers["content-security-policy"] == POLICY
    assert "secret detail" not in str(answer.sent)


def test_the_policy_allows_own_files_only() -> None:
    """One inline exception, or one star, is what an injected script needs."""
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert set(rules.values()) == {"'none'", "'self'"}
