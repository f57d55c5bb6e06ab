"""``nitropilot evaluate``: one report of all policies, offline and in play."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import torch

from nitropilot.errors import NitroPilotError
from nitropilot.policy import load_policy, save_policy
from nitropilot.server.cli.main import app
from nitropilot.server.cli.training.trials import trial
from nitropilot.simulator.benchmark.beside import Level
from nitropilot.simulator.benchmark.policies.errors import EntryError
from nitropilot.simulator.benchmark.statistics.intervals import success_interval
from nitropilot.training.reports.comparison import NO_RANKING, UNPLAYED
from tests.training.making import material_in, small_policy

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def found(evaluated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Two policies, asked and played once for all tests; the report's folder and JSON."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("report")
    policies = {"long.safetensors": 16, "<b>other.safetensors": 20}
    for name, horizon in policies.items():  # long chunks: few decisions, and quick play
        small_policy(evaluated / name, horizon=horizon)
    app(
        ["evaluate", str(evaluated / "long.safetensors"),
         str(evaluated / "<b>other.safetensors"), "--data", str(evaluated / "data"),
         "--held-out", "0.3", "--samples", "6", "--noises", "3", "--online", "arena-1",
         "--levels", "1", "--out", str(out)],
        standalone_mode=False,
    )  # fmt: skip
    return out, json.loads((out / "evaluation.json").read_text())


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings and a policy."""
    return material_in(tmp_path_factory.mktemp("material"), 90)


def test_one_report_has_both_sides(found: tuple[Path, dict[str, Any]]) -> None:
    """Who sees the loss alone takes it for a ranking."""
    out, facts = found
    assert {path.name for path in out.iterdir()} == {
        "evaluation.json", "evaluation.md", "evaluation.html",
    }  # fmt: skip
    assert [each["policy"] for each in facts["policies"]] == [
        "long.safetensors", "<b>other.safetensors",
    ]  # fmt: skip
    for each in facts["policies"]:
        assert each["offline"]["noises"] == 3
        assert each["online"]["all"]["levels"] == 1
        assert each["online"]["tasks"][0]["task"] == "arena-1"
        assert each["online"]["all"]["success"][2] == pytest.approx(0.975)
    page, text = (out / "evaluation.html").read_text(), (out / "evaluation.md").read_text()
    assert NO_RANKING in page
    assert f"**{NO_RANKING}**" in text
    assert "compared are the first 16 actions of each chunk" in text
    (row,) = (line for line in text.splitlines() if line.startswith("| long") and "0 of 1" in line
              and "arena" not in line)  # fmt: skip
    assert f"{facts['policies'][0]['offline']['loss']:.4f}" in row


def test_the_page_stands_alone(found: tuple[Path, dict[str, Any]]) -> None:
    """It is sent to others: no network, no script, and a file's name is no markup."""
    page = (found[0] / "evaluation.html").read_text()
    assert not re.search(r"<script|<link|src=\"(?!data:)|href=|url\(|@import", page)
    assert "<b>other" not in page
    assert "&lt;b&gt;other" in page
    assert page.count("<svg") == 2


def test_without_play_it_says_so(
    evaluated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No report without play may pass for a ranking; a program reads the same facts."""
    app(
        ["evaluate", str(evaluated / "small.safetensors"), "--data", str(evaluated / "data"),
         "--samples", "2", "--noises", "1", "--out", str(tmp_path), "--json"],
        standalone_mode=False,
    )  # fmt: skip
    facts = json.loads(capsys.readouterr().out)
    assert facts["policies"][0]["online"] is None
    assert facts["report"] == str(tmp_path / "evaluation.html")
    assert UNPLAYED in (tmp_path / "evaluation.md").read_text()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--online", "maze", "--suite", "arcade"), "are both given"),
        (("--suite", "free10"), "the suite free10 is not played in process"),
        (("--suite", "atari"), "there is no suite 'atari'"),
        (("--online", "chess"), "has no task 'chess'"),
        (("--data", "gone"), "there is no folder"),
        ((), "no data is named"),
    ],
    ids=["both", "free10", "suite", "task", "folder", "no data"],
)
def test_what_evaluate_refuses(
    evaluated: Path, tmp_path: Path, words: tuple[str, ...], line: str
) -> None:
    """In one line, before anything is computed; nothing is left behind."""
    out = tmp_path / "out"
    with pytest.raises(NitroPilotError, match=line) as caught:
        app(["evaluate", str(evaluated / "small.safetensors"), *words, "--out", str(out)],
            standalone_mode=False)  # fmt: skip
    assert "\n" not in caught.value.line()
    assert not out.exists() or not [*out.iterdir()]


def test_a_rate_that_no_game_has(evaluated: Path, tmp_path: Path) -> None:
    """Said before anything is asked: a game has 60 ticks a second."""
    policy = load_policy(evaluated / "small.safetensors")
    policy.raw_config["nitropilot"] = {"action_hz": 45.0}
    save_policy(policy, tmp_path / "odd.safetensors")
    with pytest.raises(EntryError, match="acts 45 times a second"):
        app(
            ["evaluate", str(tmp_path / "odd.safetensors"), "--data", str(evaluated / "data"),
             "--online", "maze-1", "--out", str(tmp_path / "out")],
            standalone_mode=False,
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_intervals_are_the_benchmarks() -> None:
    """Exact for success; a bootstrap within tasks for progress, whose mean lies in it."""
    tasks = [
        [Level(name, seed, seed < won, 1.0 if seed < won else 0.3, 9) for seed in range(10)]
        for name, won in (("one", 7), ("two", 2))
    ]
    its = trial("all", tasks)
    assert (its.levels, its.won) == (20, 9)
    assert its.success == (0.45, *success_interval(9, 20))
    assert its.progress[0] == pytest.approx((0.79 + 0.44) / 2)
    assert its.progress[1] < its.progress[0] < its.progress[2]
