"""Press what leads a launched game from its first picture into play."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nitropilot.agent.cancelling import POLL_S
from nitropilot.agent.pad.guards import parse_buttons
from nitropilot.controller.state import NEUTRAL, GamepadState

if TYPE_CHECKING:
    from nitropilot.agent.target.game import Game

TAP_S = 0.15
SLOW_FPS = 10.0
"""A game that reads its pad less often than this is still loading, and would miss a press."""
LOADING_S = 30.0
"""How much longer than asked to wait for it."""


def press_opening(game: Game, epoch: int) -> None:
    """Press the recipe's opening buttons, if the game was launched from a recipe.

    Stops early when the controls are let go.

    Raises:
        NitroPilotError: The game ended, or the pad failed.
    """
    if game.launched is None:
        return
    for wait, button in game.launched.recipe.opening:
        _let_pass(game, wait, epoch)
        press = GamepadState(buttons=parse_buttons([button]))
        if not game.controls.send(press, epoch):
            return
        _let_pass(game, TAP_S, epoch, press)
        game.controls.send(NEUTRAL, epoch)


def _let_pass(game: Game, seconds: float, epoch: int, press: GamepadState | None = None) -> None:
    """Wait, and longer while the game is too busy to read its pad; ``press`` stays pressed."""
    over = time.monotonic() + seconds
    enough = _reads(game) + seconds * SLOW_FPS
    while game.controls.epoch == epoch:
        left = over - time.monotonic()
        if left <= 0:
            game.check_running()
            if _reads(game) >= enough or game.pad_warning or left < -LOADING_S:
                return
        if press is not None:
            game.controls.send(press, epoch)
        time.sleep(min(left, POLL_S) if left > 0 else 0.02)


def _reads(game: Game) -> float:
    """How often the game has read its pad; no limit where that cannot be known."""
    return game.page.status().polls if game.page is not None else float("inf")
