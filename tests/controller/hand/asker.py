"""A stand-in for an environment's process: steps a game, or runs it for a while, line by line.

usage: python -m tests.controller.hand.asker GAME PAD CLOCK WAY LEASE

WAY is "step" or "run".  It says the hand's id; then, for each line of stdin, it lets the game go
on by 1/60 s with a button pressed, and says how that went.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nitropilot.controller.clock.clock_page import STEP_S, ClockPage
from nitropilot.controller.errors import ControllerError
from nitropilot.controller.hand.step_hand import StepHand
from nitropilot.controller.state import Button, GamepadState

PUSH = GamepadState(left=(1.0, 0.0), buttons=Button.A)
LONG_S = 600.0


def main(game: str, pad: str, clock: str, way: str, lease: str) -> None:
    """Hold, and go on."""
    hand = StepHand.start(
        int(game), page=Path(pad), clock=Path(clock), freeze_lease=float(lease), stays=True
    )
    page = ClockPage.open(Path(clock))
    hand.arm(1)
    if way == "step":
        hand.stand(1)
    else:
        hand.freeze(1)
    print(hand.pid, flush=True)
    for _ in sys.stdin:
        try:
            if way == "step":
                print(hand.step(1, PUSH), flush=True)
            else:
                print(hand.run(1, PUSH, page.virtual_time() + STEP_S, LONG_S), flush=True)
        except ControllerError as error:
            print(error.code, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
