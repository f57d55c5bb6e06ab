"""Whether a task of a game may count: the proofs, played and kept in the game's folder.

``python -m nitropilot.simulator.benchmark.runner.admission supertux-1`` plays what is not kept yet:

- the kept winning run, in five new processes of the game, with pauses by chance: equal verdicts
  and scores, and where the game goes by its pictures, equal pictures; of a task whose traces are
  not to be played again (``replay = false``, for a reason that its sheet has) the game's own script
  in their place, which must win four of five;
- nobody at the pad, who must not win;
- chance at the pad, which must win less than one time in five: 14 runs without a win, or, once one
  is won, 30 of which the upper Clopper-Pearson bound (one-sided, 95 %) decides.

The arcade's tasks are played in their windows; their winning run is their script's, and chance and
nobody, who need no picture, play without one.  Each proof says which rules (sheet and judge) and
which version of the game it is of.  One of others proves nothing, and is played anew.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.arcade import trials
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.benchmark.policies.builtin import Expert, Idle, Random
from nitropilot.simulator.benchmark.runner import tracks
from nitropilot.simulator.benchmark.runner.mind import NearMind
from nitropilot.simulator.benchmark.runner.stage import Stage
from nitropilot.simulator.benchmark.statistics.intervals import upper_bound
from nitropilot.simulator.environments.actions import action_of, pad_state
from nitropilot.simulator.environments.game_env import GameEnv, check_version
from nitropilot.simulator.environments.replaying import replay
from nitropilot.simulator.games import known
from nitropilot.simulator.games.known import GAME_TASKS
from nitropilot.simulator.games.proofs import FOLDER as PROOFS
from nitropilot.simulator.games.proofs import kept_proofs, rules_digest
from nitropilot.simulator.games.traces import FOLDER, PadTrace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.controller.state import GamepadState
    from nitropilot.simulator.benchmark.policies.player import Player
    from nitropilot.simulator.environments.task_env import TaskEnv

PROCESSES, EXPERT_WINS = 5, 4
RUNS, MORE_RUNS = 14, 30
MOST_BY_CHANCE = 0.2
PAUSED, PAUSE_S = 0.05, 0.2
ARCADE_SEED = 1
_SIZE = 16


@dataclass(frozen=True)
class Candidate:
    """A task that is to be admitted.

    Attributes:
        task: Its name.
        folder: Of its game.
        rules: What its verdicts depend on.
        versions: Of the game, that it is tried with.
        lockstep: Whether the game goes by its pictures.
        replay: Whether its traces are played again.
    """

    task: str
    folder: Path
    rules: str
    versions: tuple[str, ...]
    lockstep: bool = True
    replay: bool = True

    @property
    def proofs(self) -> tuple[str, ...]:
        """Which ones it needs."""
        return ("known" if self.replay else "expert", "idle", "random")

    def version(self) -> str:
        """Of the game that is played here.

        Raises:
            AgentError, SimulatorError: It is not installed, or another one is.
        """
        if self.task in TASKS:
            return TASKS[self.task].rules.version
        return check_version(GAME_TASKS[self.task][0])


def candidate(task: str, folder: Path | None = None) -> Candidate:
    """One of the arcade's or of the catalogue's tasks.

    Args:
        task: Its name.
        folder: Of its game; None: where that is.
    """
    if task in TASKS:
        games = Path(trials.__file__).parent / "games"
        rules = TASKS[task].rules
        return Candidate(task, folder or games / rules.name, rules.version, (rules.version,))
    game, about = GAME_TASKS[task]
    where = folder or Path(known.__file__).parent / game.name
    return Candidate(
        task, where, rules_digest(game), game.tried, game.hold.lockstep, about.replay
    )  # fmt: skip


def play(task: str, seed: int, who: Callable[[TaskEnv], Player], version: str) -> PadTrace:
    """One episode of a launched game, as it was pressed.

    Args:
        task: Its name.
        seed: Of the episode.
        who: Plays it.
        version: Of the game that is installed.

    Raises:
        SimulatorError: The game is not to be had, or failed.
    """
    with closing(GameEnv(task, size=_SIZE)) as env:
        mind = NearMind(who(env))
        stage = Stage(env, seed, {"seed": seed})
        mind.begin(stage.info)
        tracks.play(stage, mind, env.track)
    pads = tuple(pad_state(action) for action in stage.trace)
    return PadTrace(task, seed, version, stage.end == "won", stage.progress, pads)


def play_arcade(task: str, seed: int, who: str) -> PadTrace:
    """One episode of the arcade without its picture, as an environment lets it be pressed."""
    found = TASKS[task]
    run = trials.play(found, seed, trials.PLAYERS[who](found, seed), _as_pressed)
    trace, version = tuple(run.trace), found.rules.version
    return PadTrace(task, seed, version, run.won, run.progress, trace)


def _as_pressed(state: GamepadState) -> GamepadState:
    return pad_state(action_of(state))


class Admission:
    """What is kept of one task's proofs.

    Args:
        task: Its name.
        folder: Of its game; None: where that is.
    """

    def __init__(self, task: str, folder: Path | None = None) -> None:
        self.task = task
        self._of = candidate(task, folder)
        self.folder = self._of.folder
        self._path = self.folder / PROOFS / f"{task}.json"
        self.kept = kept_proofs(self.folder, task, self._of.rules, self._of.versions)

    @property
    def admitted(self) -> bool:
        """Whether all proofs are there, of one version, and hold."""
        versions = {proof["version"] for proof in self.kept.values()}
        if not set(self._of.proofs) <= self.kept.keys() or len(versions) > 1:
            return False
        nobody, chance = self.kept["idle"], self.kept["random"]
        others = not nobody["won"] and chance["upper"] < MOST_BY_CHANCE
        return bool(others and self._can_be_won())

    def _can_be_won(self) -> bool:
        if not self._of.replay:
            return bool(self.kept["expert"]["wins"] >= EXPERT_WINS)
        run = self.kept["known"]
        same = ["equal_verdicts", *(["equal_pictures"] if self._of.lockstep else [])]
        return bool(run["won"] and all(run[what] == run["processes"] == PROCESSES for what in same))

    def play(self, said: Callable[[str], None]) -> None:
        """Play what is missing, or of another version; each proof is kept as soon as it is there.

        Raises:
            SimulatorError: The game is not to be had, or failed.
            ValueError: There is no winning run.
        """
        of = {"rules": self._of.rules, "version": self._of.version()}
        self.kept = {
            name: proof for name, proof in self.kept.items() if of.items() <= proof.items()
        }
        for name in self._of.proofs:
            if name not in self.kept:
                proof: dict[str, Any] = getattr(self, f"_{name}")(of["version"])
                self.kept[name] = {**of, **proof}
                self._path.parent.mkdir(exist_ok=True)
                kept = {"task": self.task, **self.kept}
                self._path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            said(f"{self.task} {name}: {self.kept[name]}")

    def _run(self, who: str, seed: int, version: str) -> PadTrace:
        if self.task in TASKS:
            return play_arcade(self.task, seed, who)
        return play(self.task, seed, PLAYERS[who], version)

    def _known(self, _version: str) -> dict[str, Any]:
        trace = self._winning()
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
            "share_of_equal_pictures": min(_alike(first.digests, one.digests) for one in others),
        }

    def _winning(self) -> PadTrace:
        """The kept winning run; of the arcade, its script's."""
        path = self.folder / FOLDER / f"{self.task}.json"
        if self.task in TASKS and not path.is_file():
            path.parent.mkdir(exist_ok=True)
            play_arcade(self.task, ARCADE_SEED, "expert").write(path)
        return PadTrace.read(path)

    def _expert(self, version: str) -> dict[str, Any]:
        runs = [self._run("expert", seed, version) for seed in range(PROCESSES)]
        return {"runs": len(runs), "wins": sum(run.won for run in runs)}

    def _idle(self, version: str) -> dict[str, Any]:
        trace = self._run("idle", 0, version)
        return {"won": trace.won, "progress": trace.progress, "steps": len(trace.states)}

    def _random(self, version: str) -> dict[str, Any]:
        runs: list[PadTrace] = []
        while len(runs) < (MORE_RUNS if any(run.won for run in runs) else RUNS):
            runs.append(self._run("random", len(runs), version))
        if lost := [run for run in runs if not run.won]:
            shortest = min(lost, key=lambda run: len(run.states))
            (self.folder / FOLDER).mkdir(exist_ok=True)
            shortest.write(self.folder / FOLDER / f"{self.task}-lost.json")
        wins = sum(run.won for run in runs)
        upper = upper_bound(wins, len(runs))
        progress = sum(run.progress for run in runs) / len(runs)
        return {"runs": len(runs), "wins": wins, "upper": upper, "progress": progress}


PLAYERS: dict[str, Callable[[TaskEnv], Player]] = {
    "expert": Expert, "idle": lambda _env: Idle(), "random": lambda _env: Random(),
}  # fmt: skip


def _alike(one: Sequence[str], other: Sequence[str]) -> float:
    """The share of pictures that are equal, step by step."""
    same = sum(a == b for a, b in zip(one, other, strict=False))
    return same / max(len(one), len(other))


def main() -> int:
    """Admit the tasks that are named; 0 if all of them are."""
    names = [*TASKS, *sorted(GAME_TASKS)]
    parser = argparse.ArgumentParser("nitropilot.simulator.benchmark.runner.admission")
    parser.add_argument("task", nargs="+", choices=names, metavar="TASK", help=", ".join(names))
    admissions = [Admission(task) for task in parser.parse_args().task]
    for admission in admissions:
        admission.play(lambda line: print(line, flush=True))
        print(f"{admission.task} is {'admitted' if admission.admitted else 'NOT admitted'}")
    return 0 if all(admission.admitted for admission in admissions) else 1


if __name__ == "__main__":
    sys.exit(main())
