"""A client of the daemon's application, without a socket between them."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Scope

KEPT = ("content-type", "cache-control", "content-security-policy")
"""Headers of an answer that are noted."""


def _scope(kind: str, path: str, port: int, token: str, **more: Any) -> Scope:
    path, _, query = path.partition("?")
    headers = [(b"host", f"127.0.0.1:{port}".encode()), (b"content-type", b"application/json")]
    if token:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    return {
        "type": kind, "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": headers, "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", port),
        "state": {}, **more,
    }  # fmt: skip


def _is_ours(line: str) -> bool:
    """Whether a line of the metrics is a figure of the program that is the same every time."""
    others = ("_created", "_disk_free_", "_build_info")
    return line.startswith("nitropilot_") and not any(other in line for other in others)


class Client:
    """Asks one thing after the other.

    Args:
        app: Whom.
        port: Where it believes to listen.
        token: Who asks.
    """

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app = app
        self._port = port
        self._token = token

    async def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """A request to the API: ``status``, ``answer`` and, for a picture, ``jpeg``."""
        status, headers, content = await self._send(method, path, body)
        kind = headers.get("content-type", "")
        said: dict[str, Any] = {"status": status, "type": kind, "answer": None}
        if kind.startswith("image/"):
            said["jpeg"] = base64.b64encode(content).decode()
        elif kind.startswith("text/plain"):
            said["answer"] = [line for line in content.decode().splitlines() if _is_ours(line)]
        elif content:
            said["answer"] = json.loads(content)
        return said

    async def file(self, path: str) -> dict[str, Any]:
        """A file of the pages."""
        status, headers, content = await self._send("GET", path, None)
        return {"status": status, "headers": headers, "body": base64.b64encode(content).decode()}

    async def _send(self, method: str, path: str, body: Any) -> tuple[int, dict[str, str], bytes]:
        content = b"" if body is None else json.dumps(body).encode()
        came: list[Message] = []
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:
                await asyncio.Event().wait()
            asked = True
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Message) -> None:
            came.append(message)

        scope = _scope("http", path, self._port, self._token, method=method)
        scope["headers"].append((b"content-length", str(len(content)).encode()))
        await self._app(scope, receive, send)
        headers = {k.decode(): v.decode() for k, v in came[0].get("headers", [])}
        kept = {name: value for name, value in headers.items() if name in KEPT}
        return came[0]["status"], kept, b"".join(one.get("body", b"") for one in came[1:])


class Listener:
    """Hears all events of the daemon.

    Attributes:
        heard: The messages, as they came.
    """

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self.heard: list[dict[str, Any]] = []
        self._says: asyncio.Queue[Message] = asyncio.Queue()
        self._ready = asyncio.Event()
        self._app = app
        self._scope = _scope("websocket", "/api/v1/events", port, token, subprotocols=[])
        self._scope["scheme"] = "ws"
        self._task: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Come in, and wait for the first word about the sessions."""
        self._says.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.ensure_future(
            self._app(self._scope, self._says.get, self._hear)  # type: ignore[arg-type]
        )
        await self._ready.wait()

    async def say(self, message: dict[str, Any]) -> None:
        """Send something."""
        await self._says.put({"type": "websocket.receive", "text": json.dumps(message)})

    async def close(self) -> None:
        """Go."""
        await self._says.put({"type": "websocket.disconnect", "code": 1000})
        if self._task is not None:
            await self._task

    async def _hear(self, message: Message) -> None:
        if message["type"] != "websocket.send":
            self.heard.append({"type": message["type"], "code": message.get("code")})
            return
        heard = json.loads(message["text"])
        self.heard.append(heard)
        if heard["type"] == "hello":
            await self.say({"type": "identify", "protocol": heard["protocol"]})
        if heard["type"] == "ready":
            self._ready.set()
