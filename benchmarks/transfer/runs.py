"""The runs: demonstrations of a seed, a policy made from them either way, and how it plays.

Everything is a file of its own, written once, so that the same command goes on where it ended:

    DIR/demonstrations/S        recordings of seed S, as ``nitropilot record --expert`` writes them
    DIR/frames/Mmin-S           their pictures, decoded once for both ways
    DIR/runs/WAY-Mmin-S.json    what came of a run
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.transfer.playing import Episode, episodes
from nitropilot.pocket.learning.export import export
from nitropilot.pocket.learning.network import fresh
from nitropilot.pocket.learning.objective import UNUSED
from nitropilot.pocket.recipe import Recipe
from nitropilot.policy.files.checkpoint import load_policy
from nitropilot.records.reader import chunk_folders, count_rows
from nitropilot.simulator.arcade.core.world import HZ
from nitropilot.simulator.demonstrations.recording import demonstrate
from nitropilot.training.trainer.config import FINETUNE, read_config
from nitropilot.training.trainer.files import NEWEST
from nitropilot.training.trainer.running import train

if TYPE_CHECKING:
    from pathlib import Path

TUNED, SCRATCH = "fine-tuned", "scratch"
WAYS = (TUNED, SCRATCH)
DEMONSTRATED = "demonstrated.json"


@dataclass(frozen=True)
class Plan:
    """What the experiment is told.

    Attributes:
        base: The policy that knows other games.
        game: The one that it does not know.
        minutes: Budgets of demonstrations.
        seeds: How often everything is done.
        levels: Episodes of a run.
        steps: Of training, in every run.
        batch: Samples a step.
        rate: Highest learning rate, of both ways.
        stride: Every how manieth frame is learned from.
    """

    base: Path
    game: str
    minutes: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0)
    seeds: int = 3
    levels: int = 50
    steps: int = 600
    batch: int = 64
    rate: float = 5e-4
    stride: int = 6

    def cells(self) -> list[tuple[float, int]]:
        """A budget and a seed each; the long ones first, so that no process waits at the end."""
        return [(m, seed) for m in sorted(self.minutes, reverse=True) for seed in range(self.seeds)]


@dataclass(frozen=True)
class Result:
    """What came of a run.

    Attributes:
        way: ``TUNED`` or ``SCRATCH``.
        minutes: Of the budget.
        recorded: Minutes of the demonstrations that were used: whole levels up to the budget.
        seed: Of demonstrations, order and first weights.
        seconds: Of training.
        loss: The last one, averaged as the trainer does.
        episodes: In the order of their levels.
    """

    way: str
    minutes: float
    recorded: float
    seed: int
    seconds: float
    loss: float
    episodes: tuple[Episode, ...]


def demonstrations(plan: Plan, folder: Path, seed: int) -> None:
    """Record the largest budget of a seed, unless it is there."""
    place = folder / "demonstrations" / str(seed)
    said = place / DEMONSTRATED
    if said.exists():
        return
    shutil.rmtree(place, ignore_errors=True)  # of an interrupted one the order is not known
    made = demonstrate(plan.game, max(plan.minutes), place, seed=seed)
    said.write_text(json.dumps([each.name for each in made.folders]), encoding="utf-8")


def within(place: Path, minutes: float) -> tuple[list[Path], float]:
    """The first levels that were demonstrated, as many as a budget has, and their minutes.

    The level in which the budget ends is in: a single level may be longer than a minute.
    """
    taken: list[Path] = []
    length = 0.0
    for name in json.loads((place / DEMONSTRATED).read_text(encoding="utf-8")):
        if length >= minutes:
            break
        taken.append(place / name)
        length += sum(map(count_rows, chunk_folders(place / name))) / HZ / 60
    return taken, length


def run_cell(plan: Plan, folder: Path, minutes: float, seed: int) -> None:
    """Both ways of a budget and a seed, one after the other."""
    import torch

    torch.set_num_threads(1)
    for way in WAYS:
        path = result_file(folder, way, minutes, seed)
        if not path.exists():
            result = _run(plan, folder, way, minutes, seed)
            part = path.with_suffix(".part")
            part.write_text(json.dumps(asdict(result)), encoding="utf-8")
            part.replace(path)


def _run(plan: Plan, folder: Path, way: str, minutes: float, seed: int) -> Result:
    data, recorded = within(folder / "demonstrations" / str(seed), minutes)
    work = folder / "runs" / f"{way}-{minutes:g}min-{seed}"
    work.mkdir(parents=True, exist_ok=True)
    start = plan.base
    if way == SCRATCH:
        start = work / "start.safetensors"
        export(fresh(seed), Recipe(games=()), start)
    settings: dict[str, Any] = {
        "policy": str(start), "data": tuple(map(str, data)), "steps": plan.steps,
        "batch_size": plan.batch, "learning_rate": plan.rate, "stride": plan.stride,
        "seed": seed, "held_out": 0.0, "unused_weight": UNUSED,
        "frames_folder": str(folder / "frames" / f"{minutes:g}min-{seed}"), "device": "cpu",
        "workers": 1, "shift": Recipe.shift, "crop": 0.0, "save_every": plan.steps,
    }  # fmt: skip
    outcome = train(read_config(None, settings, FINETUNE), work)
    policy = load_policy(work / NEWEST).eval()
    played = episodes(policy, plan.game, plan.levels, Recipe.played, Recipe.euler, seed)
    shutil.rmtree(work)
    loss = float("nan") if outcome.loss is None else outcome.loss
    return Result(way, minutes, recorded, seed, outcome.seconds, loss, tuple(played))


def result_file(folder: Path, way: str, minutes: float, seed: int) -> Path:
    """Where a run says what came of it."""
    return folder / "runs" / f"{way}-{minutes:g}min-{seed}.json"


def results(plan: Plan, folder: Path) -> list[Result]:
    """All runs, by budget, seed and way."""
    found = []
    for minutes in sorted(plan.minutes):
        for seed in range(plan.seeds):
            for way in WAYS:
                values = json.loads(result_file(folder, way, minutes, seed).read_text("utf-8"))
                values["episodes"] = tuple(Episode(**each) for each in values["episodes"])
                found.append(Result(**values))
    return found
