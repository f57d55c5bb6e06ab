"""What a session says of itself to its trace and to its recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.recorder import About
from nitropilot import __version__

if TYPE_CHECKING:
    from agent.game import Game
    from agent.modes import ModeChoice
    from agent.settings import PlaySettings
    from engines.base import Engine


def trace_header(
    session: str, settings: PlaySettings, game: Game, engine: Engine, mode: ModeChoice
) -> dict[str, object]:
    """What the first line of the trace says of a session."""
    return {
        "nitropilot": __version__,
        "session": session,
        "game": {"window": game.window.handle, "pid": game.window.pid,
                 "executable": game.window.executable, "title": game.window.title},
        "policy": {"name": engine.spec.name, "fingerprint": engine.spec.fingerprint,
                   "random": engine.spec.is_random},
        "engine": {"name": engine.info.name, "device": engine.info.device,
                   "precision": engine.info.precision},
        "pad": game.controls.pad.name,
        "mode": mode.mode,
        "mode_reason": mode.reason,
        "action_hz": settings.action_hz,
        "actions_per_chunk": settings.actions_per_chunk or engine.spec.horizon,
        "seed": settings.seed,
    }  # fmt: skip


def about_recording(session: str, game: Game, engine: Engine) -> About:
    """What a recording of a session says of itself; never a window's title."""
    spec, info = engine.spec, engine.info
    policy = {"name": spec.name, "fingerprint": spec.fingerprint, "random": spec.is_random}
    return About(
        session,
        game.window.executable,
        {"policy": policy, "engine": f"{info.name} on {info.device}", "source": "nitropilot"},
    )
