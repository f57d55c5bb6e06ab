"""The routes that steer sessions: toggle, pause, resume, step, guard, takeover, panic.

Those that a Stream Deck needs are of scope ``deck``; what an agent may press at all is for
admin to say.
"""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter

from nitropilot.agent import Session
from nitropilot.agent.pad.guards import MENU_BUTTONS
from nitropilot.agent.session.takeover import TakeoverSettings
from nitropilot.server.api.routes import Registry
from nitropilot.server.auth.identity import Scope
from nitropilot.server.auth.scopes import ScopedRoute, admin_only, allow
from nitropilot.server.options.play import Control
from nitropilot.server.schemas.models import SessionModel
from nitropilot.server.schemas.sessions import (
    GuardAnswer,
    GuardRequest,
    MenuButton,
    PanicAnswer,
    TakeoverModel,
    ToggleAnswer,
)
from nitropilot.server.schemas.views import session_model
from nitropilot.server.sessions.panic import panic, toggle_all

router = APIRouter(prefix="/api/v1", route_class=ScopedRoute)


@router.post("/sessions/{session_id}/autoplay/toggle")
@allow(Scope.DECK)
def toggle_autoplay(session_id: str, registry: Registry) -> SessionModel:
    """Pause when the agent plays, let it play when it does not: for one key of a deck."""
    session = registry.steer(session_id, lambda one: one.control.toggle())
    return session_model(session)


@router.post("/sessions/{session_id}/pause")
@allow(Scope.DECK)
def pause_session(session_id: str, registry: Registry) -> SessionModel:
    """The agent stops pressing; the game runs.  Saying it twice changes nothing."""
    session = registry.steer(session_id, Session.pause)
    return session_model(session)


@router.post("/sessions/{session_id}/resume")
@allow(Scope.DECK)
def resume_session(session_id: str, registry: Registry) -> SessionModel:
    """The agent plays again, also after a takeover.  Saying it twice changes nothing."""
    session = registry.steer(session_id, Session.play)
    return session_model(session)


@router.post("/sessions/{session_id}/step")
@allow(Scope.DECK)
def step_session(session_id: str, registry: Registry) -> SessionModel:
    """Play exactly one chunk, then pause again; refused while the agent plays.

    Answers at once: the state is ``playing`` until the chunk is over.
    """
    session = registry.steer(session_id, lambda one: one.control.step())
    return session_model(session)


@router.get("/sessions/{session_id}/guard")
@allow(Scope.DECK, Scope.OVERLAY)
def get_guard(session_id: str, registry: Registry) -> GuardAnswer:
    """Which controls the agent may use, and what was held back."""
    return _guard_answer(registry.get(session_id))


@router.put("/sessions/{session_id}/guard")
@admin_only
def put_guard(session_id: str, wanted: GuardRequest, registry: Registry) -> GuardAnswer:
    """Let the agent use only these controls, from its next action on."""
    session = registry.steer(session_id, lambda one: one.control.limit(wanted.controls))
    return _guard_answer(session)


@router.get("/sessions/{session_id}/takeover")
@allow(Scope.DECK, Scope.OVERLAY)
def get_takeover(session_id: str, registry: Registry) -> TakeoverModel:
    """How a human takes over with a physical pad."""
    return _takeover_model(registry.get(session_id))


@router.put("/sessions/{session_id}/takeover")
@admin_only
def put_takeover(session_id: str, wanted: TakeoverModel, registry: Registry) -> TakeoverModel:
    """Set how a human takes over; applies at once."""
    settings = TakeoverSettings(wanted.pad, wanted.idle_seconds)
    session = registry.steer(session_id, lambda one: one.control.set_takeover(settings))
    return _takeover_model(session)


@router.post("/autoplay/toggle")
@allow(Scope.DECK)
def toggle_everything(registry: Registry) -> ToggleAnswer:
    """Pause every agent that plays; if none does, let all play: as the hotkey, without an id."""
    done = toggle_all(registry)
    return ToggleAnswer(
        done=done, sessions=tuple(session_model(session) for session in registry.all())
    )


@router.post("/panic")
@allow(Scope.DECK)
def panic_all(registry: Registry) -> PanicAnswer:
    """All sessions: neutral pads, running games, autoplay off.

    Sessions that are still attaching end.  Saying it twice changes nothing.
    """
    done = panic(registry)
    return PanicAnswer(
        sessions=tuple(session_model(session) for session in registry.all()),
        let_go=tuple(done.let_go),
        trouble=tuple(done.trouble),
    )


def _guard_answer(session: Session) -> GuardAnswer:
    guard = session.control.guard
    menu = [b.name.lower() for b in MENU_BUTTONS if b.name and b & guard.menu_allowed]
    return GuardAnswer(
        controls=cast(tuple[Control, ...], guard.controls),
        menu_buttons=cast(tuple[MenuButton, ...], tuple(menu)),
        held_back=dict(guard.held_back),
    )


def _takeover_model(session: Session) -> TakeoverModel:
    settings = session.control.takeover_settings
    return TakeoverModel(pad=settings.pad, idle_seconds=settings.idle_seconds)
