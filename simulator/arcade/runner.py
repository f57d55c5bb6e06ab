"""``python -m nitropilot.simulator.arcade.runner``: a stroll of the runner, without an end.

Nothing in its picture moves unless the walker does, and nothing can go wrong: that is what a
pad and a grabber are tried on.  Levels: ``python -m nitropilot.simulator.arcade runner-1``.
"""

from __future__ import annotations

from nitropilot.simulator.arcade.game import Game
from nitropilot.simulator.arcade.games.runner.world import RunnerWorld
from nitropilot.simulator.arcade.window import Window


def main() -> None:
    """Open the window and play until it is closed."""
    game = Game("runner")
    game.start(RunnerWorld.stroll())
    Window(game).play()


if __name__ == "__main__":
    main()
