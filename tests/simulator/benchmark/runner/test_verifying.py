"""Results are held against what the same pad gives again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.benchmark.runner import suites
from nitropilot.simulator.benchmark.runner.errors import BadRun
from nitropilot.simulator.benchmark.runner.running import run
from nitropilot.simulator.benchmark.runner.verifying import verify
from tests.simulator.benchmark.results.test_checking import lines, put, resealed
from tests.simulator.benchmark.runner.test_referee import entered
from tests.simulator.benchmark.runner.test_running import wish

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """A won, a lost and a crashed episode of each of two seeds, really played."""
    folder = tmp_path / "result"
    run(wish("expert", "random", entered("raises"), digest=True), folder)
    return folder


def test_what_was_played_is_played_again(result: Path) -> None:
    """By whoever wins, loses or crashes; and the head is the one that was published."""
    told: list[tuple[int, int]] = []
    head = verify(result, most=0).check.head
    found = verify(result, head, tell=lambda done, every: told.append((done, every)))
    assert (found.holds, found.played, found.differing) == (True, 6, ())
    assert told == [(number, 6) for number in range(6)]
    assert found.left_out == {}
    told.clear()
    other = verify(result, "0" * 64, tell=lambda done, every: told.append((done, every)))
    assert (other.holds, other.played, told) == (False, 0, []), "nothing is played for it"
    assert "was published" in other.check.problems[0]
    for none in ("abc", "0" * 63 + "x"):
        with pytest.raises(BadRun, match="is no head"):
            verify(result, none)


def test_a_claim_that_was_sealed_anew_is_found(result: Path) -> None:
    """Nothing in its files speaks against it."""
    records = [json.loads(line) for line in lines(result)]
    lost = next(record for record in records if record["end"] == "lost")
    lost.update(end="won", success=True)
    put(result, resealed(result, records))
    found = verify(result)
    assert found.check.sound
    assert not found.holds
    (said,) = found.differing
    assert said.endswith("ended: won was claimed, and it is lost")
    assert f"record {lost['number']} " in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"facts": {"hits": 99}}, "what the judge read: {'hits': 99} was claimed"),
        ({"raw_score": 7.5}, "score: 7.5 was claimed, and it is 0"),
        ({"progress": 0.9}, "progress: 0.9 was claimed, and it is 0.0"),
        ({"end": "policy crashed", "error": "x"}, "ended: policy crashed was claimed, and it is "),
    ],
)
def test_what_was_claimed_is_named(result: Path, changes: dict[str, object], said: str) -> None:
    """Nothing, and a failure of the policy's, are claims too."""
    records = [json.loads(line) for line in lines(result)]
    lost = next(r for r in records if r["end"] == "lost" and r["progress"] == 0)
    lost.update(changes)
    put(result, resealed(result, records))
    (told,) = verify(result).differing
    assert said in told


def test_what_cannot_be_played_again_is_said(result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another judge would say something else, and that is nobody's fault."""
    newer = {
        name: replace(task, rules=replace(task.rules, version="9")) for name, task in TASKS.items()
    }
    monkeypatch.setattr(suites, "TASKS", newer)
    found = verify(result, most=3)
    assert (found.holds, found.played) == (True, 0)
    ((why, count),) = found.left_out.items()
    assert count == 3
    assert "its judge 1, and here are" in why


def test_a_result_of_which_a_line_is_broken_is_not_played(result: Path) -> None:
    """Nobody knows what its lines say."""
    path = result / "episodes.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"lost"', b'"last"', 1))
    found = verify(result)
    assert (found.holds, found.played) == (False, 0)
    assert json.dumps(found.left_out)
