"""From rooms' objects to API models."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from server.schemas import (
    EndModel,
    EngineModel,
    PadModel,
    PolicyModel,
    SessionModel,
    SessionRecordingModel,
    WindowModel,
)

if TYPE_CHECKING:
    from agent import Session
    from capture import Window
    from engines import EngineInfo, PolicySpec


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
    )


def engine_model(info: EngineInfo) -> EngineModel:
    """An engine as the API shows it."""
    return EngineModel(
        name=info.name, device=info.device, precision=info.precision, reason=info.reason
    )


def session_model(session: Session) -> SessionModel:
    """A session as it is now; reads only, from any thread."""
    game, engine, loop, end = session.game, session.engine, session.loop, session.end
    window = loop.window if loop else game.grabber.window if game else None
    return SessionModel(
        id=session.id,
        state=session.state.value,
        created=session.created,
        restart_of=session.plan.restart_of,
        game=window_model(window) if window else None,
        policy=policy_model(engine.spec) if engine else None,
        engine=engine_model(engine.info) if engine else None,
        pad=PadModel(name=game.controls.pad.name, reason=game.pad_reason) if game else None,
        pauser=pauser_description() if game else None,
        mode=session.mode.mode if session.mode else None,
        mode_reason=session.mode.reason if session.mode else "",
        waiting_for=loop.waiting_for if loop else "",
        held_back=dict(loop.guard.held_back) if loop else {},
        stats=session.stats.summary(),
        recording=SessionRecordingModel(**vars(session.recording.state)),
        folder=str(session.plan.folder),
        end=EndModel(code=end.code, reason=end.reason, hint=end.hint) if end else None,
    )
