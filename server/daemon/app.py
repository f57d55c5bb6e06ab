"""The FastAPI application: ``/api/version``, ``/healthz`` and ``/api/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from nitropilot.errors import NitroPilotError
from nitropilot.server.api.event_routes import router as pictures_router
from nitropilot.server.api.event_stream import route as events_route
from nitropilot.server.api.improvements_routes import router as improvements_router
from nitropilot.server.api.jobs_routes import router as jobs_router
from nitropilot.server.api.machine_routes import router as machine_router
from nitropilot.server.api.metrics_routes import router as metrics_router
from nitropilot.server.api.recordings_routes import router as recordings_router
from nitropilot.server.api.routes import router
from nitropilot.server.api.session_routes import router as session_router
from nitropilot.server.api.settings_routes import router as settings_router
from nitropilot.server.auth import AuthGuard, Scope, ScopedRoute, allow, public
from nitropilot.server.auth.routes import router as auth_router
from nitropilot.server.auth.scopes import refuse_undeclared
from nitropilot.server.daemon.openapi import complete
from nitropilot.server.http.answers import JsonAnswer, error_answer
from nitropilot.server.http.hardening import OwnNamesOnly
from nitropilot.server.http.headers import SecurityHeaders
from nitropilot.server.http.lanes import UrgentReserve
from nitropilot.server.http.limits import BodyLimit, HeaderLimit
from nitropilot.server.schemas.models import ErrorAnswer, VersionAnswer
from nitropilot.server.sessions.metrics import Metrics
from nitropilot.server.web.sign_in import router as login_router
from nitropilot.server.web.site import router as site_router
from nitropilot.version import __version__

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from nitropilot.server.auth import Access
    from nitropilot.server.sessions.registry import SessionRegistry

OPERATION = (
    recordings_router, settings_router, jobs_router, improvements_router, machine_router,
    metrics_router,
)  # fmt: skip
"""What is not play itself."""
STATUS = {
    "window_not_found": 404,
    "session_not_found": 404,
    "token_not_found": 404,
    "process_gone": 404,
    "window_vanished": 404,
    "window_ambiguous": 409,
    "not_possible_now": 409,
    "protected_game": 409,
    "window_minimised": 409,
    "image_invalid": 422,
    "token_refused": 422,
    "checkpoint_invalid": 422,
    "observation_invalid": 422,
    "policy_failed": 422,
    "settings_invalid": 422,
    "recording_not_found": 404,
    "recording_busy": 409,
    "recording_full": 507,
    "job_not_found": 404,
    "job_refused": 409,
    "improve_refused": 409,
    "no_display": 503,
    "display_silent": 503,
    "grab_failed": 503,
    "pad_unavailable": 503,
    "engine_unavailable": 503,
    "busy": 503,
    "shutting_down": 503,
}
"""HTTP status by error code; other errors of ours are 500."""
HTTP_CODES = {404: "not_found", 405: "method_not_allowed"}
"""Codes of the framework's own refusals by HTTP status; others are ``bad_request``."""


class App(FastAPI):
    """FastAPI whose every answer, that of its own last error handler too, has our headers."""

    def build_middleware_stack(self) -> ASGIApp:
        """The framework's own, in ours."""
        return SecurityHeaders(super().build_middleware_stack())

    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        if not self.openapi_schema:
            self.openapi_schema = complete(super().openapi())
        return self.openapi_schema


def create_app(registry: SessionRegistry, access: Access) -> App:
    """The application.

    Args:
        registry: Its sessions; whoever made them ends them.
        access: Who may come in.
    """
    # No /docs: that page runs scripts of another site in this daemon's origin.
    app = App(
        title="NitroPilot", version=__version__, redirect_slashes=False,
        default_response_class=JsonAnswer, docs_url=None, redoc_url=None, openapi_url=None,
    )  # fmt: skip
    app.state.registry = registry
    app.state.access = access
    app.state.metrics = Metrics(registry)
    for part in (router, session_router, auth_router, pictures_router, *OPERATION):
        app.include_router(
            part,
            # The guard in front of the app checks the token; this one only describes it.
            dependencies=[Depends(HTTPBearer(auto_error=False))],
            responses={422: {"model": ErrorAnswer}},
        )
    app.include_router(login_router)
    app.include_router(site_router)
    app.router.routes.append(events_route)
    app.router.route_class = ScopedRoute
    app.add_api_route("/api/version", version, methods=["GET"], response_model=VersionAnswer)
    app.add_api_route("/healthz", version, methods=["GET"], response_model=VersionAnswer)
    app.add_api_route("/openapi.json", description, methods=["GET"], include_in_schema=False)
    refuse_undeclared(app.routes)
    app.add_exception_handler(NitroPilotError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_unexpected)
    # The one added last comes first.
    app.add_middleware(BodyLimit)
    app.add_middleware(AuthGuard, access=access)
    app.add_middleware(OwnNamesOnly, rules=access.rules)
    app.add_middleware(HeaderLimit)
    app.add_middleware(UrgentReserve)
    return app


@public
async def version() -> VersionAnswer:
    """The version, for anyone who can connect: a cheap sign of life."""
    return VersionAnswer(version=__version__)


@allow(Scope.DECK, Scope.OVERLAY)
async def description(request: Request) -> JSONResponse:
    """What the API takes and gives, in OpenAPI's form."""
    app: FastAPI = request.app
    return JSONResponse(app.openapi())


async def _on_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NitroPilotError)
    headers = {"Retry-After": "1"} if error.code == "busy" else None
    return error_answer(STATUS.get(error.code, 500), error.code, str(error), error.hint, headers)


async def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = error.errors()[0]
    if first["type"] == "json_invalid":
        place = first["loc"][-1]
        message = f"the body is no JSON: {first.get('ctx', {}).get('error', place)}"
        return error_answer(422, "invalid_request", message, "send a JSON object in UTF-8")
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    message = f"{where}: {first['msg']}" if where else str(first["msg"])
    return error_answer(422, "invalid_request", message, "see /openapi.json for what is accepted")


async def _on_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = HTTP_CODES.get(error.status_code, "bad_request")
    hint = "see /openapi.json for what there is"
    return error_answer(error.status_code, code, str(error.detail), hint, error.headers)


async def _on_unexpected(_request: Request, _error: Exception) -> JSONResponse:
    """The server logs the error itself; the client learns nothing of it."""
    return error_answer(500, "unexpected", "the daemon made a mistake", "its log says more")
