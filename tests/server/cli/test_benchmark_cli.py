"""``nitropilot benchmark``: what it prints, for people and for programs, and what it refuses."""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from nitropilot.server.cli.benchmark.run import ProgressLines, entered
from nitropilot.server.store.paths import data_folder
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.benchmark.policies.errors import UnknownPolicy
from nitropilot.simulator.benchmark.results.reader import read_result
from nitropilot.simulator.benchmark.runner.running import Told
from nitropilot.simulator.games.known import GAME_TASKS
from tests.server.processes import ROOT, command, fresh_command
from tests.simulator.benchmark import made

pytestmark = pytest.mark.long

PAGE = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
LISTED = {
    "suite", "game", "task", "category", "tags", "time_limit_seconds", "judge", "replay",
    "verified_success", "idle", "random",
}  # fmt: skip
ROW = {
    "suite", "game", "task", "policy", "track", "episodes", "successes", "low", "high", "progress",
}  # fmt: skip


def asked(home: Path, *words: str) -> Any:
    """``nitropilot benchmark WORDS``."""
    return command("benchmark", *words, home=home)


def test_the_list(tmp_path: Path) -> None:
    """Programs read which tasks there are, people too."""
    done = asked(tmp_path, "list", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.keys() == {"tasks"}
    assert [row["task"] for row in found["tasks"]] == [*TASKS, *GAME_TASKS]
    assert all(row.keys() == LISTED for row in found["tasks"])
    maze = next(row for row in found["tasks"] if row["task"] == "maze-3")
    assert maze == {
        "suite": "arcade", "game": "maze", "task": "maze-3", "category": "maze navigation",
        "tags": ["2D top", "procedural"], "time_limit_seconds": 90, "judge": "game state",
        "replay": True, "verified_success": 1.0, "idle": 0.0, "random": 0.0,
    }  # fmt: skip
    measures = ("verified_success", "idle", "random")
    assert all(0.0 <= row[name] <= 1.0 for row in found["tasks"] for name in measures)
    assert "maze-3" in asked(tmp_path, "list").stdout


def test_the_policy_of_the_page_plays(tmp_path: Path) -> None:
    """The first thing that anybody enters is a copy of it; and it is as short as the page says."""
    text, _ppo = EXAMPLE  # the other one needs another library: ppo_check.py
    assert len(text.splitlines()) <= 36
    ast.parse(text)
    (tmp_path / "walker.py").write_text(text)
    out = tmp_path / "result"
    words = ("run", "--task", "runner-1", "--policy", f"{tmp_path / 'walker.py'}:walk",
             "--policy", "idle", "--episodes", "2", "--out", str(out))  # fmt: skip
    done = asked(tmp_path, *words, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.keys() == {"result", "summary", "tasks"}
    assert found["result"] == str(out)
    walker, idle = found["tasks"]
    assert walker.keys() == idle.keys() == ROW
    assert walker["progress"] > 0.1 > idle["progress"] == 0.0
    assert (idle["episodes"], idle["successes"], idle["low"]) == (2, 0, 0.0)
    won = walker["successes"]
    assert found["summary"] == {"success_rate": won / 4, "episodes": 4}
    assert {record.end for record in read_result(out).records} <= {"won", "lost", "limit"}

    again = asked(tmp_path, *words, "--json")  # it has all: nothing is played
    assert json.loads(again.stdout) == found
    assert "walker.py:walk" in asked(tmp_path, *words).stdout
    verified = asked(tmp_path, "verify", str(out), "--json")
    assert verified.returncode == 0, verified.stderr
    told = json.loads(verified.stdout)
    assert (told["holds"], told["played"], told["records"]) == (True, 4, 4)
    wrong = asked(tmp_path, "verify", str(out), "--head", "0" * 64, "--episodes", "0")
    assert wrong.returncode == 1
    assert "THIS RESULT DOES NOT HOLD" in wrong.stdout
    none = asked(tmp_path, "verify", str(out), "--head", "yesterday")
    assert (none.returncode, none.stdout) == (2, "")
    assert "'yesterday' is no head" in none.stderr
    report = asked(tmp_path, "report", str(out))
    assert report.returncode == 0, report.stderr
    assert "runner-1" in report.stdout
    names = ("--policy", f"{tmp_path / 'walker.py'}:walk", "--policy", "idle")
    compared = asked(tmp_path, "compare", str(out), str(out), *names, "--json")
    assert compared.returncode == 0, compared.stderr
    assert json.loads(compared.stdout)
    other = asked(tmp_path, *words[:-4], "--episodes", "3", "--out", str(out))
    assert other.returncode == 2
    assert "seeds" in other.stderr and "another one" in other.stderr
    (tmp_path / "walker.py").write_text(text + "# changed\n")
    changed = asked(tmp_path, *words)
    assert changed.returncode == 2
    assert "digest" in changed.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--policy", "exper"), "there is no policy 'exper'; did you mean expert?"),
        (("--policy", "pockt"), "there is no policy 'pockt'; did you mean pocket?"),
        (("--policy", "?"), "policies are pocket, idle, random, expert, a checkpoint"),
        (("--policy", "idle", "--suite", "arcad"), "did you mean arcade?"),
        (("--policy", "idle", "--suite", "free10", "--window"), "in its window anyway"),
        (("--policy", "idle", "--game", "mase"), "did you mean maze?"),
        (("--policy", "idle", "--task", "maze1"), "did you mean maze-1"),
        (("--policy", "idle", "--track", "warp"), "warp"),
        (("--policy", "pocket", "--steps", "0"), "steps is 0"),
        (("--policy", "idle", "--seeds", "x"), "'x' are no seeds"),
        (("--policy", "idle", "--seeds", "1", "--episodes", "2"), "leave one of them out"),
        (("--policy", "idle", "--policy", "idle"), "the policy idle is there twice"),
        (("--policy", "nobody.py:play"), "there is no file"),
        (("--policy", "random:huge"), "sizes are full and tiny"),
        (("--policy", "nvidia/NitroGen", "--suite", "free10"), "`nitropilot policies pull nvidia/"),
        (("--policy", "policies/mine.pt"), "there is no policy 'policies/mine.pt'"),
        (("--policy", "idle", "--ray", "everywhere"), "write HOST:PORT of its head, or local"),
    ],
)
def test_what_is_refused(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """Before anything is loaded: one line, status 2, and no folder is left."""
    done = asked(tmp_path, "run", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.rglob("benchmarks"))


def test_what_was_pulled_enters_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table says who played, not where its file lay; a commit may be named, a torn pull not."""
    for name in ("CONFIG", "DATA"):
        monkeypatch.setenv(f"NITROPILOT_{name}", str(tmp_path / name))
    models = data_folder() / "models"
    made = (("0123456789ab", ["ng.pt"]), ("cccccccccccc", ["model.safetensors", "config.json"]),
            ("ba9876543210", ["ng.pt", "b.pt.part"]))  # fmt: skip
    for when, (commit, names) in enumerate(made):
        folder = models / f"nvidia--NitroGen@{commit}"
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).touch()
        os.utime(folder, (when, when))
    for name, place in (
        ("nvidia/NitroGen", "nvidia--NitroGen@cccccccccccc"),
        ("nvidia/NitroGen@0123456789abcdef", "nvidia--NitroGen@0123456789ab/ng.pt"),
    ):
        found = entered(name)
        assert (found.name, found.kind) == (name, "checkpoint")
        assert Path(found.place) == models / place
    for name in ("nvidia/NitroGen@ba98", "nvidia/Nitro", "nvidia/NitroGen@main"):
        with pytest.raises(UnknownPolicy, match="are not here"):
            entered(name)
    (tmp_path / "nvidia").mkdir()
    (tmp_path / "nvidia" / "NitroGen").touch()
    monkeypatch.chdir(tmp_path)
    assert entered("nvidia/NitroGen").place == str(tmp_path / "nvidia" / "NitroGen"), "a file wins"


def test_a_policy_that_does_not_load(tmp_path: Path) -> None:
    """Its own words, and no result that nothing is in."""
    (tmp_path / "mine.py").write_text("import no_such_thing\n")
    done = asked(tmp_path, "run", "--policy", f"{tmp_path / 'mine.py'}:act")
    assert done.returncode == 2
    assert "No module named 'no_such_thing' (mine.py, line 1)" in done.stderr
    assert not [path for each in tmp_path.rglob("benchmarks") for path in each.iterdir()]


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    """Somebody's files are not written beside."""
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mother.txt").write_text("Dear mother\n")
    done = asked(tmp_path, "run", "--policy", "idle", "--out", str(tmp_path / "letters"))
    assert done.returncode == 2
    assert "mother.txt" in done.stderr
    assert [path.name for path in (tmp_path / "letters").glob("[!.]*")] == ["mother.txt"]


def test_an_out_that_is_a_file(tmp_path: Path) -> None:
    """It is left as it is, and called what it is."""
    (tmp_path / "letter").write_text("Dear mother\n")
    done = asked(tmp_path, "run", "--policy", "idle", "--out", str(tmp_path / "letter"))
    assert done.returncode == 2
    assert "letter is a file, and a result is a folder" in done.stderr
    assert (tmp_path / "letter").read_text() == "Dear mother\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_a_person_without_a_display(tmp_path: Path) -> None:
    """Nobody can play what nobody sees; and tasks are named as everywhere."""
    done = asked(tmp_path, "record", "--task", "runner-1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no display to see the game on; set DISPLAY" in done.stderr
    assert "did you mean runner-1" in asked(tmp_path, "record", "--task", "runer-1").stderr


def test_how_far_a_run_is(tmp_path: Path) -> None:
    """Each line says how an episode ended, and when all will have."""
    run = made.run(seeds=range(4), tasks=[made.task()])
    result = read_result(made.write(tmp_path / "r", run, {("idle", 0): "won"}))
    now = iter([100.0, 160.0, 220.0, 7420.0])
    lines = ProgressLines(lambda: next(now))
    won, limit, last = result.records[0], result.records[1], result.records[3]
    assert lines.line(Told(won, 1, 4)) == (
        "1 of 4 played: runner-1 by idle, seed 0, ended: won (0.5 s of game time); "
        "1:00 min so far, about 3:00 min to go"
    )
    void = limit.model_copy(update={"end": "game crashed", "void": True})
    assert lines.line(Told(void, 1, 4)).endswith(
        "2:00 min so far; it counts for nothing and is played again"
    )
    assert lines.line(Told(last, 4, 4)).endswith("seed 3, ended: limit (0.5 s of game time); "
                                                 "2:02 h so far")  # fmt: skip


@pytest.mark.parametrize("name", ["list", "run", "report", "compare", "install", "record"])
def test_help_needs_nothing(tmp_path: Path, name: str) -> None:
    """Neither torch nor Gymnasium is loaded to say what a command takes."""
    done = fresh_command("benchmark", name, "--help", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
