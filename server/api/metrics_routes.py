"""``GET /metrics``."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from nitropilot.server.auth.identity import Scope
from nitropilot.server.auth.scopes import ScopedRoute, allow
from nitropilot.server.sessions.metrics import CONTENT_TYPE, Metrics

router = APIRouter(route_class=ScopedRoute)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus' text form"}},
)
@allow(Scope.OVERLAY)
def metrics(request: Request) -> Response:
    """Figures for Prometheus; give it a token of scope overlay."""
    found: Metrics = request.app.state.metrics
    return Response(found.text(), media_type=CONTENT_TYPE)
