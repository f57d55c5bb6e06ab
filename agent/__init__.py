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
    from agent.effect import PadEffect, measure_effect
    from agent.errors import AgentError, GameExited, GameHung, LaunchFailed, NotPossibleNow
    from agent.game import Game, Target, open_game
    from agent.guards import MenuGuard, parse_buttons
    from agent.plan import SessionPlan
    from agent.recipes import Recipe
    from agent.session import Session
    from agent.settings import Mode, PlaySettings
    from agent.states import SessionState
    from agent.values import End
else:
    _LATE = {
        "effect": ("PadEffect", "measure_effect"),
        "errors": ("AgentError", "GameExited", "GameHung", "LaunchFailed", "NotPossibleNow"),
        "game": ("Game", "Target", "open_game"),
        "guards": ("MenuGuard", "parse_buttons"),
        "plan": ("SessionPlan",),
        "recipes": ("Recipe",),
        "session": ("Session",),
        "settings": ("Mode", "PlaySettings"),
        "states": ("SessionState",),
        "values": ("End",),
    }
    _HOME = {name: module for module, names in _LATE.items() for name in names}

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"agent.{_HOME[name]}"), name)
