"""Play a game: the ``Game`` handle, the play loop and the session around it.

Importing this package is cheap; its parts load when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__all__ = [
    "AgentError",
    "End",
    "Game",
    "GameExited",
    "GameHung",
    "LaunchFailed",
    "MenuGuard",
    "Mode",
    "NotPossibleNow",
    "PadEffect",
    "PlaySettings",
    "Recipe",
    "Session",
    "SessionPlan",
    "SessionState",
    "Target",
    "measure_effect",
    "open_game",
    "parse_buttons",
]

if TYPE_CHECKING:
    from nitropilot.agent.errors import (
        AgentError,
        GameExited,
        GameHung,
        LaunchFailed,
        NotPossibleNow,
    )
    from nitropilot.agent.pad.guards import MenuGuard, parse_buttons
    from nitropilot.agent.play.settings import Mode, PlaySettings
    from nitropilot.agent.session.plan import SessionPlan
    from nitropilot.agent.session.session import Session
    from nitropilot.agent.session.states import SessionState
    from nitropilot.agent.target.effect import PadEffect, measure_effect
    from nitropilot.agent.target.game import Game
    from nitropilot.agent.target.recipe import Recipe, Target
    from nitropilot.agent.target.taking import open_game
    from nitropilot.agent.values import End
else:
    _LATE = {
        "target.effect": ("PadEffect", "measure_effect"),
        "errors": ("AgentError", "GameExited", "GameHung", "LaunchFailed", "NotPossibleNow"),
        "target.game": ("Game",),
        "pad.guards": ("MenuGuard", "parse_buttons"),
        "session.plan": ("SessionPlan",),
        "target.taking": ("open_game",),
        "target.recipe": ("Recipe", "Target"),
        "session.session": ("Session",),
        "play.settings": ("Mode", "PlaySettings"),
        "session.states": ("SessionState",),
        "values": ("End",),
    }
    _HOME = {name: module for module, names in _LATE.items() for name in names}

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"nitropilot.agent.{_HOME[name]}"), name)
