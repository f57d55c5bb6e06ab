"""The one shape of an error: ``{"error": {"code", "message", "hint"}}``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from nitropilot.texts import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

POLICY_VIOLATION = 1008
"""The WebSocket close code of a refusal (RFC 6455)."""


class JsonAnswer(JSONResponse):
    """JSON that every client can read, whatever a name in it holds."""

    def render(self, content: Any) -> bytes:
        """The body."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return shown(text).encode()


def error_answer(
    status: int,
    code: str,
    message: str,
    hint: str = "",
    headers: Mapping[str, str] | None = None,
) -> JsonAnswer:
    """An error as every part of the API answers it."""
    body = {"error": {"code": code, "message": message, "hint": hint}}
    return JsonAnswer(body, status_code=status, headers=headers)


async def refuse(scope: Scope, receive: Receive, send: Send, answer: Response) -> None:
    """Answer a request, or a WebSocket's handshake: as HTTP where the server can do that."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get(
        "extensions", {}
    ):
        await receive()  # the handshake, which a server may insist on having been read
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
    else:
        await answer(scope, receive, send)
