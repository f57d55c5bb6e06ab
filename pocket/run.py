"""``make pocket``: from nothing to a policy that plays the arcade.

    DIR/recipe.json         what was told
    DIR/samples             what the scripts recorded, a pool for each game and process
    DIR/state-R-S.pt        to go on with, of process R after step S
    DIR/pocket.safetensors  the policy, once it is done

Two processes do the same things at the same steps, each with chances of its own, so that a seed
gives one policy: nothing depends on how fast they are.  A run that was ended goes on where its
processes last wrote down where they were.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nitropilot.pocket.errors import PocketError
from nitropilot.pocket.learning.batches import batch
from nitropilot.pocket.learning.export import export
from nitropilot.pocket.learning.learner import Learner
from nitropilot.pocket.learning.network import SIDE
from nitropilot.pocket.learning.together import together, total, wait
from nitropilot.pocket.samples.driving import Level, drive
from nitropilot.pocket.samples.pool import has_pool, joined, make_pool, read_pool, write_pool
from nitropilot.pocket.samples.recording import record
from nitropilot.pocket.samples.rounds import label_round
from nitropilot.policy.sizes import PATCH

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.pocket.recipe import Recipe
    from nitropilot.pocket.samples.pool import Pool

POLICY, TOLD, SAMPLES = "pocket.safetensors", "recipe.json", "samples"
SIZE = PATCH * SIDE
HORIZON = 16
BATCHES, ROUNDS, TRIALS = 14, 15, 16
"""Streams of random numbers; see ``training.objective.draws``."""
LAST_ROUND = 0.9
"""Share of the steps after which the policy drives no more."""
CHOOSING = 500_000
"""Seeds of the levels of trials: none that is taught, none of the benchmark."""


@dataclass
class Worker:
    """One of the processes.

    Attributes:
        rank: Which.
        processes: How many there are.
        recipe: What is done.
        folder: Of the run.
    """

    rank: int
    processes: int
    recipe: Recipe
    folder: Path

    def run(self) -> None:
        """All of it."""
        torch.set_num_threads(1)
        (self.folder / SAMPLES).mkdir(parents=True, exist_ok=True)
        self._record()
        wait()
        self.recorded = {game: self._pools(game, "script") for game in self.recipe.games}
        self.driven: dict[str, list[Pool]] = {game: [] for game in self.recipe.games}
        self.learner = Learner(self.recipe, _used(self.recorded))
        self.seconds = 0.0
        self._learn(self._go_on())
        if self.rank == 0:
            policy = self.learner.average.policy(self.learner.policy)
            export(policy, self.recipe, self.folder / POLICY)
        wait()

    def _record(self) -> None:
        """This process's half of every game."""
        recipe, shares = self.recipe, self.recipe.shares()
        for number, game in enumerate(recipe.games):
            name = f"{game}-script-{self.rank}"
            if not has_pool(self.folder / SAMPLES, name):
                start = time.monotonic()
                samples = record(
                    game, round(recipe.samples * shares[game] / self.processes),
                    (recipe.seed, number, self.rank),
                    SIZE, HORIZON, recipe.noisy,
                )  # fmt: skip
                write_pool(self.folder / SAMPLES, name, samples)
                self._say(
                    f"recorded {len(samples.actions)} of {game} in {time.monotonic() - start:.0f} s"
                )

    def _pools(self, game: str, kind: str) -> list[Pool]:
        """A game's pools of all processes."""
        return [
            read_pool(self.folder / SAMPLES, f"{game}-{kind}-{rank}", self.recipe.changing)
            for rank in range(self.processes)
        ]

    def _learn(self, first: int) -> None:
        recipe, turns, trials = self.recipe, self._rounds(), self._trials()
        for step in range(first, recipe.steps):
            start = time.monotonic()
            if step in turns:
                self._drive(turns.index(step))
            rng = np.random.default_rng((recipe.seed, BATCHES, self.rank, step))
            taught = batch(
                rng, recipe.batch, recipe.shares(), self.recorded, self.driven,
                self._driven_share(step), recipe.shift,
            )  # fmt: skip
            flow, head = self.learner.step(step, self.rank, taught)
            if (step + 1) % recipe.together == 0 or step + 1 == recipe.steps:
                self.learner.meet()
            self.seconds += time.monotonic() - start
            if (step + 1) % 100 == 0:
                self._say(
                    f"step {step + 1}: flow {flow:.4f}, head {head:.4f}, {self.seconds:.0f} s"
                )
            if (step + 1) % recipe.save == 0 or step + 1 == recipe.steps:
                self._save(step + 1)
            if step + 1 in trials:
                self._trial(step + 1)

    def _rounds(self) -> list[int]:
        """The steps before which the policy drives."""
        recipe = self.recipe
        first, last = recipe.early(recipe.round_first), LAST_ROUND * recipe.steps
        apart = (recipe.early(LAST_ROUND) - first) / recipe.rounds
        count = math.ceil(round((last - first) / apart, 6))
        return sorted({round(first + apart * i) for i in range(count)})  # short runs: some are one

    def _trials(self) -> set[int]:
        """The steps after which it plays: from the time on when it can."""
        recipe = self.recipe
        times = [round(recipe.steps * (i + 1) / recipe.trials) for i in range(recipe.trials)]
        return {step for step in times if step > recipe.early(recipe.head_share)}

    def _driven_share(self, step: int) -> float:
        first, last = self.recipe.round_share
        begun, whole = (self.recipe.early(share) for share in (self.recipe.round_first, 1.0))
        done = (step - begun) / (whole - begun)
        return first + (last - first) * min(max(done, 0.0), 1.0)

    def _drive(self, number: int) -> None:
        """A round: this process drives and labels its part of each game; all read all parts."""
        recipe, policy = self.recipe, self.learner.average.policy(self.learner.policy)
        shares = recipe.shares()
        for turn, game in enumerate(recipe.games):
            name = f"{game}-round{number}-{self.rank}"
            if not has_pool(self.folder / SAMPLES, name):
                key = (recipe.seed, ROUNDS, number, turn, self.rank)
                count = max(round(recipe.round_samples * shares[game]), 1)
                write_pool(
                    self.folder / SAMPLES, name, label_round(policy, game, count, key, recipe)
                )
        wait()
        self._take_rounds(number + 1)
        self._say(f"round {number + 1}: the policy drove")

    def _take_rounds(self, count: int) -> None:
        for game in self.recipe.games:
            parts = [
                pool for number in range(count) for pool in self._pools(game, f"round{number}")
            ]
            if parts:
                samples = joined([pool.samples for pool in parts])
                self.driven[game] = [make_pool(samples, self.recipe.changing)]

    def _trial(self, step: int) -> None:
        """How it plays: this process's part of the levels, and the sums of all."""
        recipe, policy = self.recipe, self.learner.average.policy(self.learner.policy)
        start = time.monotonic()
        numbers = []
        for turn, game in enumerate(recipe.games):
            seeds = range(CHOOSING + self.rank, CHOOSING + recipe.trial_levels, self.processes)
            levels = [Level(f"{game}-{level}", seed) for level in (1, 2, 3) for seed in seeds]
            noise = np.random.default_rng((recipe.seed, TRIALS, self.rank, turn)).integers(2**62)
            over = list(drive(policy, iter(levels), recipe.played, recipe.euler,
                              torch.Generator().manual_seed(int(noise))))  # fmt: skip
            numbers += [
                float(len(over)),
                float(sum(level.won for level in over)),
                sum(level.game.progress for level in over),
            ]
        sums = total(numbers)
        said = [
            f"{game} {sums[3 * i + 1] / sums[3 * i]:.2f}/{sums[3 * i + 2] / sums[3 * i]:.2f}"
            for i, game in enumerate(recipe.games)
        ]
        self._say(f"trial at {step}: {', '.join(said)} ({time.monotonic() - start:.0f} s)")

    def _save(self, step: int) -> None:
        """Write where this process is; what it wrote before goes when all have done so."""
        path = self._state_file(self.rank, step)
        part = path.with_suffix(".part")
        state = {"seconds": self.seconds, "learner": self.learner.state()}
        torch.save(state, part)
        part.replace(path)
        wait()
        for old in self.folder.glob(f"state-{self.rank}-*.pt"):
            if old != path:
                old.unlink()

    def _go_on(self) -> int:
        """The step to go on with: the last one that all processes have written."""
        wait()
        step = max((step for step in self._saved(0) if self._all_saved(step)), default=0)
        if step:
            state: dict[str, Any] = torch.load(self._state_file(self.rank, step), weights_only=True)
            self.learner.load(state["learner"])
            self.seconds = state["seconds"]
            self._take_rounds(sum(turn < step for turn in self._rounds()))
        wait()
        return step

    def _saved(self, rank: int) -> list[int]:
        return [int(path.stem.split("-")[2]) for path in self.folder.glob(f"state-{rank}-*.pt")]

    def _all_saved(self, step: int) -> bool:
        return all(self._state_file(rank, step).exists() for rank in range(self.processes))

    def _state_file(self, rank: int, step: int) -> Path:
        return self.folder / f"state-{rank}-{step}.pt"

    def _say(self, text: str) -> None:
        if self.rank == 0:
            print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _used(recorded: dict[str, list[Pool]]) -> Any:
    """Which channels are not the same in all samples."""
    first = next(iter(recorded.values()))[0].samples.actions[0, 0]
    used = np.zeros(len(first), bool)
    for pools in recorded.values():
        for pool in pools:
            used |= (pool.samples.actions != first).any(axis=(0, 1))
    return used


def require_same(folder: Path, told: dict[str, Any]) -> None:
    """See that a folder holds the run that is meant, or none.

    Raises:
        PocketError: It was told something else, or the folder cannot be written.
    """
    path = folder / TOLD
    told = json.loads(json.dumps(told))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PocketError(f"{path} cannot be used: {error}", "name another folder") from None
    if differ := [name for name, value in told.items() if kept.get(name) != value]:
        raise PocketError(
            f"{folder} holds another run: its {differ[0]} is {kept.get(differ[0])!r}, "
            f"and {told[differ[0]]!r} is asked for",
            "give the same options, or name another folder with --out",
        )


def seconds_of(folder: Path) -> float:
    """How long a finished run trained, by its last state.

    Raises:
        PocketError: There is none.
    """
    for path in folder.glob("state-0-*.pt"):
        return float(torch.load(path, weights_only=True)["seconds"])
    raise PocketError(f"{folder} holds no run", "give the folder's own options, without --measure")


def _end_with(parent: Any) -> None:
    """End this process when the one that began it is gone, however it went."""
    parent.join()
    os._exit(1)


def work(rank: int, processes: int, recipe: Recipe, folder: Path) -> None:
    """A process of a run."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with together(rank, processes, folder / "meeting"):
        Worker(rank, processes, recipe, folder).run()
