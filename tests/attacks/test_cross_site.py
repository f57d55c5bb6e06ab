"""Pages of other sites, in the browser of a user who is logged in.

The browser does what it is told: it sends the cookie where SameSite and the port-blind idea
of a site allow it, follows rebound names, and posts forms anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import http

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.attacks.conftest import Target

EVIL = "https://evil.example"
FORM_TYPES = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
"""What a form can send to another site without asking first."""
BODY = b'{"name": "mine", "scope": "admin"}'


@pytest.fixture
def cookie(target: Target) -> Iterator[str]:
    """The Cookie header of a logged-in browser."""
    url = target.client.post("/api/v1/auth/codes").json()["url"]
    answer = http.get(url)
    yield answer.headers["Set-Cookie"].partition(";")[0]
    tokens = target.client.get("/api/v1/tokens").json()
    assert tokens == [], "an attack has made itself a token"


@pytest.mark.parametrize("kind", [*FORM_TYPES, "application/json"])
@pytest.mark.parametrize("origin", [EVIL, "null", None])
@pytest.mark.parametrize("with_cookie", [True, False])
def test_a_cross_site_post(
    target: Target, cookie: str, kind: str, origin: str | None, with_cookie: bool
) -> None:
    """CSRF as Sunshine had it: a form on any page, sent with what the browser holds."""
    headers = {"Content-Type": kind}
    headers |= {"Origin": origin} if origin else {}
    headers |= {"Cookie": cookie} if with_cookie else {}
    for path in ("/api/v1/tokens", "/api/v1/sessions", "/api/v1/auth/codes"):
        answer = http.post(target.url + path, headers=headers, content=BODY)
        assert answer.status_code in (401, 403), (path, answer.text)


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
def test_a_page_on_another_port_of_this_host(target: Target, cookie: str, method: str) -> None:
    """Same site to the browser, cookie and all; its Origin tells."""
    for port in (3000, target.port + 1):
        headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"}
        answer = http.request(method, f"{target.url}/api/v1/sessions/0", headers=headers)
        assert answer.status_code == 403


def test_a_rebound_name(target: Target, cookie: str) -> None:
    """The page's own name now leads here: to the browser it is the same origin."""
    host = f"rebound.example:{target.port}"
    for path in ("/", "/healthz", "/api/version", "/api/v1/sessions", "/?code=x", "/nothing"):
        for extra in ({}, {"Origin": f"http://{host}"}, {"Cookie": cookie}):
            answer = http.get(target.url + path, headers={"Host": host, **extra})
            assert answer.status_code == 403, (path, extra)
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_preflight_is_not_granted(target: Target, method: str) -> None:
    """Without a grant a browser sends neither our header nor JSON to another site."""
    headers = {
        "Origin": EVIL,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    answer = http.options(f"{target.url}/api/v1/sessions", headers=headers)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_picture_or_script_tag_does_nothing(target: Target, cookie: str) -> None:
    """Tags send GET, without an Origin and, within the site, with the cookie."""
    before = target.client.get("/api/v1/status").json()
    for path in ("/api/v1/auth/codes", "/api/v1/auth/logout", "/api/v1/sessions/0/autoplay"):
        answer = http.get(target.url + path, headers={"Cookie": cookie})
        assert answer.status_code == 405
    answer = http.get(f"{target.url}/api/v1/status", headers={"Cookie": cookie})
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert target.client.get("/api/v1/status").json() == before


@pytest.mark.parametrize("path", ["//evil.example", "//evil.example/%2e%2e", "/\\evil.example"])
def test_no_open_redirect(target: Target, path: str) -> None:
    """A link to the daemon must never lead a user, or a code, elsewhere."""
    status = target.status(target.head("GET", path, "Connection: close"))
    assert status in (400, 401)
    code = target.client.post("/api/v1/auth/codes").json()["code"]
    answer = http.get(f"{target.url}/?code={code}&next={EVIL}&url={EVIL}")
    assert answer.headers["Location"] == "/"


def test_an_upgrade_is_no_way_in(target: Target, cookie: str) -> None:
    """A WebSocket's handshake goes through the same guards: only its first message may be missing.

    Without a cookie and an Origin it opens, and tells nothing before a token: ``test_events``.
    """
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")  # fmt: skip
    for extra in (
        (f"Cookie: {cookie}",),
        (f"Cookie: {cookie}", f"Origin: {EVIL}"),
        (f"Origin: {EVIL}",),
        ("Authorization: Bearer wrong",),
    ):
        status = target.status(target.head("GET", "/api/v1/events", *upgrade, *extra))
        assert status in (401, 403)
