"""From a one-time code to a cookie, and what a cookie is good for."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

import httpx
import pytest

from nitropilot.server.auth import BrowserSessions, Codes, Scope
from nitropilot.server.auth import browser as browser_module
from tests.server.processes import Daemon, command
from tests.support import http

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def browser(daemon: Daemon) -> Iterator[httpx.Client]:
    """A client that has come in by a link, as a browser."""
    url = daemon.client.post("/api/v1/auth/codes").json()["url"]
    with http.Client(base_url=daemon.url, timeout=120) as client:
        assert client.get(url).status_code == 303
        assert len(client.cookies) == 1
        yield client


def origin(daemon: Daemon) -> dict[str, str]:
    """What a page of the daemon's sends."""
    return {"Origin": daemon.url}


def test_a_code_works_once_and_not_for_long() -> None:
    """It stands in a terminal, and in the browser's history."""
    clock = Clock()
    codes = Codes(clock)
    first, second = codes.issue(), codes.issue()
    assert first != second
    assert codes.redeem(first)
    assert not codes.redeem(first)
    clock.now += browser_module.CODE_LIFETIME_S
    assert not codes.redeem(second)
    assert not codes.redeem("")
    assert not codes.redeem("\ud800")


def test_codes_are_few() -> None:
    """A script that asks for links must not fill the memory; the newest work."""
    codes = Codes()
    made = [codes.issue() for _ in range(browser_module.MAX_CODES + 3)]
    assert [codes.redeem(code) for code in made[:3]] == [False] * 3
    assert all(codes.redeem(code) for code in made[3:])


def test_a_session_ends_with_its_time_its_logout_and_its_token() -> None:
    """Each end must reach a WebSocket that is open: it asks ``valid``."""
    clock, token = Clock(), [True]
    sessions = BrowserSessions(clock)
    by_time, by_logout = sessions.open(Scope.ADMIN), sessions.open(Scope.ADMIN)
    by_token = sessions.open(Scope.OVERLAY, "t1", lambda: token[0])
    found = {name: sessions.find(name) for name in (by_time, by_logout, by_token)}
    assert all(identity and identity.valid() for identity in found.values())
    assert found[by_token].scope is Scope.OVERLAY  # type: ignore[union-attr]
    sessions.close(found[by_logout])  # type: ignore[arg-type]
    token[0] = False
    assert not found[by_logout].valid()  # type: ignore[union-attr]
    assert not found[by_token].valid()  # type: ignore[union-attr]
    assert sessions.find(by_logout) is sessions.find(by_token) is None
    assert sessions.find(by_time)
    clock.now += browser_module.SESSION_LIFETIME_S
    assert not found[by_time].valid()  # type: ignore[union-attr]
    assert sessions.find(by_time) is None


def test_sessions_are_few_and_the_longest_unused_goes() -> None:
    """Not the oldest: that may be the dashboard that is open all day."""
    sessions = BrowserSessions()
    kept, lost = sessions.open(Scope.ADMIN), sessions.open(Scope.ADMIN)
    for _ in range(browser_module.MAX_SESSIONS - 1):
        assert sessions.find(kept)
        sessions.open(Scope.ADMIN)
    assert sessions.find(kept)
    assert sessions.find(lost) is None


def test_the_printed_link_opens_a_session_once(x_display: object, tmp_path: Path) -> None:
    """The first start, as a user sees it: click, and the address bar holds no secret."""
    daemon = Daemon(tmp_path, None, warm_start=True)
    try:
        (link,) = re.findall(r"http://\S+/\?code=\S+", daemon.output())
        answer = http.get(link)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        assert answer.headers["Cache-Control"] == "no-store"
        (cookie,) = SimpleCookie(answer.headers["Set-Cookie"]).values()
        assert cookie.key == f"nitropilot-{daemon.port}"
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert cookie["path"] == "/"
        assert not cookie["secure"]
        assert not cookie["domain"]
        assert 0 < int(cookie["max-age"]) <= browser_module.SESSION_LIFETIME_S
        again = http.get(link)
        assert again.status_code == 401
        assert "set-cookie" not in again.headers
        assert "nitropilot url" in again.text
        fresh = command("url", home=tmp_path)
        assert fresh.returncode == 0, fresh.stderr
        assert http.get(fresh.stdout.strip()).status_code == 303
    finally:
        daemon.client.close()
        daemon.kill()
    done = command("url", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "nitropilot serve" in done.stderr


def test_a_killed_daemons_port_is_not_sent_the_token(tmp_path: Path) -> None:
    """Another user's program may have it by then, and would be glad of the token."""
    import socket

    from nitropilot.server.store.private import write_private

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        other.settimeout(0.1)
        port = other.getsockname()[1]
        assert command("token", home=tmp_path).returncode == 0
        write_private(
            tmp_path / "config" / "daemon.json",
            f'{{"url": "http://127.0.0.1:{port}", "pid": 1, "fingerprint": ""}}',
        )
        done = command("url", home=tmp_path)
        assert done.returncode == 2
        assert "no daemon" in done.stderr
        with pytest.raises(TimeoutError):
            other.accept()


def test_the_page_needs_nothing_and_tells_nothing(daemon: Daemon) -> None:
    """Anyone who can connect sees it; it must work under its own policy, without scripts."""
    answer = http.get(daemon.url + "/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "/api/v1" in answer.text
    assert not re.search(r"<script|<style|style=|\son\w+=|src=", answer.text)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("query", ["code=", "code=wrong", "code=%00", "code=%ff%fe", "code=a&code"])
def test_a_wrong_code_opens_nothing(daemon: Daemon, query: str) -> None:
    """And is answered with the way to a right one."""
    answer = http.get(f"{daemon.url}/?{query}")
    assert answer.status_code in (401, 429)
    assert "set-cookie" not in answer.headers


def test_a_cookie_reads(daemon: Daemon, browser: httpx.Client) -> None:
    """Reading needs no Origin: browsers send none with a GET of their own site."""
    assert browser.get("/api/v1/status").status_code == 200
    assert browser.get("/api/v1/status", headers=origin(daemon)).status_code == 200
    assert browser.get("/api/v1/status", headers={"Sec-Fetch-Site": "same-origin"}).is_success


def test_a_cookie_acts_with_our_origin_only(daemon: Daemon, browser: httpx.Client) -> None:
    """A page of another site can make the browser send the request, but not our Origin."""
    body = {"name": "x", "scope": "overlay"}
    for headers in (
        {}, {"Origin": "null"}, {"Origin": "https://evil.example"}, {"Origin": ""},
        {"Origin": f"http://127.0.0.1:{daemon.port + 1}"}, {"Origin": f"https://{daemon.url[7:]}"},
        {"Referer": daemon.url + "/"},
    ):  # fmt: skip
        answer = browser.post("/api/v1/tokens", json=body, headers=headers)
        assert answer.status_code == 403, headers
        assert answer.json()["error"]["code"] == "forbidden_origin"
    assert browser.post("/api/v1/tokens", json=body, headers=origin(daemon)).status_code == 201


def test_a_cookie_of_a_page_on_another_port_does_not_count(
    daemon: Daemon, browser: httpx.Client
) -> None:
    """SameSite knows no ports: such a page's requests come with the cookie."""
    for site in ("same-site", "cross-site"):
        headers = {**origin(daemon), "Sec-Fetch-Site": site}
        assert browser.get("/api/v1/status", headers=headers).status_code == 401
        assert browser.post("/api/v1/auth/codes", headers=headers).status_code == 401


def test_a_header_needs_no_origin_and_beats_the_cookie(
    daemon: Daemon, browser: httpx.Client
) -> None:
    """A wrong token must not fall back to a right cookie."""
    right = {"Authorization": f"Bearer {daemon.token}"}
    assert http.post(f"{daemon.url}/api/v1/auth/codes", headers=right).status_code == 201
    wrong = {**origin(daemon), "Authorization": "Bearer wrong"}
    assert browser.post("/api/v1/auth/codes", headers=wrong).status_code in (401, 429)


def test_cookies_that_others_set_neither_open_nor_lock(
    daemon: Daemon, browser: httpx.Client
) -> None:
    """Another server on this host can set a cookie of our name."""
    name, value = next(iter(browser.cookies.items()))
    assert http.get(f"{daemon.url}/api/v1/status", headers={"Cookie": f"{name}=x"}).is_error
    both = {"Cookie": f"other=1; {name}=thrown-in; {name}={value}; x"}
    assert http.get(f"{daemon.url}/api/v1/status", headers=both).status_code == 200
    for prefix in ("", "x", "nitropilot", name.upper()):
        odd = {"Cookie": f"{prefix}={value}"}
        assert http.get(f"{daemon.url}/api/v1/status", headers=odd).status_code == 401


def test_logout(daemon: Daemon, browser: httpx.Client) -> None:
    """The cookie is worth nothing afterwards, also where somebody has copied it."""
    copied = dict(browser.cookies)
    assert browser.post("/api/v1/auth/logout").status_code == 403
    answer = browser.post("/api/v1/auth/logout", headers=origin(daemon))
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert not browser.cookies
    assert http.get(f"{daemon.url}/api/v1/status", cookies=copied).status_code == 401
