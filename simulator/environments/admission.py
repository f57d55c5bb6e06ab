"""Whether a task of a game may count: the proofs, played and kept in the game's folder.

``python -m nitropilot.simulator.environments.admission supertux-1`` plays what is not kept yet:

- the kept winning run, in five new processes of the game, with pauses by chance: equal verdicts,
  scores and pictures;
- nobody at the pad, who must not win;
- chance at the pad, which must win less than one time in five: 14 runs without a win, or, once one
  is won, 30 of which the upper Clopper-Pearson bound (one-sided, 95 %) decides.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.simulator.environments.actions import BUTTONS, WIDTH, action_of, pad_state
from nitropilot.simulator.environments.game_env import GameEnv
from nitropilot.simulator.environments.replaying import replay
from nitropilot.simulator.games import known
from nitropilot.simulator.games.known import GAME_TASKS
from nitropilot.simulator.games.traces import FOLDER, PadTrace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nitropilot.controller.state import GamepadState

PROCESSES = 5
RUNS, MORE_RUNS = 14, 30
MOST_BY_CHANCE = 0.2
HOLD, PRESSED = 8, 0.1
"""Of chance at the pad: steps that a state is held, and how likely each button is pressed in it."""
PAUSED, PAUSE_S = 0.05, 0.2
_SIZE = 16


def by_chance(seed: int) -> Iterator[GamepadState]:
    """Each button pressed now and then, sticks anywhere."""
    dice = np.random.default_rng(seed)
    while True:
        action = np.zeros(WIDTH, np.float32)
        action[: len(BUTTONS)] = dice.random(len(BUTTONS)) < PRESSED
        action[len(BUTTONS) :] = dice.uniform(-1, 1, 4)
        yield from [pad_state(action)] * HOLD


def idle() -> Iterator[GamepadState]:
    """Nobody."""
    while True:
        yield pad_state(np.zeros(WIDTH, np.float32))


def play(task: str, seed: int, states: Iterator[GamepadState]) -> PadTrace:
    """One episode, as it was pressed."""
    env = GameEnv(task, size=_SIZE)
    pressed: list[GamepadState] = []
    try:
        env.reset(seed=seed)
        over = False
        while not over:
            pressed.append(next(states))
            _, _, terminated, truncated, info = env.step(action_of(pressed[-1]))
            over = terminated or truncated
    finally:
        env.close()
    version = GAME_TASKS[task][0].tried[-1]
    return PadTrace(task, seed, version, info["success"], info["progress"], tuple(pressed))


def upper_bound(wins: int, runs: int, level: float = 0.95) -> float:
    """The one-sided Clopper-Pearson bound: the largest rate at which so few wins are likely enough.

    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934), found by halving.
    """
    if wins >= runs:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        rate = (low + high) / 2
        so_few = sum(
            math.comb(runs, k) * rate**k * (1 - rate) ** (runs - k) for k in range(wins + 1)
        )
        low, high = (rate, high) if so_few > 1 - level else (low, rate)
    return high


class Admission:
    """What is kept of one task's proofs.

    Args:
        task: Its name.
        folder: Of its game; None: where the catalogue is.
    """

    def __init__(self, task: str, folder: Path | None = None) -> None:
        game, _ = GAME_TASKS[task]
        self.task = task
        self.folder = folder or Path(known.__file__).parent / game.name
        self._path = self.folder / "admission" / f"{task}.json"
        self.kept: dict[str, Any] = {"task": task, "version": game.tried[-1]}
        if self._path.is_file():
            self.kept = json.loads(self._path.read_text(encoding="utf-8"))

    @property
    def admitted(self) -> bool:
        """Whether all proofs are there and hold."""
        if not {"known", "idle", "random"} <= self.kept.keys():
            return False
        run, nobody, chance = self.kept["known"], self.kept["idle"], self.kept["random"]
        same = run["equal_verdicts"] == run["equal_pictures"] == run["processes"]
        return bool(run["won"] and same and not nobody["won"] and chance["upper"] < MOST_BY_CHANCE)

    def play(self, said: Callable[[str], None]) -> None:
        """Play what is missing; each proof is kept as soon as it is there.

        Raises:
            SimulatorError: The game is not to be had, or failed.
            ValueError: There is no winning run.
        """
        for name, proof in (("known", self._known), ("idle", self._idle), ("random", self._random)):
            if name not in self.kept:
                self.kept[name] = proof()
                self._path.parent.mkdir(exist_ok=True)
                self._path.write_text(json.dumps(self.kept, indent=1) + "\n", encoding="utf-8")
            said(f"{self.task} {name}: {self.kept[name]}")

    def _known(self) -> dict[str, Any]:
        trace = PadTrace.read(self.folder / FOLDER / f"{self.task}.json")
        dice = random.Random(trace.seed)

        def dawdle(_: int) -> None:
            if dice.random() < PAUSED:
                time.sleep(dice.random() * PAUSE_S)

        first, *others = [replay(trace, dawdle) for _ in range(PROCESSES)]
        same = [(one.won, one.progress, one.steps, one.facts) for one in (first, *others)]
        return {
            "won": first.won,
            "steps": first.steps,
            "processes": PROCESSES,
            "equal_verdicts": same.count(same[0]),
            "equal_pictures": sum(one.digests == first.digests for one in (first, *others)),
        }

    def _idle(self) -> dict[str, Any]:
        trace = play(self.task, 0, idle())
        return {"won": trace.won, "progress": trace.progress, "steps": len(trace.states)}

    def _random(self) -> dict[str, Any]:
        runs: list[PadTrace] = []
        while len(runs) < (MORE_RUNS if any(run.won for run in runs) else RUNS):
            runs.append(play(self.task, len(runs), by_chance(len(runs))))
        if lost := [run for run in runs if not run.won]:
            shortest = min(lost, key=lambda run: len(run.states))
            shortest.write(self.folder / FOLDER / f"{self.task}-lost.json")
        wins = sum(run.won for run in runs)
        upper = upper_bound(wins, len(runs))
        progress = sum(run.progress for run in runs) / len(runs)
        return {"runs": len(runs), "wins": wins, "upper": upper, "progress": progress}


def main() -> int:
    """Admit the tasks that are named; 0 if all of them are."""
    parser = argparse.ArgumentParser("nitropilot.simulator.environments.admission")
    parser.add_argument("task", nargs="+", choices=sorted(GAME_TASKS), metavar="TASK",
                        help=", ".join(GAME_TASKS))  # fmt: skip
    admissions = [Admission(task) for task in parser.parse_args().task]
    for admission in admissions:
        admission.play(lambda line: print(line, flush=True))
        print(f"{admission.task} is {'admitted' if admission.admitted else 'NOT admitted'}")
    return 0 if all(admission.admitted for admission in admissions) else 1


if __name__ == "__main__":
    sys.exit(main())
