"""The guard on WebSockets that need a token at the handshake, at ASGI level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import WebSocket

from nitropilot.server.auth import Access, Identity, Scope, ScopedWebSocketRoute, TokenStore, allow
from nitropilot.server.auth.identity import identity_of
from nitropilot.server.daemon.app import create_app
from nitropilot.server.http.headers import POLICY
from nitropilot.server.http.hosts import HostRules
from nitropilot.server.sessions.pool import EnginePool
from nitropilot.server.sessions.registry import SessionRegistry
from tests.server.http.asgi import Answer, ask, scope_of

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1:6487"
OWN = f"http://{HOST}"
TOKEN = "t" * 43


@allow(Scope.OVERLAY)
async def events(socket: WebSocket) -> None:
    """A WebSocket that takes everybody whom the guard lets through."""
    await socket.accept()
    await socket.close()


@pytest.fixture
def access(tmp_path: Path) -> Access:
    """Who may come in."""
    rules = HostRules("127.0.0.1", 6487)
    return Access(rules, TOKEN, TokenStore(tmp_path / "tokens.json"))


@pytest.fixture
def app(access: Access) -> Any:
    """The daemon's application with one WebSocket."""
    app = create_app(SessionRegistry(EnginePool()), access)
    app.router.routes.append(ScopedWebSocketRoute("/api/v1/listen", events))
    return app


def shake(app: Any, headers: dict[str, str], **more: Any) -> Answer:
    """A handshake."""
    return ask(app, scope_of("websocket", "/api/v1/listen", {"Host": HOST} | headers, **more))


def bearer(secret: str) -> dict[str, str]:
    """The header with a token."""
    return {"Authorization": f"Bearer {secret}"}


def cookie(access: Access) -> dict[str, str]:
    """The header with a session's cookie."""
    return {"Cookie": f"{access.cookie}={access.sessions.open(Scope.ADMIN)}"}


def test_nothing_opens_nothing(app: Any) -> None:
    """A handshake is a GET: without the check it would be open to every page."""
    answer = shake(app, {})
    assert (answer.status, answer.code) == (401, "unauthorized")
    assert shake(app, bearer("wrong")).status == 401


def test_a_program_needs_its_token_only(app: Any, access: Access) -> None:
    """Programs send no Origin."""
    assert shake(app, bearer(TOKEN)).status == 101
    assert shake(app, bearer(access.tokens.create("o", Scope.OVERLAY)[1])).status == 101


def test_other_scopes_are_refused(app: Any, access: Access) -> None:
    """The route here is the overlay's."""
    answer = shake(app, bearer(access.tokens.create("d", Scope.DECK)[1]))
    assert (answer.status, answer.code) == (403, "forbidden_scope")


def test_a_browser_needs_its_cookie_and_our_origin(app: Any, access: Access) -> None:
    """Cross-site WebSocket hijacking: browsers send cookies with it, and no preflight."""
    good = cookie(access)
    assert shake(app, good | {"Origin": OWN}).status == 101
    for origin in ("https://evil.example", "null", "", f"https://{HOST}", "http://127.0.0.1:6488"):
        answer = shake(app, good | {"Origin": origin})
        assert (answer.status, answer.code) == (403, "forbidden_origin")
    assert shake(app, good).status == 403
    assert shake(app, good | {"Origin": OWN, "Sec-Fetch-Site": "same-site"}).status == 401


def test_a_foreign_origin_is_refused_with_a_token_too(app: Any) -> None:
    """A page that got hold of a token is still another site's."""
    assert shake(app, bearer(TOKEN) | {"Origin": "https://evil.example"}).status == 403


def test_a_rebound_name_is_refused(app: Any) -> None:
    """As with HTTP: the Host is the page's own name."""
    headers = bearer(TOKEN) | {"Host": "evil.example:6487", "Origin": "http://evil.example:6487"}
    assert shake(app, headers).status == 403


def test_a_server_that_cannot_answer_closes(app: Any) -> None:
    """Without the extension a close before accept is what becomes HTTP 403."""
    answer = shake(app, {}, extensions={})
    assert answer.sent == [{"type": "websocket.close", "code": 1008}]


def test_a_refusal_has_the_headers(app: Any) -> None:
    """It is an HTTP answer, which somebody can open in a browser."""
    assert shake(app, {}).headers["content-security-policy"] == POLICY


def test_an_open_connection_learns_that_it_is_over(app: Any, access: Access) -> None:
    """``identity.valid`` is what it asks: revoked, logged out, or still good."""
    record, secret = access.tokens.create("o", Scope.OVERLAY)

    def identity(headers: dict[str, str]) -> Identity:
        found = identity_of(shake(app, headers).scope)
        assert found is not None
        return found

    by_token, by_file = identity(bearer(secret)), identity(bearer(TOKEN))
    by_cookie = identity(cookie(access) | {"Origin": OWN})
    assert (by_token.kind, by_token.scope, by_token.token_id) == ("token", "overlay", record.id)
    assert (by_file.kind, by_file.scope, by_file.token_id) == ("file", "admin", None)
    assert (by_cookie.kind, by_cookie.scope) == ("browser", "admin")
    assert by_token.valid()
    assert by_cookie.valid()
    TokenStore(access.tokens.path).revoke(record.id)
    access.sessions.close(by_cookie)
    assert not by_token.valid()
    assert not by_cookie.valid()
    assert by_file.valid()


def test_an_identity_shows_no_secret(app: Any, access: Access) -> None:
    """Somebody will log one."""
    secret = access.tokens.create("o", Scope.OVERLAY)[1]
    cookies = cookie(access)
    value = cookies["Cookie"].partition("=")[2]
    for headers, hidden in ((bearer(secret), secret), (cookies | {"Origin": OWN}, value)):
        assert hidden not in repr(identity_of(shake(app, headers).scope))
    assert TOKEN not in repr(access)
