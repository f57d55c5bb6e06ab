"""One browser and one daemon for all of these tests; each test visits with a fresh profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from nitropilot.server.auth import Access, TokenStore
from nitropilot.server.auth.scopes import all_routes
from nitropilot.server.daemon.app import create_app
from nitropilot.server.http.hosts import HostRules
from nitropilot.server.sessions.pool import EnginePool
from nitropilot.server.sessions.registry import SessionRegistry
from tests.browser.visitor import EVENTS, FLAGS, WIDE, Visitor, find_chromium
from tests.server.processes import ENDED, POLICY, Daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from nitropilot.agent.target.display import PrivateDisplay

    Visit = Callable[..., Visitor]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium.  Not for the whole run: Playwright's event loop would be in others' way."""
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def shared_daemon(
    x_display: PrivateDisplay, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """A daemon with a tiny policy that needs no compiling."""
    home = tmp_path_factory.mktemp("pages")
    daemon = Daemon(home, x_display.name, "--policy", POLICY, "--engine", "torch", warm_start=True)
    yield daemon
    daemon.client.close()
    daemon.kill()


@pytest.fixture
def daemon(shared_daemon: Daemon) -> Iterator[Daemon]:
    """The daemon, whose sessions and tokens end with the test."""
    yield shared_daemon
    client = shared_daemon.client
    for session in client.get("/api/v1/sessions").json():
        if session["state"] not in ENDED:
            client.delete(f"/api/v1/sessions/{session['id']}")
            shared_daemon.wait_for(session["id"], *ENDED)
    for token in client.get("/api/v1/tokens").json():
        client.delete(f"/api/v1/tokens/{token['id']}")


@pytest.fixture(scope="package")
def events_there(tmp_path_factory: pytest.TempPathFactory) -> bool:
    """Whether this version's daemon has the WebSocket of docs/events.md."""
    store = TokenStore(tmp_path_factory.mktemp("app") / "tokens.json")
    access = Access(HostRules("127.0.0.1", 6487), "x" * 43, store)
    app = create_app(SessionRegistry(EnginePool()), access)
    return any(getattr(route, "path", "") == EVENTS for route in all_routes(app.routes))


@pytest.fixture
def events(events_there: bool) -> None:
    """For tests of what only events can show."""
    assert events_there, f"this daemon has no {EVENTS}"


@pytest.fixture
def visit(browser: Browser, daemon: Daemon, events_there: bool) -> Iterator[Visit]:
    """Makes visitors; each must leave without a complaint of its console."""
    visitors: list[Visitor] = []

    def come(size: tuple[int, int] = WIDE, scheme: str = "dark") -> Visitor:
        visitors.append(Visitor(browser, daemon, size, scheme))
        visitors[-1].without_events = not events_there
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.close()


@pytest.fixture
def visitor(visit: Visit) -> Visitor:
    """One who has not come in yet."""
    return visit()
