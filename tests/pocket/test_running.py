"""The whole of it, small: two processes, a round of driving, an end by force, a file that plays."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from nitropilot.pocket.__main__ import parsed, recipe_of, train
from nitropilot.pocket.errors import PocketError
from nitropilot.pocket.recipe import GAMES, HELD_OUT, STEPS_AN_HOUR, Recipe
from nitropilot.pocket.run import POLICY, Worker

if TYPE_CHECKING:
    from pathlib import Path

SMALL = replace(
    Recipe(), games=("pulse",), samples=60, steps=8, head_share=0.375, batch=4, together=3,
    rounds=1, round_samples=12, trials=1, trial_levels=2, save=3, euler=1,
)  # fmt: skip


def _train(folder: Path, recipe: Recipe = SMALL) -> str:
    return _digest(train(argparse.Namespace(out=folder, processes=2), recipe))


def _digest(path: Path) -> str:
    """Of all that a policy is: safetensors writes its metadata in an order of chance."""
    with safe_open(path, "pt") as file:
        found = hashlib.sha256(json.dumps(file.metadata(), sort_keys=True).encode())
    for name, tensor in sorted(load_file(path).items()):
        found.update(name.encode() + tensor.view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run that nobody disturbed, and the digest of its policy."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, _train(folder)


def test_two_processes_end_with_one_policy(whole: tuple[Path, str]) -> None:
    """Both have written the last step, and the same weights: they met at the end."""
    folder, _ = whole
    states = [torch.load(folder / f"state-{rank}-8.pt", weights_only=True) for rank in range(2)]
    one, other = (state["learner"] for state in states)
    assert one["policy"].keys() == other["policy"].keys()
    assert all(torch.equal(one["policy"][name], other["policy"][name]) for name in one["policy"])
    assert all(torch.equal(one["average"][name], other["average"][name]) for name in one["average"])
    assert not list(folder.glob("state-*-3.pt")), "older states are removed"


def test_a_run_that_was_ended_gives_the_same_policy(
    whole: tuple[Path, str], tmp_path: Path
) -> None:
    """One process had written a step that the other had not: both go on from the one before."""
    folder, digest = whole
    ours = shutil.ignore_patterns("*-round*")  # what the policy drives it has to drive again
    shutil.copytree(folder / "samples", tmp_path / "samples", ignore=ours)
    shutil.copy(folder / "recipe.json", tmp_path)
    _end_after_step_3(tmp_path)
    shutil.copy(folder / "state-0-8.pt", tmp_path)
    assert _train(tmp_path) == digest


def _end_after_step_3(folder: Path) -> None:
    """Run, and kill all of it as soon as both states of step 3 are there."""
    code = (
        "import argparse, pathlib, sys\n"
        "from nitropilot.pocket.__main__ import train\n"
        "from tests.pocket.test_running import SMALL\n"
        "if __name__ == '__main__':\n"
        "    train(argparse.Namespace(out=pathlib.Path(sys.argv[1]), processes=2), SMALL)\n"
    )
    script = folder / "go.py"
    script.write_text(code)
    run = subprocess.Popen(
        [sys.executable, str(script), str(folder)], start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    try:
        while run.poll() is None and len(list(folder.glob("state-?-3.pt"))) < 2:
            time.sleep(0.01)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    for newer in [*folder.glob("state-*-[4-9].pt"), *folder.glob(POLICY)]:
        newer.unlink()
    assert len(list(folder.glob("state-?-3.pt"))) == 2, "it was ended too late to show anything"


def test_another_run_is_not_mixed_in(whole: tuple[Path, str]) -> None:
    """What differs is named, and nothing is changed."""
    folder, digest = whole
    with pytest.raises(PocketError, match="its seed is 0, and 1 is asked for"):
        train(argparse.Namespace(out=folder, processes=2), replace(SMALL, seed=1))
    assert _digest(folder / POLICY) == digest


def test_a_process_that_fails_ends_the_others(tmp_path: Path) -> None:
    """Nobody waits for it, and it is said."""
    (tmp_path / "samples").write_text("no folder")
    with pytest.raises(PocketError, match="a process of the training failed"):
        train(argparse.Namespace(out=tmp_path, processes=2), SMALL)


def test_a_longer_run_begins_like_a_shorter_one(tmp_path: Path) -> None:
    """Until the rates of the shorter one fall, so that what it has learned is not learned again."""
    hour, hours = (
        Worker(0, 1, replace(Recipe(), steps=steps), tmp_path)
        for steps in (STEPS_AN_HOUR, 3 * STEPS_AN_HOUR)
    )
    assert hour._rounds() == [2100, 2660, 3220]
    rounds = hours._rounds()
    assert rounds[:3] == hour._rounds()
    assert (len(rounds), rounds[-1]) == (17, 2100 + 16 * 560)
    for step in (0, 2100, 2500, STEPS_AN_HOUR - 1):
        assert hour._driven_share(step) == hours._driven_share(step)
    assert hours._driven_share(3 * STEPS_AN_HOUR) == Recipe.round_share[1]
    assert hour.recipe.early(Recipe.head_share) == hours.recipe.early(Recipe.head_share) == 1260
    short = Worker(0, 1, replace(Recipe(), steps=100), tmp_path)
    assert short._rounds() == [50, 63, 77]


def test_the_command_line() -> None:
    """Four games and an hour, where nothing else is said; nonsense is refused with its name."""
    usual = recipe_of(parsed([]))
    assert usual == replace(Recipe(), games=tuple(game for game in GAMES if game != HELD_OUT))
    short = recipe_of(parsed(["--games", "runner", "--hours", "0.1", "--seed", "3"]))
    assert (short.games, short.steps, short.seed) == (("runner",), STEPS_AN_HOUR // 10, 3)
    assert recipe_of(parsed(["--games", "all", "--hours", "3"])).samples == Recipe().samples
    assert parsed(["--games", "maze,maze"]).games == ("maze",)
    wrongs = (
        ["--hours", "0"], ["--hours", "nan"], ["--games", "chess"], ["--processes", "0"],
        ["--measure", "x", "--ship"],
    )  # fmt: skip
    for wrong in wrongs:
        with pytest.raises(SystemExit) as ended:
            parsed(wrong)
        assert ended.value.code == 2
