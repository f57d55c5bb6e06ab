"""The ids under which Gymnasium makes our environments.

``NitroPilot/Runner-v0`` is the first task of a game, ``NitroPilot/Runner-3-v0`` one by name.
"""

from __future__ import annotations

import gymnasium

from nitropilot.simulator.arcade.tasks import TASKS

NAMESPACE = "NitroPilot"


def register() -> None:
    """Tell Gymnasium of every task; does nothing for those that it knows."""
    for name, task in TASKS.items():
        game, number = name.rsplit("-", 1)
        spelled = [f"{NAMESPACE}/{game.title()}-{number}-v0"]
        if task.level == 0:
            spelled.insert(0, f"{NAMESPACE}/{game.title()}-v0")
        for one in spelled:
            if one not in gymnasium.registry:
                gymnasium.register(
                    one,
                    entry_point="nitropilot.simulator.environments.arcade_env:ArcadeEnv",
                    kwargs={"task": name},
                )
