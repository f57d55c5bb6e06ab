"""Press what leads a launched game from its first picture into play."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.guards import parse_buttons
from controller.state import NEUTRAL, GamepadState

if TYPE_CHECKING:
    from agent.game import Game

TAP_S = 0.15


def press_opening(game: Game, grant: int) -> None:
    """Press the recipe's opening buttons, if the game was launched from a recipe.

    Stops early when the controls are let go.

    Raises:
        NitroPilotError: The game ended, or the pad failed.
    """
    if game.launched is None:
        return
    for wait, button in game.launched.recipe.opening:
        time.sleep(wait)
        game.check_running()
        if not game.controls.send(GamepadState(buttons=parse_buttons([button])), grant):
            return
        time.sleep(TAP_S)
        game.controls.send(NEUTRAL, grant)
