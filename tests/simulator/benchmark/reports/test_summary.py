"""What ``benchmark run --json`` prints, and what ``benchmark report`` shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nitropilot.simulator.benchmark.reports.report import report
from nitropilot.simulator.benchmark.reports.summary import summary
from nitropilot.simulator.benchmark.results.errors import NotAResult
from nitropilot.simulator.benchmark.results.writer import ResultWriter
from nitropilot.simulator.benchmark.statistics.intervals import success_interval
from tests.simulator.benchmark.made import actions, outcome, policy, run, task, write

ENDS = {("idle", 0): "won", ("expert", 0): "won", ("expert", 1): "won", ("expert", 2): "lost"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tasks, two policies, four seeds; some void attempts before one is played."""
    what = run(
        policies=(policy(training_games=("Runner", "Celeste")), policy("expert", kind="callable"))
    )
    with ResultWriter(tmp_path / "r", what) as writer:
        while missing := writer.missing():
            key, attempt = missing[0]
            end = ENDS.get((key.policy, key.seed), "limit")
            if (key.policy, key.task, key.seed) == ("idle", "maze-1", 3) and attempt < 3:
                end = "game hung"
            writer.add(outcome(key, attempt, end), actions(key.seed))
    return tmp_path / "r"


def test_the_summary_has_these_keys_and_no_other(folder: Path) -> None:
    """Scripts read it; it has to stay as it is."""
    found = summary(folder)
    assert json.loads(json.dumps(found)) == found
    assert list(found) == ["result", "summary", "tasks"]
    assert found["result"] == str(folder)
    assert found["summary"] == {"success_rate": 6 / 16, "episodes": 16}
    assert len(found["tasks"]) == 4
    row = found["tasks"][-1]
    assert list(row) == ["suite", "game", "task", "policy", "track", "episodes", "successes",
                         "low", "high", "progress"]  # fmt: skip
    low, high = success_interval(2, 4)
    assert row == {
        "suite": "arcade", "game": "maze", "task": "maze-1", "policy": "expert",
        "track": "paused", "episodes": 4, "successes": 2, "low": low, "high": high,
        "progress": (1.0 + 1.0 + 0.25 + 0.25) / 4,
    }  # fmt: skip


def test_void_attempts_do_not_count(folder: Path) -> None:
    """A game that crashed twice would be two losses more, or N would say 6."""
    row = next(r for r in summary(folder)["tasks"] if (r["policy"], r["game"]) == ("idle", "maze"))
    assert (row["episodes"], row["successes"]) == (4, 1)


def test_what_has_not_been_played_is_no_zero(tmp_path: Path) -> None:
    """A run that was ended after one episode has one task without any."""
    with ResultWriter(tmp_path / "r", run()) as writer:
        empty = summary(tmp_path / "r")
        writer.add(outcome(writer.missing()[0].key), actions())
    assert empty["summary"] == {"success_rate": None, "episodes": 0}
    row = summary(tmp_path / "r")["tasks"][1]
    assert (row["episodes"], row["low"], row["high"], row["progress"]) == (0, 0.0, 1.0, None)
    assert "7 episodes are missing" in report(tmp_path / "r").text()
    assert (
        "| 0/4 | 0 | - | 0.0 % to 100.0 % | 0.0 % to 100.0 % | - |" in report(tmp_path / "r").text()
    )


def test_the_report_has_every_group(folder: Path) -> None:
    """Per task, game, category and tag; and N in every one."""
    first, second = report(folder).policies
    names = {kind: [g.name for g in groups] for kind, groups in first.groups.items()}
    assert names == {
        "overall": ["all"],
        "seen and unseen games": ["seen", "unseen"],
        "category": ["platformer", "maze"],
        "tag": ["2D side", "2D top", "procedural"],
        "game": ["runner", "maze"],
        "task": ["arcade/runner/runner-1", "arcade/maze/maze-1"],
    }
    counts = {g.name: (g.tasks, g.episodes, g.asked, g.successes, g.void) for groups in
              first.groups.values() for g in groups}  # fmt: skip
    assert counts["all"] == (2, 8, 8, 2, 2)
    assert counts["seen"] == counts["runner"] == counts["2D side"] == (1, 4, 4, 1, 0)
    assert counts["unseen"] == counts["maze"] == (1, 4, 4, 1, 2)
    overall = first.groups["overall"][0]
    assert overall.ends == {"limit": 6, "won": 2, "game hung": 2}
    assert overall.exact == success_interval(2, 8)
    assert overall.wilson == success_interval(2, 8, "wilson")
    assert overall.progress.mean.value == pytest.approx((2 * 1.0 + 6 * 0.25) / 8)
    assert second.groups["seen and unseen games"] == []


def test_the_report_says_what_a_reader_has_to_know(folder: Path) -> None:
    """A rate whose void attempts are silent is half a rate."""
    first, second = report(folder).policies
    assert any("2 attempts were void" in note for note in first.notes)
    assert "ended: limit 6, won 2, game hung 2" in first.notes
    assert any("names no training games" in note for note in second.notes)
    text = report(folder).text()
    assert report(folder).result.head in text
    assert "| unseen | 4 | 1 | 25.0 % |" in text
    assert text == report(folder).text()  # the bootstrap has a seed
    written = json.loads(json.dumps(report(folder).as_json()))
    assert written["policies"][0]["groups"]["game"][1]["episodes"] == 4


def test_late_answers_and_judges_that_disagree_are_counted(tmp_path: Path) -> None:
    """Both are hidden by any success rate."""
    write(
        tmp_path / "r",
        run((1,), track="realtime"),
        delays={"decisions": 9, "p50": 0.1, "p99": 0.2, "max": 0.2, "deadline_misses": 3},
        disagreements=({"fact": "coins", "game": 1, "picture": 2},),
    )
    (part,) = report(tmp_path / "r").policies
    assert (part.disagreements, part.deadline_misses) == (2, 6)
    assert "two judges did not read the same in 2 attempts" in report(tmp_path / "r").text()
    assert "6 answers came too late" in report(tmp_path / "r").text()


def test_the_report_says_what_was_done_to_a_result(folder: Path) -> None:
    """Who looks at a table does not think of looking at the traces."""
    assert "Something was done" not in report(folder).text()
    (folder / "traces" / "000003.npz").write_bytes(b"another play")
    text = report(folder).text()
    assert "**Something was done to this result: record 3 " in text
    assert "traces/000003.npz was changed" in text
    assert len(report(folder).as_json()["problems"]) == 1


def test_names_are_no_markup(tmp_path: Path) -> None:
    """A policy's or game's name comes from outside."""
    write(tmp_path / "r", run((1,), (task(category="a|b"),)))
    assert "| a\\|b | 1 |" in report(tmp_path / "r").text()


def test_no_result_is_said(tmp_path: Path) -> None:
    """For every way to look at one."""
    for look in (summary, report):
        with pytest.raises(NotAResult):
            look(tmp_path)
