"""ASGI guards in front of the API: Host and Origin checks and a body limit.

A web page that rebinds its DNS name to 127.0.0.1 sends its own name as Host, and a
cross-site request carries its own Origin; both are refused before anything acts
(invariant 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 32 * 1024 * 1024


def loopback_hosts(port: int) -> frozenset[str]:
    """The Host values that a request to this daemon may carry."""
    return frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))


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
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        hosts = _header(scope, b"host")
        origins = _header(scope, b"origin")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            await _refuse(scope, send, receive, f"the Host header {hosts} is not this daemon's")
        elif any(origin.lower() not in self.origins for origin in origins):
            await _refuse(scope, send, receive, f"requests from {origins} are not accepted")
        else:
            await self.app(scope, receive, send)


class BodyLimit:
    """Answers 413 to bodies over ``limit`` bytes, declared or not."""

    def __init__(self, app: ASGIApp, limit: int = MAX_BODY) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counting ``receive``."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = _header(scope, b"content-length")
        if declared and (not declared[0].isdigit() or int(declared[0]) > self.limit):
            answer = _error(413, "body_too_large", f"the body may have {self.limit} bytes")
            await answer(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.limit:
                return {"type": "http.disconnect"}
            return message

        await self.app(scope, counted, send)


def _header(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _error(status: int, code: str, message: str) -> JSONResponse:
    body = {"error": {"code": code, "message": message, "hint": ""}}
    return JSONResponse(body, status_code=status)


async def _refuse(scope: Scope, send: Send, receive: Receive, message: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "forbidden"})
        return
    await _error(403, "forbidden_origin", message)(scope, receive, send)
