"""ASGI guards in front of the API: Host and Origin, the token, and a body limit.

A web page that rebinds its DNS name to 127.0.0.1 sends its own name as Host, and a
cross-site request carries its own Origin; both are refused before anything else looks
at the request, and without the token nothing of its body is read (invariant 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.answers import error_answer
from server.token import matches

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 32 * 1024 * 1024
PUBLIC = frozenset({"/api/version", "/healthz"})
"""The only paths that need no token."""


def loopback_hosts(listens_on: str) -> frozenset[str]:
    """The Host values that a request to this daemon may carry.

    Args:
        listens_on: Address and port as in a URL, such as ``127.0.0.1:6487``.
    """
    port = listens_on.rpartition(":")[2]
    names = {listens_on} | {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    if port == "80":  # clients leave out the port that is HTTP's own
        names |= {name.removesuffix(":80") for name in names}
    return frozenset(names)


class LocalOnly:
    """Refuses requests whose Host or Origin is not this daemon's own.

    Args:
        app: The application behind.
        hosts: Allowed Host values, with port.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self.app = app
        self.hosts = hosts
        self.origins = frozenset(f"http://{host}" for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 403."""
        hosts, origins = _header(scope, b"host"), _header(scope, b"origin")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            named = ", ".join(hosts) or "no host"
            await _refuse(scope, receive, send, _forbidden(f"{named} is not this daemon's Host"))
        elif any(origin.lower() not in self.origins for origin in origins):
            named = ", ".join(origins)
            await _refuse(scope, receive, send, _forbidden(f"pages of {named} may not ask this"))
        else:
            await self.app(scope, receive, send)


class TokenRequired:
    """Refuses requests without the daemon's bearer token, but for ``PUBLIC`` paths.

    Args:
        app: The application behind.
        token: The daemon's token.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["path"] in PUBLIC or self._allowed(_header(scope, b"authorization")):
            await self.app(scope, receive, send)
            return
        answer = error_answer(
            401,
            "unauthorized",
            "this needs the daemon's token",
            "send the header Authorization: Bearer TOKEN; `nitropilot token` prints it",
            {"WWW-Authenticate": "Bearer"},
        )
        await _refuse(scope, receive, send, answer)

    def _allowed(self, given: list[str]) -> bool:
        if len(given) != 1:
            return False
        scheme, _, token = given[0].partition(" ")
        return scheme.lower() == "bearer" and matches(token.strip(), self._token)


class BodyLimit:
    """Answers 413 to bodies over ``limit`` bytes, declared or not.

    Args:
        app: The application behind; it must read a body before it answers.
        limit: Bytes.
    """

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting what is read of it."""
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            return message if seen <= self.limit else {"type": "http.disconnect"}

        async def unless_over(message: Message) -> None:
            if seen <= self.limit:
                await send(message)

        declared = _header(scope, b"content-length")
        if any(not text.isdecimal() or int(text) > self.limit for text in declared):
            seen = self.limit + 1
        else:
            await self.app(scope, counted, unless_over)
        if seen > self.limit:
            answer = error_answer(413, "body_too_large", f"a body may have {self.limit} bytes")
            await _refuse(scope, receive, send, answer)


def _header(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _forbidden(message: str) -> Response:
    return error_answer(403, "forbidden_origin", message, "use http://127.0.0.1 and its port")


async def _refuse(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await answer(scope, receive, send)
