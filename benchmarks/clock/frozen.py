"""What a frozen step costs beyond its game time: SuperTux in the paused track.

    python -m benchmarks.clock.frozen [--json] [--steps 600] [--size 480x640] [--think 20]

A step of the environment writes the pad, lets the game run for 1/60 s, freezes it, takes the
picture and judges.  Between two steps the caller thinks for a random time, which is not counted.
Target: 15 ms median at 640x480.  The game's own computing shares the processor with it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import time

import numpy as np

from nitropilot.simulator.environments.game_env import GameEnv
from nitropilot.simulator.environments.task_env import HZ

TASK = "supertux-2"


def overheads(steps: int, size: tuple[int, int], think: float) -> list[float]:
    """Milliseconds that each step took, less 1/60 s."""
    dice, still = random.Random(1), np.zeros(20, np.float32)
    env = GameEnv(TASK, size=size, track="paused")
    found: list[float] = []
    try:
        while len(found) < steps:
            env.reset(seed=1)
            over = False
            while not over and len(found) < steps:
                time.sleep(dice.random() * think)
                began = time.perf_counter()
                _, _, terminated, truncated, _ = env.step(still)
                found.append((time.perf_counter() - began - 1 / HZ) * 1e3)
                over = terminated or truncated
    finally:
        env.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--size", default="480x640", help="height x width")
    parser.add_argument("--think", type=float, default=20.0, help="ms at most")
    options = parser.parse_args()
    height, width = (int(side) for side in options.size.split("x"))
    found = sorted(overheads(options.steps, (height, width), options.think / 1e3))
    row = {
        "median_ms": statistics.median(found),
        "p95_ms": found[int(len(found) * 0.95)],
        "worst_ms": found[-1],
        "load": os.getloadavg()[0],
    }
    if options.json:
        print(json.dumps(row))
        return
    print(f"{options.steps} frozen steps at {options.size} (target: 15 ms median)")
    print("  " + "  ".join(f"{name} {value:.2f}" for name, value in row.items()))


if __name__ == "__main__":
    main()
