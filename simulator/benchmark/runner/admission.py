"""Whether a task of a game may count: the proofs, played and kept in the game's folder.

``python -m nitropilot.simulator.benchmark.runner.admission supertux-1`` plays what is not kept yet:

- the kept winning run, in five new processes of the game, with pauses by chance: equal verdicts,
  scores and pictures;
- nobody at the pad, who must not win;
- chance at the pad, which must win less than one time in five: 14 runs without a win, or, once one
  is won, 30 of which the upper Clopper-Pearson bound (one-sided, 95 %) decides.

Each proof says which rules (sheet and judge) and which version of the game it is of.  One of others
proves nothing, and is played anew.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.benchmark.policies.builtin import Idle, Random
from nitropilot.simulator.benchmark.runner import tracks
from nitropilot.simulator.benchmark.runner.mind import NearMind
from nitropilot.simulator.benchmark.runner.stage import Stage
from nitropilot.simulator.benchmark.statistics.intervals import upper_bound
from nitropilot.simulator.environments.actions import pad_state
from nitropilot.simulator.environments.game_env import GameEnv, check_version
from nitropilot.simulator.environments.replaying import replay
from nitropilot.simulator.games import known
from nitropilot.simulator.games.known import GAME_TASKS
from nitropilot.simulator.games.proofs import FOLDER as PROOFS
from nitropilot.simulator.games.proofs import proofs, rules_digest
from nitropilot.simulator.games.traces import FOLDER, PadTrace

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.simulator.benchmark.policies.player import Player

PROCESSES = 5
RUNS, MORE_RUNS = 14, 30
MOST_BY_CHANCE = 0.2
PAUSED, PAUSE_S = 0.05, 0.2
_SIZE = 16


def play(task: str, seed: int, player: Player, version: str) -> PadTrace:
    """One episode, as it was pressed.

    Args:
        task: Its name.
        seed: Of the episode.
        player: Who plays it.
        version: Of the game that is installed.

    Raises:
        SimulatorError: The game is not to be had, or failed.
    """
    with closing(GameEnv(task, size=_SIZE)) as env:
        stage, mind = Stage(env, seed, {"seed": seed}), NearMind(player)
        mind.begin(stage.info)
        tracks.play(stage, mind, "lockstep")
    pads = tuple(pad_state(action) for action in stage.trace)
    return PadTrace(task, seed, version, stage.end == "won", stage.progress, pads)


class Admission:
    """What is kept of one task's proofs.

    Args:
        task: Its name.
        folder: Of its game; None: where the catalogue is.
    """

    def __init__(self, task: str, folder: Path | None = None) -> None:
        self._game, about = GAME_TASKS[task]
        self.task = task
        self.folder = folder or Path(known.__file__).parent / self._game.name
        self._path = self.folder / PROOFS / f"{task}.json"
        self.kept = proofs(self._game, about, self.folder)

    @property
    def admitted(self) -> bool:
        """Whether all proofs are there, of one version, and hold."""
        versions = {proof["version"] for proof in self.kept.values()}
        if not {"known", "idle", "random"} <= self.kept.keys() or len(versions) > 1:
            return False
        run, nobody, chance = self.kept["known"], self.kept["idle"], self.kept["random"]
        same = run["equal_verdicts"] == run["equal_pictures"] == run["processes"]
        return bool(run["won"] and same and not nobody["won"] and chance["upper"] < MOST_BY_CHANCE)

    def play(self, said: Callable[[str], None]) -> None:
        """Play what is missing, or of another version; each proof is kept as soon as it is there.

        Raises:
            SimulatorError: The game is not to be had, or failed.
            ValueError: There is no winning run.
        """
        of = {"rules": rules_digest(self._game), "version": check_version(self._game)}
        self.kept = {
            name: proof for name, proof in self.kept.items() if of.items() <= proof.items()
        }
        for name, proof in (("known", self._known), ("idle", self._idle), ("random", self._random)):
            if name not in self.kept:
                self.kept[name] = {**of, **proof(of["version"])}
                self._path.parent.mkdir(exist_ok=True)
                kept = {"task": self.task, **self.kept}
                self._path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            said(f"{self.task} {name}: {self.kept[name]}")

    def _known(self, _version: str) -> dict[str, Any]:
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

    def _idle(self, version: str) -> dict[str, Any]:
        trace = play(self.task, 0, Idle(), version)
        return {"won": trace.won, "progress": trace.progress, "steps": len(trace.states)}

    def _random(self, version: str) -> dict[str, Any]:
        runs: list[PadTrace] = []
        while len(runs) < (MORE_RUNS if any(run.won for run in runs) else RUNS):
            runs.append(play(self.task, len(runs), Random(), version))
        if lost := [run for run in runs if not run.won]:
            shortest = min(lost, key=lambda run: len(run.states))
            shortest.write(self.folder / FOLDER / f"{self.task}-lost.json")
        wins = sum(run.won for run in runs)
        upper = upper_bound(wins, len(runs))
        progress = sum(run.progress for run in runs) / len(runs)
        return {"runs": len(runs), "wins": wins, "upper": upper, "progress": progress}


def main() -> int:
    """Admit the tasks that are named; 0 if all of them are."""
    parser = argparse.ArgumentParser("nitropilot.simulator.benchmark.runner.admission")
    parser.add_argument("task", nargs="+", choices=sorted(GAME_TASKS), metavar="TASK",
                        help=", ".join(GAME_TASKS))  # fmt: skip
    admissions = [Admission(task) for task in parser.parse_args().task]
    for admission in admissions:
        admission.play(lambda line: print(line, flush=True))
        print(f"{admission.task} is {'admitted' if admission.admitted else 'NOT admitted'}")
    return 0 if all(admission.admitted for admission in admissions) else 1


if __name__ == "__main__":
    sys.exit(main())
