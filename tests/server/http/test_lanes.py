"""Which requests have a way of their own, and that the other ways are bounded and give back."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from nitropilot.server.auth import Access, ScopedRoute, TokenStore
from nitropilot.server.auth.guard import AuthGuard
from nitropilot.server.auth.scopes import all_routes
from nitropilot.server.daemon.app import create_app
from nitropilot.server.errors import Busy
from nitropilot.server.http.hosts import HostRules
from nitropilot.server.http.lanes import Lane, apart, is_urgent
from nitropilot.server.http.limits import Buckets
from nitropilot.server.sessions.pool import EnginePool
from nitropilot.server.sessions.registry import SessionRegistry
from tests.server.http.asgi import ask, scope_of
from tests.server.processes import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

STOPS = {
    "POST /api/v1/panic", "POST /api/v1/autoplay/toggle", "DELETE /api/v1/sessions/{session_id}",
    "POST /api/v1/sessions/{session_id}/pause", "POST /api/v1/sessions/{session_id}/autoplay",
    "POST /api/v1/sessions/{session_id}/autoplay/toggle",
    "PUT /api/v1/sessions/{session_id}/guard", "PUT /api/v1/sessions/{session_id}/takeover",
}  # fmt: skip
TOKEN = "t" * 43


def test_what_stops_an_agent_is_urgent_and_nothing_else(tmp_path: Path) -> None:
    """A route that was renamed would wait behind load without anybody's notice."""
    access = Access(HostRules("127.0.0.1", 6487), TOKEN, TokenStore(tmp_path / "tokens.json"))
    app = create_app(SessionRegistry(EnginePool()), access)
    known = [
        (method, route.path)
        for route in all_routes(app.routes)
        if isinstance(route, ScopedRoute)
        for method in route.methods
    ]
    assert {f"{method} {path}" for method, path in known if is_urgent(method, path)} == STOPS


def test_requests_without_end_leave_a_share_for_a_panic(tmp_path: Path) -> None:
    """A script that asks too often with the user's token must not lock his deck out."""

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    access = Access(
        HostRules("127.0.0.1", 6487), TOKEN, TokenStore(tmp_path / "tokens.json"),
        requests=Buckets(rate=1e-6, burst=2),
    )  # fmt: skip
    guard = AuthGuard(answer, access)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    asked = [ask(guard, scope_of("http", "/api/v1/sessions", headers)).status for _ in range(3)]
    assert asked == [200, 200, 429]
    panic = scope_of("http", "/api/v1/panic", headers, method="POST")
    assert ask(guard, panic).status == 200


def test_a_lane_is_bounded_and_gives_its_places_back() -> None:
    """Also the place of a client that left while it waited, or while its thread worked."""

    async def play() -> None:
        lane, go = Lane("tests", threads=2, waiting=2), threading.Event()
        wait = partial(go.wait, PATIENCE_S)
        tasks = [asyncio.create_task(lane.run(wait)) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="2 requests wait for tests already"):
            await lane.run(wait)
        tasks[0].cancel()
        tasks[2].cancel()
        await asyncio.wait(tasks[:1] + tasks[2:3])
        go.set()
        assert await asyncio.gather(tasks[1], tasks[3]) == [True, True]
        async with asyncio.timeout(PATIENCE_S):
            while lane._free < 2:  # the thread of the client that left ends when it ends
                await asyncio.sleep(0.001)
        assert await asyncio.gather(*(lane.run(lambda: 1) for _ in range(4))) == [1] * 4

    asyncio.run(play())


def test_what_hangs_does_not_hold_up_the_end() -> None:
    """The loop ends though a thread has not, and what a thread raises is raised."""

    async def play() -> None:
        with pytest.raises(ZeroDivisionError):
            await apart(lambda: 1 // 0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await apart(never.wait)

    never = threading.Event()
    asyncio.run(play())
    never.set()
