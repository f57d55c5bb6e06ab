"""Paths that one part of a server reads as public and another as something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.attacks.conftest import Target

TARGETS = ("api/v1/status", "api/v1/tokens")
TRICKS = (
    "//{}", "///{}", "/./{}", "/x/../{}", "/%2e/{}", "/%2e%2e/{}", "/x/%2e%2e/{}", "/%2f{}",
    "/;/{}", "/{};x", "/{}/", "/{}/.", "/{}%00", "/{}%20", "/{}%09", "/{}%0a", "/{}?",
    "/{}?/healthz",
    "/{}%3f", "/{}%23", "/{}#/healthz", "/healthz/../{}", "/healthz/%2e%2e/{}",
    "/healthz%2f..%2f{}", "/healthz%00/../{}", "/healthz;/../{}", "/healthz\\..\\{}",
    "/api/version/../../{}", "/healthz?/../{}", "/healthz#/../{}", "/%68ealthz/../{}",
    "/%61pi/v1/{}", "/API/V1/status/{}", "http://127.0.0.1/{}", "http://evil.example/{}",
    "*", "/{}\\", "/\u00e9{}", "/%ff%fe{}", "/%c0%af{}", "/%252e%252e/{}", "/%u002f{}",
)  # fmt: skip
PUBLIC_BODIES = (b'{"version":', b"<!doctype html>")


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("method", ["GET", "POST", "get", "OPTIONS", "CONNECT", "X"])
def test_no_spelling_gets_past_the_guard(target: Target, trick: str, method: str) -> None:
    """Without a token there is 401, an error, or one of the three public answers."""
    for path in TARGETS:
        with target.raw() as raw:
            raw.sendall(target.head(method, trick.format(path), "Connection: close"))
            answer = raw.makefile("rb").read()
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        assert status in (200, 400, 401, 403, 404, 405), (trick, answer)
        if status == 200:
            assert body.startswith(PUBLIC_BODIES), (trick, answer)


@pytest.mark.parametrize("trick", TRICKS)
def test_no_spelling_gets_a_deck_past_its_scope(target: Target, trick: str) -> None:
    """The same for somebody who is let in, but not there."""
    made = target.client.post("/api/v1/tokens", json={"name": "d", "scope": "deck"}).json()
    try:
        token = f"Authorization: Bearer {made['secret']}"
        with target.raw() as raw:
            path = trick.format("api/v1/tokens")
            raw.sendall(target.head("GET", path, token, "Connection: close"))
            answer = raw.makefile("rb").read()
        assert b'"created"' not in answer, (trick, answer)
    finally:
        target.client.delete(f"/api/v1/tokens/{made['token']['id']}")


@pytest.mark.parametrize(
    "headers",
    [
        ("X-Original-URL: /healthz",), ("X-Rewrite-URL: /healthz",), ("X-Forwarded-Prefix: /x",),
        ("X-HTTP-Method-Override: GET",), ("X-Forwarded-Host: 127.0.0.1",),
        ("X-Forwarded-Proto: https",), ("Cookie: identity=admin",), ("X-Identity: admin",),
    ],
)  # fmt: skip
def test_no_header_of_a_proxy_is_believed(target: Target, headers: tuple[str, ...]) -> None:
    """There is none in front, so they are the client's own words."""
    head = target.head("GET", "/api/v1/status", *headers, "Connection: close")
    assert target.status(head) == 401


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: x",),
        ("Content-Length: +5",),
        ("Content-Length : 5",),
        (" folded: x",),
        ("Host: evil.example",),
    ],
)
def test_smuggling(target: Target, lines: tuple[str, ...]) -> None:
    """What follows a body whose length is unclear must not be taken for a request."""
    hidden = target.head("GET", "/healthz")
    token = f"Authorization: Bearer {target.token}"
    with target.raw() as raw:
        head = target.head("POST", "/api/v1/sessions", token, *lines, "Connection: close")
        raw.sendall(head + b"0\r\n\r\n" + hidden)
        answer = raw.makefile("rb").read()
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b'"version"' not in answer
