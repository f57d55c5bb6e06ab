"""From rooms' objects to API models."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nitropilot.server.schemas.models import (
    EndModel,
    EngineModel,
    PadModel,
    PolicyModel,
    RestartModel,
    SessionModel,
    SessionRecordingModel,
    WindowModel,
)
from nitropilot.texts import shown

if TYPE_CHECKING:
    from nitropilot.agent import Session
    from nitropilot.agent.values import SessionFacts
    from nitropilot.capture import Window
    from nitropilot.engines import EngineInfo, PolicySpec


def pauser_description() -> str:
    """How games are paused on this system."""
    how = "NtSuspendProcess" if sys.platform == "win32" else "SIGSTOP and SIGCONT"
    return f"{how} on the game's process tree, through psutil"


def window_model(window: Window) -> WindowModel:
    """A window as the API shows it."""
    return WindowModel(
        handle=window.handle,
        pid=window.pid,
        executable=window.executable,
        title=window.title,
        left=window.rect.left,
        top=window.rect.top,
        width=window.rect.width,
        height=window.rect.height,
        minimised=window.minimised,
    )


def policy_model(spec: PolicySpec) -> PolicyModel:
    """A policy as the API shows it."""
    return PolicyModel(
        name=spec.name,
        random=spec.is_random,
        horizon=spec.horizon,
        steps=spec.steps,
        image_size=spec.image_size,
        games=tuple(spec.games),
        actions=spec.actions,
        trained_on=spec.trained_on,
    )


def engine_model(info: EngineInfo) -> EngineModel:
    """An engine as the API shows it."""
    return EngineModel(
        name=info.name, device=info.device, precision=info.precision, reason=info.reason
    )


def session_model(session: Session) -> SessionModel:
    """A session as it is now; reads only, from any thread."""
    return facts_model(session.facts())


def facts_model(facts: SessionFacts) -> SessionModel:
    """What is known of a session, as the API shows it."""
    pad, end = facts.pad, facts.end
    return SessionModel(
        id=facts.id,
        state=facts.state,
        created=facts.created,
        restart_of=facts.restart_of,
        restart=RestartModel(**vars(facts.restart)) if facts.restart else None,
        game=window_model(facts.window) if facts.window else None,
        policy=policy_model(facts.policy) if facts.policy else None,
        unfamiliar=facts.unfamiliar,
        engine=engine_model(facts.engine) if facts.engine else None,
        pad=PadModel(name=pad, reason=facts.pad_reason) if pad is not None else None,
        pauser=pauser_description() if pad is not None else None,
        mode=facts.mode,
        mode_reason=facts.mode_reason,
        waiting_for=facts.waiting_for,
        held_back=dict(facts.held_back),
        stats=facts.stats(),
        recording=SessionRecordingModel(**vars(facts.recording)),
        trace_warning=facts.trace_warning,
        folder=shown(facts.folder),
        end=EndModel(code=end.code, reason=end.reason, hint=end.hint) if end else None,
    )
