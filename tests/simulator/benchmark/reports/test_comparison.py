"""Two results side by side: on common episodes of the same versions, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nitropilot.simulator.benchmark.reports.comparison import compare
from nitropilot.simulator.benchmark.results.errors import DamagedResult, NotAResult, NotComparable
from nitropilot.simulator.benchmark.results.run import Run
from nitropilot.simulator.benchmark.results.writer import ResultWriter
from nitropilot.simulator.benchmark.statistics.paired import paired_success
from tests.simulator.benchmark.made import actions, outcome, policy, run, task, write

TWO = (policy("a"), policy("b"))


def results(tmp_path: Path, first: Run, second: Run, **ends: Any) -> tuple[Path, Path]:
    """Two folders."""
    return write(tmp_path / "one", first, ends.get("one")), write(
        tmp_path / "other", second, ends.get("other")
    )


def test_two_policies_episode_by_episode(tmp_path: Path) -> None:
    """The pairs are of one task and seed, whatever order they were played in."""
    first = run(policies=(policy("a"),))
    second = run((3, 2, 1, 0), (task("maze-1"), task("runner-1")), policies=(policy("b"),))
    wins = {("a", 0): "won", ("a", 1): "won", ("a", 2): "won", ("b", 2): "won"}
    found = compare(*results(tmp_path, first, second, one=wins, other=wins))
    overall, *tasks = found.groups
    assert overall.success == paired_success(
        [True, True, True, False] * 2, [False, False, True, False] * 2
    )
    assert (overall.success.n, overall.success.only_first, overall.success.only_second) == (8, 4, 0)
    assert overall.rates == (0.75, 0.25)
    assert overall.means == pytest.approx((0.8125, 0.4375))
    assert overall.difference.value == pytest.approx(0.375)
    assert (overall.progress.first_better, overall.progress.equal) == (4, 4)
    assert overall.progress.sign_p == overall.success.p == 0.125
    assert [(g.name, g.success.n) for g in tasks] == [
        ("arcade/runner/runner-1", 4), ("arcade/maze/maze-1", 4),
    ]  # fmt: skip
    assert "| all | 8 | 75.0 % | 25.0 % | 4 | 0 | 0.1250 |" in found.text()
    written = json.loads(json.dumps(found.as_json()))
    assert (written["n"], written["first"]["policy"], written["groups"][0]["n"]) == (8, "a", 8)


def test_two_policies_of_one_run(tmp_path: Path) -> None:
    """Each is named; which is meant is not guessed."""
    folder = write(tmp_path / "r", run(policies=TWO), {("a", 1): "won"})
    found = compare(folder, folder, "a", "b").groups[0].success
    assert (found.only_first, found.only_second) == (2, 0)
    with pytest.raises(NotComparable, match="2 policies: a, b"):
        compare(folder, folder)
    with pytest.raises(NotComparable, match="no policy 'c'"):
        compare(folder, folder, "a", "c")
    with pytest.raises(NotComparable, match="both are a"):
        compare(folder, folder, "a", "a")


def test_one_policy_on_two_tracks(tmp_path: Path) -> None:
    """What nobody else reports: the same policy, paused and in real time."""
    found = compare(*results(tmp_path, run(), run(track="realtime"), one={("idle", 0): "won"}))
    assert (found.first.result.run.track, found.second.result.run.track) == ("paused", "realtime")
    assert found.groups[0].success.only_first == 2


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("game_version", "0.2.0", "game of arcade/runner/runner-1: 0.1.0 and 0.2.0"),
        ("judge_version", "2", "judge of arcade/runner/runner-1: 1 and 2"),
        ("limit_seconds", 60.0, "time limit of arcade/runner/runner-1: 40.0 and 60.0"),
    ],
)
def test_versions_are_not_mixed(tmp_path: Path, field: str, value: Any, said: str) -> None:
    """A kinder judge is no better policy."""
    other = run(tasks=(task("runner-1", **{field: value}), task("maze-1")))
    with pytest.raises(NotComparable) as error:
        compare(*results(tmp_path, run(), other))
    assert said in str(error.value)
    assert "maze" not in str(error.value)


def test_missing_episodes_are_named(tmp_path: Path) -> None:
    """Who ends a run after its good episodes has a better mean."""
    write(tmp_path / "one", run())
    with ResultWriter(tmp_path / "other", run()) as writer:
        for key, attempt in writer.missing()[:6]:
            writer.add(outcome(key, attempt, "game crashed" if key.seed == 0 else "won"), actions())
    with pytest.raises(NotComparable) as error:
        compare(tmp_path / "one", tmp_path / "other")
    text = str(error.value)
    assert text.startswith("4 episodes are missing: ")
    assert f"arcade/runner/runner-1 by idle, seed 0 in {tmp_path / 'other'}" in text
    assert f"arcade/maze/maze-1 by idle, seed 3 in {tmp_path / 'other'}" in text
    many = write(tmp_path / "many", run(range(20)))
    ResultWriter(tmp_path / "none", run(range(20))).close()
    with pytest.raises(NotComparable, match=r"40 episodes are missing: .* and 35 more"):
        compare(tmp_path / "none", many)


def test_an_episode_twice_is_named(tmp_path: Path) -> None:
    """Whose best episode counts twice has a better mean."""
    one, other = results(tmp_path, run(), run(track="lockstep"))
    lines = (other / "episodes.jsonl").read_bytes().splitlines(keepends=True)
    (other / "episodes.jsonl").write_bytes(b"".join([*lines, lines[0]]))
    with pytest.raises(DamagedResult, match="line 9 of"):
        compare(one, other)
    with pytest.raises(NotAResult):
        compare(one, tmp_path / "gone")


def test_only_common_episodes_are_compared(tmp_path: Path) -> None:
    """Other seeds are other levels; how many are left out is said."""
    tasks = (task("runner-1"), task("maze-1"), task("runner-2"))
    found = compare(*results(tmp_path, run(range(4)), run(range(2, 8), tasks)))
    assert (found.groups[0].success.n, found.only_first, found.only_second) == (4, 4, 14)
    assert "4 episodes that only the first was asked for, and 14 of the second" in found.text()


def test_nothing_in_common_is_said(tmp_path: Path) -> None:
    """An empty table has no p."""
    with pytest.raises(NotComparable, match="no task and seed in common"):
        compare(*results(tmp_path, run((1,)), run((2,))))


@pytest.mark.parametrize(
    ("cards", "names"),
    [
        ((("runner",), ("RUNNER", "doom")), {"seen by both": 4, "unseen by both": 4}),
        ((("runner",), ("maze",)), {}),
        ((("runner",), None), {}),
        (((), ()), {"unseen by both": 8}),
    ],
)
def test_seen_and_unseen_games_apart(
    tmp_path: Path, cards: tuple[Any, Any], names: dict[str, int]
) -> None:
    """Only where both cards tell: a game that one has seen is no fair ground."""
    one, other = (run(policies=(policy(training_games=card),)) for card in cards)
    groups = compare(*results(tmp_path, one, other)).groups
    assert {g.name: g.success.n for g in groups if "by both" in g.name} == names
