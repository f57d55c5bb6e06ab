"""NitroPilot: an AI plays any PC game from its pixels through a virtual gamepad.

    import nitropilot

    policy = nitropilot.load_policy("ng.pt")                          # the network, in torch
    engine = nitropilot.load_engine("ng.pt")                          # what runs it fastest here
    game = nitropilot.open_game(nitropilot.Target(process="mygame"))  # window, pad and pauser
    session = nitropilot.Session(plan)                                # a play of it

Importing this package is cheap: what it offers is loaded when first used.  The rooms are
packages in it, such as ``nitropilot.capture`` and ``nitropilot.agent``; what lies here is
what all of them share.
"""

from __future__ import annotations

import os
import sys

if sys.argv[:1] == ["-m"] and not sys.flags.safe_path and sys.path[0] == os.getcwd():  # noqa: PTH109
    # ``python -m nitropilot`` would look into the current folder before anything else, and a
    # player's typing.py is none of ours.  The rooms are found all the same, see ``__path__``.
    del sys.path[0]

from importlib import import_module
from typing import TYPE_CHECKING

from nitropilot.errors import NitroPilotError
from nitropilot.version import __version__

__all__ = [
    "NitroPilotError",
    "PlaySettings",
    "Session",
    "SessionPlan",
    "Target",
    "__version__",
    "find_recipe",
    "find_window",
    "list_windows",
    "load_engine",
    "load_policy",
    "open_game",
    "open_gamepad",
    "open_grabber",
    "open_policy",
    "random_policy",
]

_HERE = os.path.dirname(__file__)  # noqa: PTH120 - pathlib would double what importing this costs
if not os.path.isdir(os.path.join(_HERE, "agent")):  # noqa: PTH112, PTH118
    # A checkout: the rooms lie beside this folder, and in it only when installed.
    __path__.append(os.path.dirname(_HERE))  # noqa: PTH120

if TYPE_CHECKING:
    from nitropilot.agent import PlaySettings, Session, SessionPlan, Target, open_game
    from nitropilot.capture import find_window, list_windows, open_grabber
    from nitropilot.controller import open_gamepad
    from nitropilot.engines import load_engine
    from nitropilot.policy import load_policy, open_policy, random_policy
    from nitropilot.simulator.catalogue import find_recipe
else:
    _HOME = {
        "agent": ("PlaySettings", "Session", "SessionPlan", "Target", "open_game"),
        "capture": ("find_window", "list_windows", "open_grabber"),
        "controller": ("open_gamepad",),
        "engines": ("load_engine",),
        "policy": ("load_policy", "open_policy", "random_policy"),
        "simulator.catalogue": ("find_recipe",),
    }
    _ROOM = {name: room for room, names in _HOME.items() for name in names}

    def __getattr__(name: str) -> object:
        if name not in _ROOM:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"nitropilot.{_ROOM[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
