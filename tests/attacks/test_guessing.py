"""Guessing tokens and codes, from one address and from many."""

from __future__ import annotations

import httpx
import pytest

from nitropilot.server.auth.guard import FAILURE_BURST
from tests.attacks.conftest import Target
from tests.support import http


def guesser(target: Target, source: str) -> httpx.Client:
    """A client at another address of this machine."""
    transport = httpx.HTTPTransport(local_address=source)
    return http.Client(base_url=target.url, transport=transport, timeout=120)


def test_guesses_end_in_429_and_the_user_gets_through(target: Target) -> None:
    """The limit must stop the guesser, and neither the user beside him nor other addresses."""
    right = {"Authorization": f"Bearer {target.token}"}
    with guesser(target, "127.0.0.10") as client:
        seen = []
        for number in range(int(FAILURE_BURST) + 20):
            wrong = {"Authorization": f"Bearer {number:043}"}
            seen.append(client.get("/api/v1/status", headers=wrong))
        codes = [answer.status_code for answer in seen]
        assert codes[: int(FAILURE_BURST)] == [401] * int(FAILURE_BURST)
        assert codes[-1] == 429
        assert set(codes) == {401, 429}
        assert seen[-1].json()["error"]["code"] == "too_many_failures"
        assert 1 <= int(seen[-1].headers["Retry-After"]) <= 60
        assert client.get("/api/v1/sessions", headers=right).status_code == 200
        assert client.get("/healthz").status_code == 200
        assert client.get("/api/v1/sessions").status_code == 401, "no token is no guess"
    with guesser(target, "127.0.0.11") as client:
        wrong = {"Authorization": "Bearer wrong"}
        assert client.get("/api/v1/status", headers=wrong).status_code == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP"])
def test_a_header_does_not_make_another_address(target: Target, header: str) -> None:
    """uvicorn believes such headers from loopback unless it is told not to."""
    source = f"127.0.1.{len(header)}"
    with guesser(target, source) as client:
        codes = []
        for number in range(int(FAILURE_BURST) + 5):
            address = f"10.0.0.{number}"
            value = f"for={address}" if header == "Forwarded" else address
            headers = {header: value, "Authorization": "Bearer wrong"}
            codes.append(client.get("/api/v1/status", headers=headers).status_code)
    assert codes[-1] == 429


def test_guessed_codes_and_cookies_count_too(target: Target) -> None:
    """Every way in has the same limit."""
    cookie = f"nitropilot-{target.port}"
    with guesser(target, "127.0.0.12") as client:
        codes = [client.get(f"/?code={number:043}") for number in range(int(FAILURE_BURST) + 5)]
        assert [codes[0].status_code, codes[-1].status_code] == [401, 429]
        answer = client.get("/api/v1/status", headers={"Cookie": f"{cookie}=wrong"})
        assert answer.status_code == 429
    assert target.still_serves()


def test_prefixes_and_variants_of_the_right_token(target: Target) -> None:
    """Nothing but the whole of it, as it is."""
    token = target.token
    variants = (
        token[:-1], token[1:], token + "=", token.swapcase(), token + "\x00", f'"{token}"',
        f"{token},{token}", token.replace(token[5], "%2d", 1), "Bearer " + token, "*", "null",
    )  # fmt: skip
    for number, variant in enumerate(variants):
        head = target.head("GET", "/api/v1/status", f"Authorization: Bearer {variant}")
        assert target.status(head, f"127.0.2.{number + 1}") in (400, 401), variant
