"""A stand-in for the daemon: holds a game in some way, says so, and then ends as it is told.

usage: python -m tests.controller.hand.daemon GAME PAGE WHAT END

WHAT is "frozen", "pressed" (a plan that it goes on wanting), or "passed" (a human's state).
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from nitropilot.controller.hand.hand import Hand
from nitropilot.controller.hand.leases import Step
from nitropilot.controller.state import Button, GamepadState

assert sys.platform != "win32"
PUSH = GamepadState(left=(1.0, 0.0), buttons=Button.A)


def main(game: str, page: str, what: str, end: str) -> None:
    """Hold, say the hand's id and those of children, and end."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hand = Hand.start(int(game), page=Path(page))
    if what == "passed":
        hand.pass_on(PUSH)
        threading.Thread(target=hold, args=(hand,), daemon=True).start()
    else:
        hand.arm(1)
        threading.Thread(target=press, args=(hand,), daemon=True).start()
    if what == "frozen":
        time.sleep(0.05)
        hand.freeze(1)
        threading.Thread(target=compute, args=(hand,), daemon=True).start()
    children = start_children() if end == "children" else []
    print(hand.pid, *children, flush=True)
    if end == "sys.exit":
        sys.exit(3)
    if end == "os._exit":
        os._exit(0)
    if end == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(600)


def hold(hand: Hand) -> None:
    """A human holds a button."""
    while True:
        hand.pass_on(PUSH)
        time.sleep(0.1)


def press(hand: Hand) -> None:
    """One plan after the other, all the same."""
    for number in range(10**6):
        if not hand.frozen:
            start = time.perf_counter()
            steps = [Step(number * 10 + n, start + n * 0.016, PUSH) for n in range(10)]
            hand.play(1, 1, number, steps, 0.016)
        time.sleep(0.05)


def compute(hand: Hand) -> None:
    """The engine is busy for ever."""
    with hand.computing():
        time.sleep(600)


def start_children() -> list[int]:
    """A program that inherits all it can, and a fork of this process."""
    program = subprocess.Popen(["sleep", "600"], close_fds=False)
    fork = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    fork.start()
    assert fork.pid is not None
    return [program.pid, fork.pid]


if __name__ == "__main__":
    main(*sys.argv[1:])
