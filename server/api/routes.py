"""The routes under ``/api/v1``.  Each declares the scopes that may use it; none acts on GET.

Handlers that may wait are plain functions: they run in threads (``server.http.lanes``), so
neither inference nor a freeze ever blocks the event loop.
"""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.requests import ClientDisconnect

from nitropilot import capture
from nitropilot.agent import Session
from nitropilot.controller import gamepad_reports
from nitropilot.engines import engine_reports
from nitropilot.policy.actions import decode
from nitropilot.policy.observation import observe
from nitropilot.server.api.picture import decode_picture, raw_picture
from nitropilot.server.auth.identity import Scope
from nitropilot.server.auth.scopes import ScopedRoute, admin_only, allow
from nitropilot.server.errors import ImageInvalid
from nitropilot.server.http.lanes import DESKTOP, PREDICTIONS
from nitropilot.server.schemas.models import (
    AutoplayRequest,
    BackendModel,
    DecodedAction,
    PredictAnswer,
    SessionModel,
    SessionRequest,
    StatusAnswer,
    WindowModel,
    WishModel,
)
from nitropilot.server.schemas.views import (
    engine_model,
    pauser_description,
    policy_model,
    session_model,
    window_model,
)
from nitropilot.server.sessions.registry import SessionRegistry
from nitropilot.version import __version__

router = APIRouter(prefix="/api/v1", route_class=ScopedRoute)
RAW = "application/octet-stream"
MAX_SIDE = 16384


async def the_registry(request: Request) -> SessionRegistry:
    """The application's sessions."""
    registry: SessionRegistry = request.app.state.registry
    return registry


Registry = Annotated[SessionRegistry, Depends(the_registry)]


@router.get("/status")
@allow(Scope.DECK, Scope.OVERLAY)
def status(registry: Registry) -> StatusAnswer:
    """What the daemon runs on, and why: engines, pads, pauser, sessions."""
    pool = registry.pool
    running = pool.running()
    return StatusAnswer(
        version=__version__,
        policy=pool.default,
        engine=engine_model(running) if running else None,
        wish=WishModel(**dict(zip(("engine", "device", "precision"), pool.how, strict=True))),
        engines=tuple(BackendModel(**vars(report)) for report in engine_reports(measure=False)),
        pads=tuple(BackendModel(**vars(report)) for report in gamepad_reports()),
        pauser=pauser_description(),
        sessions=tuple(session_model(session) for session in registry.all()),
    )


@router.get("/windows")
@admin_only
@DESKTOP.way
def windows() -> list[WindowModel]:
    """Windows that could be games."""
    return [window_model(window) for window in capture.list_windows()]


@router.post("/sessions", status_code=201)
@admin_only
def create_session(wanted: SessionRequest, registry: Registry) -> SessionModel:
    """Start playing a game; attaching goes on after the answer (see ``state``)."""
    return session_model(registry.create(wanted))


@router.get("/sessions")
@allow(Scope.DECK, Scope.OVERLAY)
def list_sessions(registry: Registry) -> list[SessionModel]:
    """All sessions, oldest first."""
    return [session_model(session) for session in registry.all()]


@router.get("/sessions/{session_id}")
@allow(Scope.DECK, Scope.OVERLAY)
def get_session(session_id: str, registry: Registry) -> SessionModel:
    """One session as it is now."""
    return session_model(registry.get(session_id))


@router.delete("/sessions/{session_id}", status_code=204)
@allow(Scope.DECK)
def delete_session(session_id: str, registry: Registry) -> Response:
    """End a session; when this returns the pad is neutral and the game runs."""
    registry.steer(session_id, lambda session: session.stop("deleted through the API"))
    return Response(status_code=204)


@router.post("/sessions/{session_id}/autoplay")
@allow(Scope.DECK)
def autoplay(session_id: str, wanted: AutoplayRequest, registry: Registry) -> SessionModel:
    """Let the agent play, or the human.  Saying it twice changes nothing."""
    session = registry.steer(session_id, Session.play if wanted.enabled else Session.pause)
    return session_model(session)


async def read_body(request: Request) -> bytes:
    """The request's body."""
    try:
        return await request.body()
    except ClientDisconnect:
        raise ImageInvalid("the body was cut off", "send a whole file") from None


@router.post(
    "/predict",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("image/png", "image/jpeg", RAW)
            },
        }
    },
)
@admin_only
@PREDICTIONS.way
def predict(
    request: Request,
    registry: Registry,
    body: Annotated[bytes, Depends(read_body)],
    policy: Annotated[str | None, Query(min_length=1)] = None,
    game: Annotated[str | None, Query()] = None,
    cfg_scale: Annotated[float, Query(ge=0, le=20, allow_inf_nan=False)] = 1.0,
    seed: Annotated[int | None, Query(ge=0, lt=2**63)] = None,
    width: Annotated[int | None, Query(ge=1, le=MAX_SIDE, description="Of raw pixels")] = None,
    height: Annotated[int | None, Query(ge=1, le=MAX_SIDE, description="Of raw pixels")] = None,
) -> PredictAnswer:
    """A picture in, a chunk of actions out.

    A PNG or JPEG file; or raw pixels as application/octet-stream: RGB, a byte each, row by
    row from the top, with their width and height in the query.
    """
    if request.headers.get("content-type") == RAW or width is not None or height is not None:
        pixels = raw_picture(body, width, height)
    else:
        pixels = decode_picture(body)
    with closing(registry.pool.get(policy, plays=False)) as engine:
        spec = engine.spec
        blank = np.zeros((spec.frames, 3, spec.image_size, spec.image_size), np.float32)
        blank[-1] = observe(pixels, spec.image_size)[0]
        noise = engine.draw_noise(np.random.default_rng(seed))
        chunk = engine.infer(blank, noise, dropped=spec.frames - 1, game=game, cfg_scale=cfg_scale)
    decoded = decode(chunk.actions, old_layout=spec.old_layout)
    return PredictAnswer(
        policy=policy_model(spec),
        engine=engine_model(engine.info),
        actions=chunk.actions.tolist(),
        decoded=[
            DecodedAction(
                j_left=tuple(decoded.j_left[step].tolist()),
                j_right=tuple(decoded.j_right[step].tolist()),
                buttons=tuple(sorted(decoded.pressed(step))),
            )
            for step in range(len(chunk.actions))
        ],
        seconds=dict(chunk.seconds),
    )
