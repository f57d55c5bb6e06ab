"""Every route says who may use it, and nobody else can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from fastapi.routing import APIRoute

from nitropilot.server.auth import (
    Access,
    Scope,
    ScopedRoute,
    ScopedWebSocketRoute,
    TokenStore,
    allow,
)
from nitropilot.server.auth.guard import PUBLIC
from nitropilot.server.auth.scopes import all_routes, refuse_undeclared
from nitropilot.server.daemon.app import create_app
from nitropilot.server.http.hosts import HostRules
from nitropilot.server.pages.files import PUBLIC_FILES
from nitropilot.server.sessions.pool import EnginePool
from nitropilot.server.sessions.registry import SessionRegistry
from tests.server.http.test_hardening import routes
from tests.support import http

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.server.processes import Daemon

EVERYONE = {Scope.ADMIN, Scope.DECK, Scope.OVERLAY}
BUTTONS = {Scope.ADMIN, Scope.DECK}
WHO: dict[str, set[Scope] | None] = {
    "GET /": None,
    "GET /api/version": None,
    "GET /healthz": None,
    "GET /openapi.json": EVERYONE,
    "GET /metrics": {Scope.ADMIN, Scope.OVERLAY},
    "GET /api/v1/status": EVERYONE,
    "GET /api/v1/engines": EVERYONE,
    "GET /api/v1/sessions": EVERYONE,
    "GET /api/v1/sessions/{session_id}": EVERYONE,
    "GET /api/v1/sessions/{session_id}/frame": EVERYONE,
    "POST /api/v1/sessions/{session_id}/autoplay": BUTTONS,
    "POST /api/v1/sessions/{session_id}/recording": BUTTONS,
    "POST /api/v1/sessions/{session_id}/autoplay/toggle": BUTTONS,
    "POST /api/v1/sessions/{session_id}/pause": BUTTONS,
    "POST /api/v1/sessions/{session_id}/resume": BUTTONS,
    "POST /api/v1/sessions/{session_id}/step": BUTTONS,
    "GET /api/v1/sessions/{session_id}/guard": EVERYONE,
    "GET /api/v1/sessions/{session_id}/takeover": EVERYONE,
    "POST /api/v1/autoplay/toggle": BUTTONS,
    "POST /api/v1/panic": BUTTONS,
    "DELETE /api/v1/sessions/{session_id}": BUTTONS,
    "POST /api/v1/auth/logout": EVERYONE,
}
"""All others are admin's."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The daemon's application, not served."""
    store = TokenStore(tmp_path_factory.mktemp("app") / "tokens.json")
    access = Access(HostRules("127.0.0.1", 6487), "x" * 43, store)
    return create_app(SessionRegistry(EnginePool()), access)


@pytest.fixture(scope="module")
def clients(daemon: Daemon) -> Iterator[dict[Scope, httpx.Client]]:
    """A client with a token for every scope."""
    found = {}
    for scope in Scope:
        made = daemon.client.post("/api/v1/tokens", json={"name": "t", "scope": scope}).json()
        headers = {"Authorization": f"Bearer {made['secret']}"}
        found[scope] = http.Client(base_url=daemon.url, headers=headers, timeout=120)
    yield found
    for client in found.values():
        client.close()


def test_every_route_has_the_scopes_of_the_table(app: FastAPI) -> None:
    """A new route has to be thought about here too; without a line it must be admin's."""
    seen = set()
    for route in all_routes(app.routes):
        if isinstance(route, ScopedWebSocketRoute):
            assert (route.path, route.scopes) == ("/api/v1/events", None)
            continue
        assert isinstance(route, ScopedRoute)
        for method in route.methods:
            name = f"{method} {route.path}"
            seen.add(name)
            wanted = None if route.path in PUBLIC_FILES else WHO.get(name, {Scope.ADMIN})
            assert route.scopes == wanted, name
    assert set(WHO) <= seen
    assert len(seen) >= 16


def test_the_public_paths_are_the_declared_ones(app: FastAPI) -> None:
    """The guard's list and the routes' own words must say the same."""
    declared = {
        route.path
        for route in all_routes(app.routes)
        if isinstance(route, ScopedRoute | ScopedWebSocketRoute) and route.scopes is None
    }
    assert declared == PUBLIC


def test_other_scopes_get_403_on_every_route(
    daemon: Daemon, clients: dict[Scope, httpx.Client]
) -> None:
    """Over real connections, with a body that must not even be looked at."""
    found = routes(daemon)
    assert len(found) >= 14
    described = daemon.client.get("/openapi.json").json()["paths"]
    names = [f"{m.upper()} {path}" for path, methods in described.items() for m in methods]
    assert len(names) == len(found)
    before = daemon.client.get("/api/v1/sessions").json()
    refused = 0
    for name, (method, path) in zip(names, found, strict=True):
        allowed = WHO.get(name, {Scope.ADMIN})
        for scope, client in clients.items():
            if allowed is not None and scope not in allowed:
                answer = client.request(method, path, content=b"{not json")
                assert answer.status_code == 403, (name, scope, answer.text)
                assert answer.json()["error"]["code"] == "forbidden_scope"
                refused += 1
            elif scope is not Scope.ADMIN:
                answer = client.request(method, path)
                assert answer.status_code not in (401, 403), (name, scope, answer.text)
    assert refused >= 15
    assert daemon.client.get("/api/v1/sessions").json() == before


def test_a_wrong_method_is_no_way_round(clients: dict[Scope, httpx.Client]) -> None:
    """A router tries a route of the right path before it sees that the method is wrong."""
    for method in ("PUT", "PATCH", "HEAD", "OPTIONS", "TRACE"):
        for path in ("/api/v1/windows", "/api/v1/tokens", "/api/v1/auth/codes"):
            assert clients[Scope.OVERLAY].request(method, path).status_code in (403, 405)


def test_a_deck_cannot_make_itself_more(clients: dict[Scope, httpx.Client]) -> None:
    """The shortest way up: a new token, or a browser session, which is admin's."""
    deck = clients[Scope.DECK]
    assert deck.post("/api/v1/tokens", json={"name": "x", "scope": "admin"}).status_code == 403
    assert deck.post("/api/v1/auth/codes").status_code == 403
    assert deck.get("/api/v1/tokens").status_code == 403


def test_a_route_that_does_not_say_cannot_be_made() -> None:
    """Forgetting must end in an error at the start, not in an open door."""

    def endpoint() -> None:
        """Says nothing."""

    with pytest.raises(RuntimeError, match="does not say"):
        ScopedRoute("/x", endpoint)
    with pytest.raises(RuntimeError, match="does not say"):
        ScopedWebSocketRoute("/x", endpoint)


def test_a_route_of_another_kind_is_refused() -> None:
    """The framework's own pages and mounts do not check; an app with one must not start."""

    @allow(Scope.DECK)
    def endpoint() -> None:
        """Says, but nobody looks."""

    async def socket(_socket: WebSocket) -> None:
        """Neither."""

    for make in (
        lambda app: app.router.routes.append(APIRoute("/x", endpoint)),
        lambda app: app.mount("/x", FastAPI()),
        lambda app: app.add_api_websocket_route("/x", socket),
    ):
        app: Any = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        refuse_undeclared(app.routes)
        make(app)
        with pytest.raises(RuntimeError, match="does not check"):
            refuse_undeclared(app.routes)
    with pytest.raises(RuntimeError, match="does not check"):
        refuse_undeclared(FastAPI().routes)


def test_the_application_makes_no_file(tmp_path: Path) -> None:
    """Only creating a token writes."""
    access = Access(HostRules("127.0.0.1", 1), "x" * 43, TokenStore(tmp_path / "t" / "tokens.json"))
    assert access.by_header(["Bearer wrong"]) is None
    assert list(tmp_path.iterdir()) == []
