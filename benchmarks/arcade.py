"""How fast the arcade is in process: ``python -m benchmarks.arcade``.

A step is one of the game and its picture.  Seconds are those of the processor, so that what
else runs here does not count.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from nitropilot.simulator.arcade.game import Game
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.arcade.trials import expert, play

STEPS = 1500
RESET = """
import sys, time
from nitropilot.simulator.arcade.game import Game
game, level = Game(sys.argv[1]), int(sys.argv[2])
import cv2, pygame
for seed in (5, 6):
    begin = time.process_time()
    game.reset(seed, level)
    game.draw()
    print(time.process_time() - begin)
"""
"""The first level of a process, and the second."""


def speed(name: str, size: int) -> float:
    """Steps a second with a picture of this size each."""
    task, game = TASKS[name], Game(TASKS[name].rules.name)
    seconds, steps, seed = 0.0, 0, 0
    while steps < STEPS:
        trace = play(task, seed, expert(task, seed)).trace
        game.reset(seed, task.level)
        game.draw(size)
        begin = time.process_time()
        for state in trace:
            game.step(state)
            game.draw(size)
        seconds += time.process_time() - begin
        steps, seed = steps + len(trace), seed + 1
    return steps / seconds


def resets(name: str) -> tuple[float, float]:
    """Seconds from ``reset`` to the first picture, in a fresh process: the first, the second."""
    task = TASKS[name]
    words = [sys.executable, "-c", RESET, task.rules.name, str(task.level)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    first, second = said.splitlines()[-2:]
    return float(first), float(second)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", action="append", choices=list(TASKS), help="only this one")
    options = parser.parse_args()
    print("task       steps/s at 256 px   at 128 px   reset ms: first   next")
    for name in options.task or TASKS:
        whole, half = speed(name, 256), speed(name, 128)
        first, following = (1000 * seconds for seconds in resets(name))
        print(f"{name:10} {whole:17.0f} {half:11.0f} {first:17.0f} {following:6.0f}", flush=True)


if __name__ == "__main__":
    main()
