"""The OpenAPI document: what FastAPI knows of the routes, and what it cannot know.

Guards in front of the application answer before any route is asked, and errors become a
status in one place (``server.daemon.app``); so which errors an operation has is decided here, by
what it takes, and not by each route.
"""

from __future__ import annotations

from typing import Any

ERROR = {"$ref": "#/components/schemas/ErrorAnswer"}
DESCRIPTIONS = {
    400: "Not a request: broken HTTP, JSON or encoding",
    401: "No token, or a wrong one",
    403: "The token's scope, the Host or the Origin does not allow it",
    404: "There is no such thing",
    409: "Not possible as things are now; the hint says what to do first",
    408: "The body came too slowly",
    413: "The body is too big",
    414: "The address is too long",
    422: "A value is wrong; the message names it",
    429: "Too many requests; Retry-After says when to come back",
    431: "The headers are too big",
    503: "Something that is needed is not there, or too many are connected",
    507: "There is no room on the disk",
}
ALWAYS = (400, 403, 414, 429, 431)
METHODS = ("get", "put", "post", "delete", "patch")
PREFIX = "/api/v1/"


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add tags, errors and operation names to a document; returns it."""
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                _complete(operations[method], method, path)
    return document


def _complete(operation: dict[str, Any], method: str, path: str) -> None:
    operation["tags"] = [tag_of(path)]
    answers = operation["responses"]
    for status in [name for name in answers if name.isdigit() and int(name) >= 400]:
        del answers[status]
    for status in errors_of(operation, method, path):
        answers[str(status)] = {
            "description": DESCRIPTIONS[status],
            "content": {"application/json": {"schema": ERROR}},
        }


def tag_of(path: str) -> str:
    """The group of a path: its first name below ``/api/v1``."""
    if not path.startswith(PREFIX):
        return "daemon"
    first = path.removeprefix(PREFIX).split("/")[0]
    return {"autoplay": "sessions", "panic": "sessions", "status": "daemon", "doctor": "daemon",
            "auth": "tokens"}.get(first, first)  # fmt: skip


def errors_of(operation: dict[str, Any], method: str, path: str) -> list[int]:
    """The statuses of all errors that an operation can have."""
    found = set(ALWAYS)
    if not path.startswith(PREFIX) and path != "/metrics":
        return sorted(found)
    found |= {401, 503}
    body = "requestBody" in operation
    if "{" in path or body:
        found.add(404)
    if body:
        found |= {408, 413}
    if body or operation.get("parameters"):
        found.add(422)
    if method != "get" or "{" in path:
        found.add(409)
    if "recording" in path or path == f"{PREFIX}sessions":
        found.add(507)
    return sorted(found)
