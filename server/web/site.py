"""The dashboard's and the overlay's files, each with a route of its own.

The files are read once, from the fixed list in ``server.pages.files``: no part of a request ever
becomes a file's name.  They are public, since OBS comes without a cookie; what they show comes
from the API, which asks everybody who they are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from nitropilot.server.auth.scopes import ScopedRoute, public
from nitropilot.server.pages.files import ASSETS, PAGES

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parents[1] / "pages"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
REVALIDATE = "no-cache"
"""Browsers keep a copy and ask each time whether it is still good: an update shows at once."""

router = APIRouter(route_class=ScopedRoute)


@dataclass(frozen=True)
class File:
    """One file of the pages.

    Attributes:
        content: What is in it.
        kind: Its content type.
        etag: Changes with the content.
    """

    content: bytes
    kind: str
    etag: str


@cache
def load(name: str) -> File:
    """A file by its name in the list."""
    path = FOLDER / name
    content = path.read_bytes()
    return File(content, TYPES[path.suffix], f'"{hashlib.sha256(content).hexdigest()[:24]}"')


def dashboard() -> Response:
    """The dashboard; for who has an admin session only, so no copy of it is kept."""
    file = load("dashboard/dashboard.html")
    return Response(file.content, media_type=file.kind)


def answer(name: str, request: Request) -> Response:
    """A file, or 304 to who has it already."""
    file = load(name)
    headers = {"ETag": file.etag, "Cache-Control": REVALIDATE}
    if file.etag in _known(request):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.kind, headers=headers)


def _known(request: Request) -> list[str]:
    """The ETags that a browser says it has; a weak one is as good."""
    header = request.headers.get("if-none-match", "")
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]


def _endpoint(name: str) -> Callable[[Request], Response]:
    def serve(request: Request) -> Response:
        return answer(name, request)

    return public(serve)


for _path, _name in (*PAGES.items(), *((f"/pages/{name}", name) for name in ASSETS)):
    router.add_api_route(
        _path, _endpoint(_name), methods=["GET"], include_in_schema=False, response_model=None
    )
