"""Pictures of windows and of sessions' games: for choosing a game, and for looking on.

Plain functions, which run in threads: a grab must never hold up the event loop.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from nitropilot import capture
from nitropilot.server.api.routes import Registry
from nitropilot.server.auth.identity import Scope
from nitropilot.server.auth.scopes import ScopedRoute, admin_only, allow
from nitropilot.server.events.messages import DEFAULT_WIDTH, MAX_WIDTH, MIN_WIDTH
from nitropilot.server.events.pictures import Picture, picture_of_session, picture_of_window
from nitropilot.server.http.lanes import DESKTOP

router = APIRouter(prefix="/api/v1", route_class=ScopedRoute)

JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}
Width = Annotated[
    int, Query(ge=MIN_WIDTH, le=MAX_WIDTH, description="Of the picture; its height follows")
]


@router.get("/windows/{handle}/thumbnail", response_class=Response, responses=JPEG)
@admin_only
@DESKTOP.way
def window_thumbnail(
    handle: Annotated[int, Path(ge=0, lt=2**64, description="As GET /api/v1/windows gives it")],
    width: Width = DEFAULT_WIDTH,
) -> Response:
    """A window as it looks now, small."""
    return _answer(picture_of_window(capture.find_window(handle=handle), width))


@router.get("/sessions/{session_id}/frame", response_class=Response, responses=JPEG)
@allow(Scope.DECK, Scope.OVERLAY)
@DESKTOP.way
def session_frame(session_id: str, registry: Registry, width: Width = DEFAULT_WIDTH) -> Response:
    """The game of a session as it looks now, small."""
    return _answer(picture_of_session(registry.get(session_id), width))


def _answer(picture: Picture) -> Response:
    return Response(picture.jpeg, media_type="image/jpeg")
