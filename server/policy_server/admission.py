"""Who may come in: checked in the HTTP handshake, before a WebSocket exists.

A web page may open a WebSocket to any address, loopback and home network included, and a
rebinding one brings its own name as Host.  So pages are refused by their Origin; on
loopback the Host has to be this machine's; beyond loopback the token is what counts.
"""

from __future__ import annotations

import hmac
import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from websockets.datastructures import Headers
from websockets.http11 import Response

from nitropilot.server.http.hosts import LOOPBACK_NAMES, Authority, parse_authority
from nitropilot.server.http.limits import address_key
from nitropilot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request

HEALTH = "/healthz"
VERSION = "/api/version"
"""The two paths that need no token: cheap signs of life."""
PATH = "/"
SCHEMES = ("bearer", "api-key")
"""Ours, and what openpi's client sends."""


class Admission:
    """The check of every handshake.

    Args:
        address: The IP address that the server listens on.
        port: Its port.
        is_loopback: Whether only this machine can come there.
        token: What clients have to bring, or "" for nothing.
        room: Makes a place for a client from an address; whether there is one.
    """

    def __init__(
        self, address: str, port: int, is_loopback: bool, token: str, room: Callable[[str], bool]
    ) -> None:
        names = {address, *LOOPBACK_NAMES} if is_loopback else ()
        self._hosts = {Authority(name, port) for name in names}
        self._token = token
        self._room = room

    def check(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a handshake that ends here; None lets it go on."""
        return (
            self._check_host(request)
            or self._check_path(request)
            or self._check_token(request)
            or self._check_room(connection)
        )

    def _check_host(self, request: Request) -> Response | None:
        hosts, origins = (request.headers.get_all(name) for name in ("Host", "Origin"))
        host = parse_authority(hosts[0]) if len(hosts) == 1 else None
        if host is None or (self._hosts and host not in self._hosts):
            return _error(403, "forbidden_origin", "this is not the server's Host")
        if origins:
            return _error(403, "forbidden_origin", "web pages may not use this server")
        return None

    def _check_path(self, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == HEALTH and request.method == "GET":
            return _response(200, "text/plain; charset=utf-8", "OK\n")
        if path == VERSION and request.method == "GET":
            return _response(200, "application/json", json.dumps({"version": __version__}) + "\n")
        if path != PATH:
            return _error(404, "not_found", f"there is only {PATH}, {HEALTH} and {VERSION}")
        return None

    def _check_token(self, request: Request) -> Response | None:
        if not self._token:
            return None
        given = request.headers.get_all("Authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() in SCHEMES and _same(token.strip(), self._token):
            return None
        response = _error(
            401, "unauthorized", "this needs the server's token",
            "send the header Authorization: Bearer TOKEN, or api_key=TOKEN in openpi's client",
        )  # fmt: skip
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def _check_room(self, connection: ServerConnection) -> Response | None:
        if self._room(address_key(connection.remote_address[0])):
            return None
        response = _error(429, "too_many_clients", "no more clients are taken now", "try later")
        response.headers["Retry-After"] = "5"
        return response


def _same(given: str, token: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(given.encode(), token.encode())


def _error(status: int, code: str, message: str, hint: str = "") -> Response:
    body = {"error": {"code": code, "message": message, "hint": hint}}
    return _response(status, "application/json", json.dumps(body) + "\n")


def _response(status: int, kind: str, text: str) -> Response:
    body = text.encode()
    headers = Headers(
        {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    )
    return Response(status, HTTPStatus(status).phrase, headers, body)
