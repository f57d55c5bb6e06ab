"""A game without SDL whose window does what a test tells it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from nitropilot.agent.target.launch import LaunchedGame, launch
from nitropilot.agent.target.recipe import Recipe
from nitropilot.agent.target.taking import take_hold
from tests.support.places import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent import Game

WINDOW_PROGRAM = "tests.agent.window_game"


class WindowGame:
    """The program of ``tests.agent.window_game``, launched as a game of ours.

    Args:
        folder: For its pipe and its output.
        display: Where it shows.
        program: What Python runs, with the pipe as its last argument.
    """

    def __init__(
        self, folder: Path, display: str, program: tuple[str, ...] = ("-m", WINDOW_PROGRAM)
    ) -> None:
        self._pipe = folder / "commands"
        os.mkfifo(self._pipe)
        recipe = Recipe(
            "window",
            sys.executable,
            (*program, str(self._pipe)),
            private_profile=False,
            environment=(("PYTHONPATH", str(ROOT)),),
        )
        self.launched: LaunchedGame = launch(recipe, log=folder / "window.log", display=display)
        self.pid = self.launched.process.pid

    def open(self, _log: Path) -> Game:
        """Take hold of it, as a session does; the game outlives the session."""
        game = take_hold(self.launched.window, self.launched, "auto", freeze_limit=30.0)
        game.launched.keep = True
        return game

    def tell(self, command: str) -> None:
        """Give a command."""
        self._pipe.write_text(command + "\n")
