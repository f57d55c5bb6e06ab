"""``python -m nitropilot.simulator.arcade.judged TASK --seed N``: one level in its window, told.

The program that environments launch.  It plays one level with the pads that are plugged in, from
its first picture to its end and on, and says before each picture how the game stands in it, a line
on stdout:

    NP {"state": {...}, "rungs": [2, 7], "expert": {"left": [1.0, 0.0], ..., "buttons": 1}}

``state`` is ``Game.state()``, ``rungs`` those that are climbed and all, and ``expert`` what the
game's script would press then (null once it is over).  Nothing is said, and no step made, before
START is pressed: whoever launched it may need a while to take hold of it.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from nitropilot.controller.state import Button, GamepadState
from nitropilot.simulator.arcade.game import Game
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.arcade.window import Pace, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

MARK = "NP "


def told(game: Game) -> str:
    """How a game stands, as a line."""
    expert = None if game.over else plain_pad(game.expert())
    return MARK + json.dumps({"state": game.state(), "rungs": game.world.rungs(), "expert": expert})


def plain_pad(state: GamepadState) -> dict[str, Any]:
    """A pad's state as plain values."""
    return {
        "left": list(state.left), "right": list(state.right),
        "left_trigger": state.left_trigger, "right_trigger": state.right_trigger,
        "buttons": int(state.buttons),
    }  # fmt: skip


def pad_told(said: dict[str, Any]) -> GamepadState:
    """The pad's state that ``plain_pad`` said."""
    (left_x, left_y), (right_x, right_y) = said["left"], said["right"]
    return GamepadState(
        (left_x, left_y), (right_x, right_y), said["left_trigger"], said["right_trigger"],
        Button(said["buttons"]),
    )  # fmt: skip


def main(words: Sequence[str] | None = None) -> None:
    """Open the window and play until it is closed."""
    parser = argparse.ArgumentParser("nitropilot.simulator.arcade.judged")
    parser.add_argument("task", choices=list(TASKS))
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args(words)
    task = TASKS[options.task]
    game = Game(task.rules.name)
    game.reset(options.seed, task.level)
    window, pace = Window(game, scale=1), Pace()
    while window.poll() and not any(pad.buttons & Button.START for pad in window.read()):
        window.show()
        pace.wait()
    print(told(game), flush=True)
    window.show()
    pace.wait()
    while window.poll():
        window.advance()
        print(told(game), flush=True)  # before its picture, at which lockstep holds us
        window.show()
        pace.wait()


if __name__ == "__main__":
    main()
