"""The transfer experiment, in miniature and in its figures; ``make transfer`` runs it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.transfer.__main__ import main, plan_of, require_same, require_unseen
from benchmarks.transfer.figures import budgets, interval, met, table
from benchmarks.transfer.playing import Episode
from benchmarks.transfer.runs import (
    SCRATCH,
    TUNED,
    WAYS,
    Plan,
    Result,
    demonstrations,
    result_file,
    results,
    run_cell,
    within,
)  # fmt: skip
from nitropilot.errors import NitroPilotError
from nitropilot.pocket.learning.export import export
from nitropilot.pocket.learning.network import fresh
from nitropilot.pocket.recipe import Recipe

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

LEVELS = 40


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy that says that it knows one game."""
    path = tmp_path_factory.mktemp("base") / "base.safetensors"
    export(fresh(0), Recipe(games=("runner",)), path)
    return path


def made_up(way: str, minutes: float, progress: float, seeds: int = 3) -> list[Result]:
    """Runs that come about so far, and differ by level and by seed."""
    rng = np.random.default_rng(WAYS.index(way))
    found = []
    for seed in range(seeds):
        scores = np.clip(progress + 0.02 * seed + 0.1 * rng.standard_normal(LEVELS), 0, 1)
        episodes = (Episode("road-1", n, bool(s > 0.8), float(s)) for n, s in enumerate(scores))
        found.append(Result(way, minutes, minutes, seed, 1.0, 0.1, tuple(episodes)))
    return found


def test_what_is_better_is_found() -> None:
    """And what is not, is not: with the same play on both sides, or worse play."""
    runs = [
        *made_up(TUNED, 1.0, 0.6), *made_up(SCRATCH, 1.0, 0.3),
        *made_up(TUNED, 3.0, 0.5), *made_up(SCRATCH, 3.0, 0.5),
    ]  # fmt: skip
    one, three = budgets(runs)
    assert one.better
    assert one.gain == pytest.approx((one.tuned - one.scratch) / one.scratch)
    assert one.low < one.apart < one.high
    assert not three.better
    assert met([one, three]) is False
    assert met([one, replace(one, minutes=3.0)]) is True
    assert met([one]) is None
    assert f"| 1 | {one.tuned_won:.2f} / {one.tuned:.2f} |" in table([one])
    assert "from 0" in table([replace(one, gain=None)])


def test_one_lucky_seed_proves_nothing() -> None:
    """An interval over levels alone would call this better: they all come from one seed."""
    apart = np.zeros((3, LEVELS))
    apart[0] = 0.3
    low, high = interval(apart)
    assert low <= 0 < high
    assert interval(apart[:1])[0] == pytest.approx(0.3)


def test_a_base_that_knows_the_game_is_refused(base: Path) -> None:
    """What it brought along would be no transfer."""
    require_unseen(base, "road")
    with pytest.raises(NitroPilotError, match="was trained on runner"):
        require_unseen(base, "runner")


def test_a_folder_holds_one_experiment(tmp_path: Path, base: Path) -> None:
    """Runs of another plan beside those that are there would be compared with them."""
    plan = Plan(base, "road")
    require_same(tmp_path, plan)
    require_same(tmp_path, plan)
    with pytest.raises(NitroPilotError, match="its steps is 600, and 7 is asked for"):
        require_same(tmp_path, replace(plan, steps=7))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--minutes", "1,x"], "give numbers"),
        (["--minutes", "0"], "above 0"),
        (["--seeds", "0"], "1 or more"),
    ],
)
def test_bad_words(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line each, before anything is recorded."""
    with pytest.raises(SystemExit):
        main(["--base", "x", *words])
    assert said in capsys.readouterr().err


def test_quick_is_short() -> None:
    """Whatever else is said."""
    from benchmarks.transfer.__main__ import parsed

    given: Namespace = parsed(["--base", "x", "--quick"])
    assert plan_of(given).cells() == [(1.0, 0)]


def test_a_run_of_either_way(base: Path, tmp_path: Path) -> None:
    """Real demonstrations, real training, real play; both play the same levels.

    A run that is there is not done again: its file stays as it is.
    """
    plan = Plan(base, "pulse", (0.01,), 1, 2, steps=2, batch=4, stride=60)
    require_same(tmp_path, plan)
    demonstrations(plan, tmp_path, 0)
    taken, minutes = within(tmp_path / "demonstrations" / "0", 0.01)
    assert len(taken) == 1
    assert minutes > 0.01
    run_cell(plan, tmp_path, 0.01, 0)
    tuned, scratch = results(plan, tmp_path)
    assert (tuned.way, scratch.way) == WAYS
    levels = [(each.task, each.level) for each in tuned.episodes]
    assert levels == [(each.task, each.level) for each in scratch.episodes]
    assert levels[0][0] == "pulse-1" != levels[1][0]
    assert tuned.loss != scratch.loss
    path = result_file(tmp_path, SCRATCH, 0.01, 0)
    changed = json.loads(path.read_text()) | {"loss": -1.0}
    path.write_text(json.dumps(changed))
    run_cell(plan, tmp_path, 0.01, 0)
    assert results(plan, tmp_path)[1].loss == -1.0
