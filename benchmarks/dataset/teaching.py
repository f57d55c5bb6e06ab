"""A policy from labels that were read off videos, against one from what was really pressed.

    python -m benchmarks.dataset.teaching [--game runner] [--minutes M] [--steps N] [--seeds N]
                                          [--levels N] [--skins a,b]
                                          [--out DIR] [--json]

A set of one game is made with a controller drawn over it (``nitropilot dataset make arcade``); its
videos are read by ``nitropilot dataset extract``'s way; two policies of the same first weights are
trained for as many steps on the same pictures, the controller blackened in both, and play the same
fresh levels.  Bar: the 95 % interval of what lies between them in success, level by level, holds 0
or lies above.  The same command with ``--out`` goes on with what was ended.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.dataset.making import made_set, read_set
from benchmarks.dataset.own import GAMES, compared, line
from benchmarks.engines import processor
from benchmarks.transfer.figures import interval
from benchmarks.transfer.playing import Episode, episodes
from nitropilot.dataset.made.make import Wanted
from nitropilot.dataset.templates.library import shipped
from nitropilot.pocket.learning.export import export
from nitropilot.pocket.learning.network import fresh
from nitropilot.pocket.learning.objective import UNUSED
from nitropilot.pocket.recipe import Recipe
from nitropilot.policy.files.checkpoint import load_policy
from nitropilot.training.trainer.config import FINETUNE, read_config
from nitropilot.training.trainer.files import NEWEST
from nitropilot.training.trainer.running import train

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

TRUE, READ = "true actions", "read actions"


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--game", choices=GAMES, default="runner")
    options.add_argument("--minutes", type=float, default=15.0, help="of play")
    options.add_argument("--steps", type=int, default=1500, help="of training, for each policy")
    options.add_argument("--batch", type=int, default=64)
    options.add_argument("--rate", type=float, default=5e-4)
    options.add_argument("--stride", type=int, default=6, help="every how manieth frame")
    options.add_argument("--seeds", type=int, default=2)
    options.add_argument("--levels", type=int, default=50, help="episodes of each policy")
    options.add_argument("--skins", default=",".join(shipped().names))
    options.add_argument("--seed", type=int, default=27, help="of the set")
    options.add_argument("--size", type=int, default=512, help="of the videos' pictures")
    options.add_argument("--out", type=Path, help="keeps all; else it is thrown away")
    options.add_argument("--json", action="store_true")
    return options.parse_args(words)


def taught(data: Path, told: argparse.Namespace, seed: int, place: Path, way: str) -> list[Episode]:
    """Train on one of the sets and play; what was played before is taken as it is."""
    kept = place / f"{way.partition(' ')[0]}-{seed}.json"
    if kept.is_file():
        return [Episode(**each) for each in json.loads(kept.read_text("utf-8"))]
    work = place / f"{way.partition(' ')[0]}-{seed}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    start = work / "start.safetensors"
    export(fresh(seed), Recipe(games=()), start)
    settings: dict[str, Any] = {
        "policy": str(start), "data": (str(data),), "steps": told.steps, "batch_size": told.batch,
        "learning_rate": told.rate, "stride": told.stride, "seed": seed, "held_out": 0.0,
        "unused_weight": UNUSED, "frames_folder": str(work / "frames"), "device": "cpu",
        "workers": 1, "shift": Recipe.shift, "crop": 0.0, "save_every": told.steps,
    }  # fmt: skip
    train(read_config(None, settings, FINETUNE), work)
    policy = load_policy(work / NEWEST).eval()
    played = episodes(policy, told.game, told.levels, Recipe.played, Recipe.euler, seed)
    kept.write_text(json.dumps([asdict(each) for each in played]), encoding="utf-8")
    shutil.rmtree(work)
    return played


def figures(true: list[list[Episode]], read: list[list[Episode]]) -> dict[str, Any]:
    """Success and progress of both, and what lies between them with its interval."""

    def of(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return (
            np.array([[float(getattr(e, name)) for e in run] for run in true]),
            np.array([[float(getattr(e, name)) for e in run] for run in read]),
        )

    found: dict[str, Any] = {}
    for name, attribute in (("success", "won"), ("progress", "progress")):
        one, other = of(attribute)
        low, high = interval(other - one)
        found[name] = {
            TRUE: float(one.mean()), READ: float(other.mean()),
            "apart": float((other - one).mean()), "low": low, "high": high,
        }  # fmt: skip
    return found


def main(words: Sequence[str] | None = None, tell: Callable[[str], None] = print) -> int:
    """Make, read, train, play, and print; 1 where read labels teach less."""
    told = parsed(words)
    wanted = Wanted((told.game,), tuple(told.skins.split(",")), told.seed, 60, told.size, 0.0)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as thrown:
        out = told.out or Path(thrown)
        made = made_set(out / "made", wanted, told.minutes / 60)
        rows = [compared(one) for one in read_set(made, out / "read")]
        runs = out / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        played: dict[str, list[list[Episode]]] = {TRUE: [], READ: []}
        for seed in range(told.seeds):
            for way, data in ((TRUE, out / "made"), (READ, out / "read")):
                played[way].append(taught(data, told, seed, runs, way))
                passed = (time.monotonic() - began) / 60
                print(f"{way}, seed {seed}: done ({passed:.1f} min)", file=sys.stderr, flush=True)
    found = figures(played[TRUE], played[READ])
    as_good = found["success"]["high"] >= 0
    if told.json:
        plan = {**vars(told), "out": str(told.out)}
        tell(json.dumps({"processor": processor(), "plan": plan, **found, "as_good": as_good}))
        return 0 if as_good else 1
    tell("\n".join(["", str(processor()["name"]), "", line("all videos", rows), ""]))
    for name, each in found.items():
        tell(
            f"{name}: {TRUE} {each[TRUE]:.3f}, {READ} {each[READ]:.3f}, apart "
            f"{each['apart']:+.3f} ({each['low']:+.3f} to {each['high']:+.3f})"
        )
    tell("as good within the interval" if as_good else "read labels teach less")
    return 0 if as_good else 1


if __name__ == "__main__":
    sys.exit(main())
