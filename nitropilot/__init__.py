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


def _leave_current_folder() -> None:
    """Of ``python -m nitropilot``, before anything else is imported.

    ``-m`` looks into the current folder first, and a player's typing.py is none of ours. The
    rooms are found all the same, see ``__path__``. Other programs keep what they have.
    """
    if sys.argv[:1] != ["-m"] or sys.flags.safe_path:
        return
    module = sys.orig_argv[-len(sys.argv)].removeprefix("-m")
    try:
        here = os.getcwd()  # noqa: PTH109 - pathlib is not imported yet
    except OSError:  # the folder is gone, and what it had as well
        return
    if module.partition(".")[0] == __name__ and sys.path[0] == here:
        del sys.path[0]


_leave_current_folder()

from importlib import import_module  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402

from nitropilot.errors import NitroPilotError  # noqa: E402
from nitropilot.version import __version__  # noqa: E402

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
if not os.path.isfile(os.path.join(_HERE, "agent", "__init__.py")):  # noqa: PTH113, PTH118
    # A checkout: the rooms lie beside this folder, and in it only when installed.
    __path__.append(os.path.dirname(_HERE))  # noqa: PTH120

if TYPE_CHECKING:
    from nitropilot.agent import PlaySettings, Session, SessionPlan, Target, open_game
    from nitropilot.capture import find_window, list_windows, open_grabber
    from nitropilot.controller import open_gamepad
    from nitropilot.engines import load_engine
    from nitropilot.policy import load_policy, open_policy, random_policy
    from nitropilot.simulator.games.recipes import find_recipe
else:
    _HOME = {
        "agent": ("PlaySettings", "Session", "SessionPlan", "Target", "open_game"),
        "capture": ("find_window", "list_windows", "open_grabber"),
        "controller": ("open_gamepad",),
        "engines": ("load_engine",),
        "policy": ("load_policy", "open_policy", "random_policy"),
        "simulator.games.recipes": ("find_recipe",),
    }
    _PLACE = {name: place for place, names in _HOME.items() for name in names}
    _ROOMS = {place.partition(".")[0] for place in _HOME} | {"records", "server"}

    def __getattr__(name: str) -> object:
        if name in _ROOMS:
            return import_module(f"nitropilot.{name}")
        if name not in _PLACE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"nitropilot.{_PLACE[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
