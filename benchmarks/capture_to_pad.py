"""Time from a picture on the screen to the pad, with everything but inference.

    python -m benchmarks.capture_to_pad [--json] [--iterations 500] [--size 1920x1080]

Starts a window of that size, which moves and polls its pad, on an Xvfb of its own, takes
hold of it as ``nitropilot play`` does, and lets the parts of the product work on it one
after the other; the engine answers at once with a chunk that was made before.  Prints
milliseconds:

    grab      ``Game.grab``: where the window is, its pixels, and RGB of them
    observe   ``Decider.decide``: area resize to 256 x 256 in [-1, 1], checks, noise
    decode    channels to sticks and buttons, to pad states, through the menu guard
    send      the first state to the pad that the game has open
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.capture import parse_size
from nitropilot.agent import PlaySettings
from nitropilot.agent.pad.guards import MenuGuard
from nitropilot.agent.pad.mapping import pad_states
from nitropilot.agent.play.deciding import Decider
from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.agent.target.launch import launch
from nitropilot.agent.target.recipe import Recipe
from nitropilot.agent.target.taking import take_hold
from nitropilot.engines import ActionChunk, Engine, EngineInfo, PolicySpec, Request
from nitropilot.policy.actions import decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nitropilot.agent import Game

TARGET_MS, STRETCH_MS = 12.0, 6.0
"""99 of 100 should take less."""
WARM_UP = 50
STEPS = ("grab", "observe", "decode", "send")


class Ready(Engine):
    """Answers at once, whatever it sees: another one of a few chunks made before."""

    spec = PolicySpec("ready", "", True, 256, 1, 16, 25, 16)
    info = EngineInfo("ready", "none", "float32", "only what is around an engine is measured")

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self._chunks = [rng.random((16, 25), np.float32) for _ in range(16)]
        self._asked = 0

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As ``Engine.infer_batch``."""
        self._asked += 1
        return [ActionChunk(self._chunks[self._asked % 16], {}) for _ in requests]

    def close(self) -> None:
        """Nothing to free."""


@contextmanager
def game_of(size: tuple[int, int]) -> Iterator[Game]:
    """A window of that size on a display of its own, held."""
    words = (str(Path(__file__).with_name("picture_game.py")), f"{size[0]}x{size[1]}")
    recipe = Recipe("picture", sys.executable, words, private_profile=False)
    display = PrivateDisplay.start(size)
    try:
        with tempfile.TemporaryDirectory() as folder:
            launched = launch(recipe, log=Path(folder) / "game.log", display=display.name)
            try:
                game = take_hold(launched.window, launched, pad="sdl", freeze_limit=60.0)
            except BaseException:
                launched.close()
                raise
            try:
                yield game
            finally:
                game.close()
    finally:
        display.close()


def measure(game: Game, iterations: int) -> dict[str, list[float]]:
    """Milliseconds of each step, and of all, in each iteration."""
    decider = Decider(Ready(), PlaySettings(seed=0))
    guard = MenuGuard()
    epoch = game.controls.arm()
    times: dict[str, list[float]] = {name: [] for name in (*STEPS, "total")}
    for _ in range(iterations + WARM_UP):
        marks = [time.perf_counter()]
        frame = game.grab()
        marks.append(time.perf_counter())
        chunk = decider.decide(frame, 0, 0).chunk
        marks.append(time.perf_counter())
        states = [guard.filter(state) for state in pad_states(decode(chunk.actions))]
        marks.append(time.perf_counter())
        if not game.controls.send(states[0], epoch):
            raise SystemExit("the pad was taken away")
        marks.append(time.perf_counter())
        for name, begin, end in zip(STEPS, marks, marks[1:], strict=False):
            times[name].append((end - begin) * 1e3)
        times["total"].append((marks[-1] - marks[0]) * 1e3)
    return {name: values[WARM_UP:] for name, values in times.items()}


def report(size: tuple[int, int], times: dict[str, list[float]]) -> dict[str, Any]:
    """The figures as one object."""
    figures = {
        name: {f"p{q}": round(float(np.percentile(values, q)), 3) for q in (50, 90, 99)}
        for name, values in times.items()
    }
    slowest = figures["total"]["p99"]
    return {
        "size": list(size),
        "iterations": len(times["total"]),
        "cpus": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "ms": figures,
        "bars": {
            f"p99 under {limit:g} ms{note}": {"found": slowest, "met": slowest < limit}
            for limit, note in ((TARGET_MS, ""), (STRETCH_MS, " (stretch)"))
        },
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--iterations", type=int, default=500)
    parser.add_argument("--size", type=parse_size, default=(1920, 1080), metavar="WxH")
    options = parser.parse_args()
    if options.iterations < 1:
        parser.error(f"--iterations is {options.iterations}, it must be 1 or more")
    with game_of(options.size) as game:
        result = report(options.size, measure(game, options.iterations))
    if options.json:
        print(json.dumps(result, indent=2))
        return
    width, height = result["size"]
    print(
        f"{width} x {height}, {result['iterations']} times, "
        f"load average {result['load_average']} on {result['cpus']} processors, ms"
    )
    print(f"{'':10}{'p50':>8}{'p90':>8}{'p99':>8}")
    for name, row in result["ms"].items():
        print(f"{name:10}" + "".join(f"{value:8.2f}" for value in row.values()))
    for bar, found in result["bars"].items():
        print(f"{bar}: {found['found']} - {'met' if found['met'] else 'missed'}")


if __name__ == "__main__":
    main()
