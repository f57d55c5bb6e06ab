"""Trials of the tasks without any picture: who wins how often.

``python -m nitropilot.simulator.arcade.trials`` prints a table of the bars: the expert, the expert
played open loop (16 actions at a time from a place 4 px off), nobody at the pad, random play, and a
player who does not look.  ``--keep`` plays expert, idle and random alone, and keeps who won which
level: that is what ``benchmark list`` shows.
"""

from __future__ import annotations

import argparse
import json
import random
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nitropilot.controller.state import NEUTRAL, Button, GamepadState
from nitropilot.simulator.arcade.core.pad import pad
from nitropilot.simulator.arcade.core.world import Outcome
from nitropilot.simulator.arcade.tasks import TASKS, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nitropilot.simulator.arcade.core.world import World

CHUNK = 16
OFF = 4
"""Pixels by which the place is off in the open-loop trial."""
RANDOM_HOLD = 8
PLAYED = (
    Button.DPAD_UP, Button.DPAD_DOWN, Button.DPAD_LEFT, Button.DPAD_RIGHT, Button.A, Button.B,
    Button.X, Button.Y, Button.LEFT_SHOULDER, Button.RIGHT_SHOULDER, Button.LEFT_THUMB,
    Button.RIGHT_THUMB, Button.START, Button.BACK,
)  # fmt: skip


class Run(NamedTuple):
    """One level played."""

    won: bool
    progress: float
    ticks: int
    trace: list[GamepadState]


def play(
    task: Task,
    seed: int,
    who: Callable[[World], Iterator[GamepadState]],
    pressed: Callable[[GamepadState], GamepadState] = lambda state: state,
) -> Run:
    """Play a level to its end.

    Args:
        task: Which.
        seed: Of the level.
        who: Says what to press.
        pressed: What of that reaches the game.
    """
    world = task.rules.new(seed, task.level)
    trace: list[GamepadState] = []
    for said in who(world):
        state = pressed(said)
        trace.append(state)
        world.step(pad(state))
        if world.outcome is not Outcome.PLAYING or world.tick >= task.ticks:
            break
    return Run(world.outcome is Outcome.WON, world.progress, world.tick, trace)


def expert(task: Task, _seed: int) -> Callable[[World], Iterator[GamepadState]]:
    """The script, asked at every tick."""

    def states(world: World) -> Iterator[GamepadState]:
        while True:
            yield task.rules.expert(world)

    return states


def open_loop(task: Task, seed: int) -> Callable[[World], Iterator[GamepadState]]:
    """The script's next 16 actions, planned from a place that is 4 px off."""
    rng = random.Random(seed)

    def states(world: World) -> Iterator[GamepadState]:
        while True:
            plan = world.clone()
            way = rng.choice([(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1)])
            plan.nudge(way[0] * OFF, way[1] * OFF)
            actions = []
            for _ in range(CHUNK):
                actions.append(task.rules.expert(plan))
                plan.step(pad(actions[-1]))
            yield from actions

    return states


def idle(_task: Task, _seed: int) -> Callable[[World], Iterator[GamepadState]]:
    """Nobody at the pad."""

    def states(_world: World) -> Iterator[GamepadState]:
        while True:
            yield NEUTRAL

    return states


def at_random(_task: Task, seed: int) -> Callable[[World], Iterator[GamepadState]]:
    """Every 8 ticks each button with a chance of .1, the sticks anywhere."""
    rng = random.Random(seed)

    def states(_world: World) -> Iterator[GamepadState]:
        while True:
            buttons = Button(0)
            for button in PLAYED:
                if rng.random() < 0.1:
                    buttons |= button
            left, right = ((rng.uniform(-1, 1), rng.uniform(-1, 1)) for _ in range(2))
            pulled = float(rng.random() < 0.1), float(rng.random() < 0.1)
            state = GamepadState(left, right, *pulled, buttons=buttons)
            for _ in range(RANDOM_HOLD):
                yield state

    return states


def blind(task: Task, seed: int) -> Callable[[World], Iterator[GamepadState]]:
    """What won the level of another seed, again and again: a player who does not look."""
    trace = play(task, seed + 1, expert(task, seed + 1)).trace

    def states(_world: World) -> Iterator[GamepadState]:
        while True:
            yield from trace

    return states


PLAYERS = {
    "expert": expert,
    "open loop": open_loop,
    "idle": idle,
    "random": at_random,
    "blind": blind,
}


KEPT = Path(__file__).with_name("measured.json")
MEASURED = ("expert", "idle", "random")


def outcomes(task: str, who: str, seeds: Iterable[int]) -> str:
    """For each seed, "1" if that player wins its level, and "0"."""
    found = TASKS[task]
    runs = (play(found, seed, PLAYERS[who](found, seed)) for seed in seeds)
    return "".join("01"[run.won] for run in runs)


def keep(first: int, runs: int) -> None:
    """Measure all tasks and write it down."""
    seeds = range(first, first + runs)
    won = {
        task: {who: outcomes(task, who, seeds) for who in MEASURED} for task in TASKS
    }  # fmt: skip
    KEPT.write_text(
        json.dumps({"first_seed": first, "won": won}, indent=1) + "\n", encoding="utf-8"
    )


@cache
def measured() -> dict[str, dict[str, float]]:
    """For each task the share of wins of expert, idle and random, as it was kept."""
    won = json.loads(KEPT.read_text(encoding="utf-8"))["won"]
    return {
        task: {who: levels.count("1") / len(levels) for who, levels in players.items()}
        for task, players in won.items()
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="levels a task (default 100)")
    parser.add_argument("--task", action="append", choices=list(TASKS), help="only this one")
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--keep", action="store_true", help=f"write {KEPT.name}")
    options = parser.parse_args()
    if options.keep:
        keep(options.first_seed, options.runs)
        return
    print("task      " + "".join(f"{name:>22}" for name in PLAYERS))
    for name in options.task or TASKS:
        task, cells = TASKS[name], []
        for who in PLAYERS.values():
            seeds = range(options.first_seed, options.first_seed + options.runs)
            runs = [play(task, seed, who(task, seed)) for seed in seeds]
            won = sum(run.won for run in runs) / len(runs)
            progress = sum(run.progress for run in runs) / len(runs)
            seconds = sum(run.ticks for run in runs) / len(runs) / 60
            cells.append(f"{won:8.2f} {progress:5.2f} {seconds:5.1f} s")
        print(f"{name:10}" + "".join(f"{cell:>22}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
