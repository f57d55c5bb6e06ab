"""Talk to an ASGI application without a server: for what the daemon has no route for yet."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Scope

Headers = "Mapping[str, str] | Iterable[tuple[str, str]]"


@dataclass
class Answer:
    """What an application sent.

    Attributes:
        sent: Its messages.
        scope: The connection's scope, as the application left it.
    """

    sent: list[Message]
    scope: Scope = field(repr=False)

    @property
    def status(self) -> int:
        """The HTTP status; 101 for an accepted WebSocket, 403 for one closed before that."""
        first = self.sent[0]
        if first["type"] == "websocket.accept":
            return 101
        return 403 if first["type"] == "websocket.close" else int(first["status"])

    @property
    def headers(self) -> dict[str, str]:
        """The answer's headers, names in lower case."""
        return {k.decode(): v.decode() for k, v in self.sent[0].get("headers", [])}

    @property
    def code(self) -> str:
        """The error's code."""
        body = b"".join(message.get("body", b"") for message in self.sent)
        return str(json.loads(body)["error"]["code"])


def scope_of(kind: str, path: str, headers: Headers, **more: Any) -> Scope:
    """A connection's scope as uvicorn makes it."""
    pairs = headers.items() if hasattr(headers, "items") else headers
    scope = {
        "type": kind, "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in pairs],
        "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 6487), "state": {},
    }  # fmt: skip
    if kind == "http":
        scope["method"] = "GET"
    else:
        scope |= {"scheme": "ws", "subprotocols": [], "extensions": {"websocket.http.response": {}}}
    return scope | more


def ask(app: ASGIApp, scope: Scope, receive: Callable[[], Any] | None = None) -> Answer:
    """One request or handshake, to its end."""
    sent: list[Message] = []
    first = [{"type": "websocket.connect"} if scope["type"] == "websocket" else
             {"type": "http.request", "body": b"", "more_body": False}]  # fmt: skip

    async def take() -> Message:
        if first:
            return first.pop()
        return {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive or take, send))  # type: ignore[arg-type]
    return Answer(sent, scope)
