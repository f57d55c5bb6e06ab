"""``python -m nitropilot.simulator.arcade TASK``: play one of the games with a gamepad."""

from __future__ import annotations

import argparse
import sys

from nitropilot.simulator.arcade.game import ArcadeError, Game
from nitropilot.simulator.arcade.rules import RULES
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.arcade.window import Window


def main() -> int:
    """Open the window and play until it is closed."""
    games = "; ".join(f"{rules.name} ({rules.genre}): {rules.pad}" for rules in RULES.values())
    parser = argparse.ArgumentParser("nitropilot.simulator.arcade", epilog=games)
    parser.add_argument("task", choices=list(TASKS), metavar="TASK", help=", ".join(TASKS))
    parser.add_argument("--seed", type=int, default=0, help="of the first level (default 0)")
    parser.add_argument("--scale", type=int, default=2, choices=range(1, 9), metavar="1-8",
                        help="pixels of the window for one of the picture (default 2)")  # fmt: skip
    options = parser.parse_args()
    task = TASKS[options.task]
    game = Game(task.rules.name)
    try:
        game.reset(options.seed, task.level)
    except ArcadeError as error:
        print(error.line(), file=sys.stderr)
        return 2
    Window(game, options.scale).play()
    return 0


if __name__ == "__main__":
    sys.exit(main())
