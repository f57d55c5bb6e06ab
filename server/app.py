"""The FastAPI application: ``/api/version`` and ``/api/v1``."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from nitropilot import NitroPilotError, __version__
from server.errors import Unauthorized
from server.hardening import BodyLimit, LocalOnly, loopback_hosts
from server.routes import router
from server.schemas import ErrorAnswer, VersionAnswer
from server.token import matches

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from server.registry import SessionRegistry

log = logging.getLogger("nitropilot.server")

STATUS = {
    "unauthorized": 401,
    "window_not_found": 404,
    "session_not_found": 404,
    "process_gone": 404,
    "window_ambiguous": 409,
    "not_possible_now": 409,
    "no_policy": 409,
    "body_too_large": 413,
    "image_invalid": 422,
    "checkpoint_invalid": 422,
    "observation_invalid": 422,
    "pause_refused": 403,
    "no_display": 503,
    "pad_unavailable": 503,
    "engine_unavailable": 503,
}
"""HTTP status by error code; other errors of ours are 500."""


def create_app(registry: SessionRegistry, token: str, port: int) -> FastAPI:
    """The application.

    Args:
        registry: Its sessions; closed when the application shuts down.
        token: The bearer token that every route under ``/api/v1`` wants.
        port: The port it is served on, for the Host check.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        registry.close()
        registry.pool.close()

    app = FastAPI(title="NitroPilot", version=__version__, lifespan=lifespan, redoc_url=None)
    app.state.registry = registry
    app.state.token = token
    app.include_router(
        router,
        dependencies=[Depends(require_token)],
        responses={code: {"model": ErrorAnswer} for code in (401, 403, 404, 409, 422, 503)},
    )
    app.add_api_route("/api/version", version, methods=["GET"], response_model=VersionAnswer)
    app.add_api_route("/healthz", version, methods=["GET"], response_model=VersionAnswer)
    app.add_exception_handler(NitroPilotError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_unexpected)
    app.add_middleware(BodyLimit)
    app.add_middleware(LocalOnly, hosts=loopback_hosts(port))
    return app


def require_token(request: Request) -> None:
    """Raise ``Unauthorized`` unless the request carries the daemon's bearer token."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not matches(given.strip(), request.app.state.token):
        raise Unauthorized(
            "this needs the daemon's token",
            "send the header Authorization: Bearer TOKEN; `nitropilot token` prints it",
        )


async def version() -> VersionAnswer:
    """The version, for anyone who can connect: a cheap sign of life."""
    return VersionAnswer(version=__version__)


def error_answer(status: int, code: str, message: str, hint: str = "") -> JSONResponse:
    """An error in the one shape the API has."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    body = {"error": {"code": code, "message": message, "hint": hint}}
    return JSONResponse(body, status_code=status, headers=headers)


def _on_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NitroPilotError)
    return error_answer(STATUS.get(error.code, 500), error.code, str(error), error.hint)


def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    message = f"{where}: {first['msg']}" if where else str(first["msg"])
    return error_answer(422, "invalid_request", message, "see /docs for what is accepted")


def _on_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    names = {404: "not_found", 405: "method_not_allowed"}
    return error_answer(error.status_code, names.get(error.status_code, "http"), str(error.detail))


def _on_unexpected(_request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", exc_info=error)
    return error_answer(500, "unexpected", "the daemon made a mistake", "its log says more")
