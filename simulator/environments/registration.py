"""The ids under which Gymnasium makes our environments.

``NitroPilot/Runner-v0`` is the first task of a game, ``NitroPilot/Runner-3-v0`` one by its number.
"""

from __future__ import annotations

import gymnasium

from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.games.known import GAME_TASKS

NAMESPACE = "NitroPilot"
ATTACH = f"{NAMESPACE}/Attach-v0"
"""Any running game: which one is said when it is made."""
PLACE = "nitropilot.simulator.environments"


def register() -> None:
    """Tell Gymnasium of every task; does nothing for those that it knows."""
    for name in TASKS:
        _register(name, name.rpartition("-")[0].title(), f"{PLACE}.arcade_env:arcade_env")
    for name, (game, _) in GAME_TASKS.items():
        _register(name, game.title.replace(" ", ""), f"{PLACE}.game_env:GameEnv")

    if ATTACH not in gymnasium.registry:
        gymnasium.register(ATTACH, entry_point=f"{PLACE}.attach_env:AttachEnv")


def _register(task: str, game: str, entry_point: str) -> None:
    number = task.rpartition("-")[2]
    spelled = [f"{NAMESPACE}/{game}-v0"] if number == "1" else []
    for one in (*spelled, f"{NAMESPACE}/{game}-{number}-v0"):
        if one not in gymnasium.registry:
            gymnasium.register(one, entry_point=entry_point, kwargs={"task": task})
