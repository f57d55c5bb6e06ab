"""Results are written so that nothing that was played is lost, and nothing is there twice."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nitropilot.children import module_environment
from nitropilot.simulator.benchmark.results.episode import Delays, Ending, Key, Outcome
from nitropilot.simulator.benchmark.results.errors import (
    DamagedResult,
    NotAResult,
    NotWritten,
    OtherFormat,
    ResultBusy,
    RunDiffers,
    WrongRecord,
)
from nitropilot.simulator.benchmark.results.reader import read_result
from nitropilot.simulator.benchmark.results.traces import read_trace
from nitropilot.simulator.benchmark.results.writer import ResultWriter
from tests.simulator.benchmark.made import actions, outcome, policy, run, task, write
from tests.support.places import ROOT

WRITES = """
import sys
from enum import StrEnum
from pathlib import Path
from tests.simulator.benchmark.made import actions, outcome, run
from nitropilot.simulator.benchmark.results.writer import ResultWriter
with ResultWriter(Path(sys.argv[1]), run(range(200))) as writer:
    for key, attempt in writer.missing():
        writer.add(outcome(key, attempt), actions(key.seed))
        print(len(writer.records), flush=True)
"""


def writing(folder: Path) -> subprocess.Popen[str]:
    """A process that writes 400 episodes, and says after each how many there are."""
    command = [sys.executable, "-c", WRITES, str(folder)]
    return subprocess.Popen(
        command, cwd=ROOT, env=module_environment(), stdout=subprocess.PIPE, text=True
    )


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """A field that is lost on the way is noticed only by whoever needs it, after the run."""
    what = run()
    with ResultWriter(tmp_path / "new" / "r", what) as writer:
        given_ = []
        for place, (key, attempt) in enumerate(writer.missing()):
            one = outcome(
                key, attempt, "won" if place % 2 else "policy crashed",
                delays=Delays.of([0.1, 0.2, 0.4], 1), error="no such key: \ud800 'x'\nline 2",
                facts={"place": (1, np.float32(0.5)), "nowhere": float("nan")},
            )  # fmt: skip
            writer.add(one, actions(place))
            given_.append(one)
    result = read_result(tmp_path / "new" / "r")
    assert result.run == what
    assert result.missing() == []
    assert [record.key for record in result.records] == [one.key for one in given_]
    for place, (record, one) in enumerate(zip(result.records, given_, strict=True)):
        same = set(Outcome.model_fields) - {"error"}
        assert record.model_dump(include=same) == one.model_dump(include=same)
        assert record.error == "no such key: \N{REPLACEMENT CHARACTER} 'x'\nline 2"
        assert record.facts == {"place": [1, 0.5], "nowhere": "nan"}
        assert record.trace is not None
        there = read_trace(result.folder / record.trace.file)
        assert there.tobytes() == actions(place).tobytes()


def test_a_killed_run_loses_nothing(tmp_path: Path) -> None:
    """``kill -9`` at any moment: what was said to be written is there, and the run goes on."""
    folder, said = tmp_path / "r", 0
    for stop in (1, 40, 90):
        process = writing(folder)
        assert process.stdout is not None
        while said < stop:
            said = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        result = read_result(folder)
        assert len(result.records) >= said
        assert len(result.missing()) + len(result.records) == 400
        said = len(result.records)
    with ResultWriter(folder, run(range(200))) as writer:
        assert len(writer.records) == said
        assert writer.missing()[0].attempt == 1


def test_half_a_line_is_dropped_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A power cut leaves it; it is no episode, and what follows must not be glued to it."""
    folder = write(tmp_path / "r", run(range(3)))
    lines = (folder / "episodes.jsonl").read_bytes()
    for cut in (1, 100, len(lines.splitlines(keepends=True)[-1]) - 1):
        (folder / "episodes.jsonl").write_bytes(lines[:-cut])
        result = read_result(folder)
        assert result.cut_off == len(lines.splitlines(keepends=True)[-1]) - cut
        assert len(result.records) == 5
        with caplog.at_level(logging.WARNING), ResultWriter(folder, run(range(3))) as writer:
            assert writer.cut_off == result.cut_off
            (key, attempt), *others = writer.missing()
            assert (key.seed, attempt, others) == (2, 1, [])
            writer.add(outcome(key), actions(key.seed))
        assert f"{result.cut_off} bytes" in caplog.text
        assert read_result(folder).missing() == []


def test_a_run_that_differs_is_not_mixed_in(tmp_path: Path) -> None:
    """The average of two different things is the score of nothing."""
    write(tmp_path / "r", run())
    other = run(
        tasks=(task("runner-1", judge_version="2"), task("maze-1")),
        policies=(policy(digest="a" * 64, engine="torch"),),
        track="lockstep",
        nitropilot="9.9",
        options={"window": True},
    )
    with pytest.raises(RunDiffers) as error:
        ResultWriter(tmp_path / "r", other)
    for said in (
        "track was 'paused' and is 'lockstep'",
        "tasks[arcade/runner/runner-1].judge_version was '1' and is '2'",
        f"policies[idle].digest was None and is '{'a' * 64}'",
        "policies[idle].engine was '' and is 'torch'",
        "nitropilot was '0.1.0' and is '9.9'",
        "options.window was nothing and is True",
    ):
        assert said in str(error.value)
    assert "maze" not in str(error.value)
    assert "created" not in str(error.value)


@pytest.mark.parametrize(
    "other",
    [
        {"seeds": range(5)}, {"seeds": (3, 2, 1, 0)}, {"tasks": (task("runner-1"),)},
        {"machine": run().machine.model_copy(update={"cores": 64})},
        {"versions": {"python": "3.12.0"}}, {"policies": (policy("random"),)},
        {"policies": (policy(training_games=("runner",)),)},
    ],
    ids=str,
)  # fmt: skip
def test_everything_identifies_the_run(tmp_path: Path, other: dict[str, Any]) -> None:
    """What is left out of the comparison could change in mid-run."""
    write(tmp_path / "r", run())
    with pytest.raises(RunDiffers):
        ResultWriter(tmp_path / "r", run(**other))
    with ResultWriter(tmp_path / "r", run()) as writer:  # and nothing has been touched
        assert writer.missing() == []


def test_void_episodes_are_repeated_and_kept(tmp_path: Path) -> None:
    """A crash of the game that vanishes hides it; one that counts is the policy's for nothing."""
    with ResultWriter(tmp_path / "r", run((7,), (task(),))) as writer:
        for attempt in (1, 2):
            ((key, due),) = writer.missing()
            assert due == attempt
            writer.add(outcome(key, due, "game crashed", error="signal 11"), None)
        ((key, due),) = writer.missing()
        writer.add(outcome(key, due, "won"), actions())
        assert writer.missing() == []
    result = read_result(tmp_path / "r")
    assert [(r.attempt, r.end, r.void) for r in result.records] == [
        (1, Ending.GAME_CRASHED, True), (2, Ending.GAME_CRASHED, True), (3, Ending.WON, False),
    ]  # fmt: skip
    assert [record.attempt for record in result.decided().values()] == [3]


@pytest.mark.parametrize("end", [e for e in Ending if e.value.startswith("policy")])
def test_failures_of_the_policy_count(tmp_path: Path, end: Ending) -> None:
    """Who could have a lost episode repeated by crashing would crash."""
    with ResultWriter(tmp_path / "r", run((7,), (task(),))) as writer:
        ((key, due),) = writer.missing()
        record = writer.add(outcome(key, due, end), actions())
        assert (record.void, record.success) == (False, False)
        assert writer.missing() == []


KEY = Key("arcade", "runner", "runner-1", "idle", 0)


@pytest.mark.parametrize(
    ("wrong", "pressed", "said"),
    [
        (outcome(KEY._replace(seed=9)), None, "was not asked for"),
        (outcome(KEY._replace(policy="random")), None, "was not asked for"),
        (outcome(KEY._replace(task="runner-9")), None, "was not asked for"),
        (outcome(KEY._replace(suite="free10")), None, "was not asked for"),
        (outcome(KEY, 2), None, "attempt 1 is due"),
        (outcome(KEY), actions(steps=29), "30 steps, and a trace of 29"),
        (outcome(KEY), np.zeros((30, 25)), "T x 20"),
        (outcome(KEY), np.full((30, 20), np.nan), "no finite number"),
    ],
)
def test_what_is_none_of_this_run_is_refused(
    tmp_path: Path, wrong: Outcome, pressed: Any, said: str
) -> None:
    """A record of something else would be found by ``check``, after days of computing."""
    with ResultWriter(tmp_path / "r", run()) as writer:
        with pytest.raises(WrongRecord, match=said):
            writer.add(wrong, pressed)
        writer.add(outcome(KEY), actions())
        with pytest.raises(WrongRecord, match="has been played"):
            writer.add(outcome(KEY, 2))
    assert len(read_result(tmp_path / "r").records) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"end": "won", "success": False}, {"end": "lost", "success": True}, {"progress": 1.5},
        {"progress": float("nan")}, {"steps": -1}, {"facts": {"x": object()}}, {"colour": 1},
        {"video": {"file": "../x", "sha256": "0" * 64}},
    ],
)  # fmt: skip
def test_no_outcome_can_say_what_cannot_be(other: dict[str, Any]) -> None:
    """Nobody looks again at a thousand records."""
    with pytest.raises(ValueError, match=r"validation error"):
        outcome(KEY, **{"success": other.get("end") == "won", **other})


@pytest.mark.parametrize(
    "other", [{"seeds": (1, 1)}, {"tasks": (task(), task())}, {"policies": (policy(), policy())},
              {"episodes": 3}, {"seeds": ()}, {"tasks": ()}], ids=str,
)  # fmt: skip
def test_a_run_asks_for_nothing_twice(other: dict[str, Any]) -> None:
    """Two episodes of one name could not be told apart."""
    with pytest.raises(ValueError, match=r"validation error"):
        run(**other)


def test_one_writes_at_a_time(tmp_path: Path) -> None:
    """Two runners in one folder would write each other's lines apart."""
    with ResultWriter(tmp_path / "r", run()), pytest.raises(ResultBusy):
        ResultWriter(tmp_path / "r", run())
    ResultWriter(tmp_path / "r", run()).close()


def test_a_folder_of_somebody_is_left_alone(tmp_path: Path) -> None:
    """``--out ~`` must not strew a result among a user's files."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(NotAResult, match=r"notes\.txt"):
        ResultWriter(tmp_path, run())
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(NotAResult):
        read_result(tmp_path)
    with pytest.raises(NotAResult, match="is not there"):
        read_result(tmp_path / "gone")


def test_a_beginning_that_was_killed_begins_again(tmp_path: Path) -> None:
    """Between the folder and its ``run.json``: there is no result yet."""
    write(tmp_path / "r", run())
    (tmp_path / "r" / "run.json").rename(tmp_path / "r" / "run.json.part")
    (tmp_path / "r" / "episodes.jsonl").write_bytes(b"")
    for trace in (tmp_path / "r" / "traces").iterdir():
        trace.unlink()
    with pytest.raises(NotAResult):
        read_result(tmp_path / "r")
    with ResultWriter(tmp_path / "r", run()) as writer:
        assert len(writer.missing()) == 8


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("run.json", b'{"format": 2, "nitropilot": "9.0"}', OtherFormat),
        ("run.json", b'{"format": 1}', DamagedResult),
        ("run.json", b'{"format"', DamagedResult),
        ("run.json", b"[]", DamagedResult),
        ("run.json", None, NotAResult),
        ("episodes.jsonl", None, DamagedResult),
        ("episodes.jsonl", b"{}\n", DamagedResult),
        ("episodes.jsonl", b"\xff\n", DamagedResult),
        ("episodes.jsonl", b"x" * (5 * 2**20), DamagedResult),
    ],
)
def test_files_that_are_none(
    tmp_path: Path, name: str, text: bytes | None, kind: type[Exception]
) -> None:
    """Each has an error of its own, for readers and for runs that would go on with it."""
    folder = write(tmp_path / "r", run())
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(text)
    with pytest.raises(kind) as error:
        read_result(folder)
    assert str(folder) in str(error.value)
    with pytest.raises(kind):
        ResultWriter(folder, run())
    assert len(list((folder / "traces").iterdir())) == 8  # and nothing was begun anew


FULL = """
import resource, sys
from pathlib import Path
from tests.simulator.benchmark.made import actions, outcome, run
from nitropilot.simulator.benchmark.results.errors import NotWritten
from nitropilot.simulator.benchmark.results.writer import ResultWriter
folder = Path(sys.argv[1])
with ResultWriter(folder, run()) as writer:
    (key, _), *others = writer.missing()
    writer.add(outcome(key), actions())
    size = (folder / "episodes.jsonl").stat().st_size
    for room in (size + 50, 400):  # for half a line; then not for a trace
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        try:
            writer.add(outcome(others[0].key), actions(1, 30))
        except NotWritten as error:
            print(error.line())
        assert (folder / "episodes.jsonl").stat().st_size == size
        assert not list(folder.rglob("*.part"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    writer.add(outcome(others[0].key), actions(1))
"""


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """Half a line in the middle would make all that follows unreadable.

    A limit of the size of files stands for the disk: the kernel writes as much as there is room
    for, and no more.
    """
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "r")], cwd=ROOT, env=module_environment(),
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["cannot", "write"]] * 2
    assert len(read_result(tmp_path / "r").records) == 2


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A traceback after an hour of set-up helps nobody."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NotWritten, match="file"):
        ResultWriter(tmp_path / "file" / "r", run())


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from([e.value for e in Ending]), min_size=1, max_size=30))
def test_any_course_of_a_run_can_be_read(
    tmp_path_factory: pytest.TempPathFactory, ends: list[str]
) -> None:
    """Whatever ends how, and however often the run is begun again: each episode counts once."""
    folder = tmp_path_factory.mktemp("any") / "r"
    what = run(range(3), (task(),))
    written = 0
    for end in ends:
        with ResultWriter(folder, what) as writer:
            missing = writer.missing()
            if not missing:
                break
            key, attempt = missing[0]
            writer.add(outcome(key, attempt, end), None)
            written += 1
    result = read_result(folder)
    counted = [end for end in ends[:written] if not Ending(end).void]
    assert [record.end.value for record in result.decided().values()] == counted
    assert len(result.records) == written
    assert len(result.missing()) == 3 - len(counted)


class Colour(StrEnum):
    """Of a judge's."""

    RED = "red"


def test_nothing_that_a_judge_reads_loses_an_episode(tmp_path: Path) -> None:
    """Names that are no text, NumPy's numbers, numbers that are none: after an hour of play."""
    what = run((1,), (task(),), (policy("a\udcff"),), options={"path": "b\udcff"})
    facts = {
        "text": "x\udcff", "large": 10**40, "word": Colour.RED, "map": {1: (2, 3)},
        "array": np.array([1.5, np.inf]), "flag": np.bool_(True), "\udcff": {"z"}, "none": None,
    }  # fmt: skip
    with ResultWriter(tmp_path / "r", what) as writer:
        ((key, _),) = writer.missing()
        writer.add(outcome(key, facts=facts), actions())
    result = read_result(tmp_path / "r")
    assert result.run == what
    assert result.records[0].policy == "a\N{REPLACEMENT CHARACTER}"
    assert result.records[0].facts == {
        "text": "x\N{REPLACEMENT CHARACTER}", "large": 10**40, "word": "red", "map": {"1": [2, 3]},
        "array": [1.5, "inf"], "flag": True, "\N{REPLACEMENT CHARACTER}": ["z"], "none": None,
    }  # fmt: skip
    ResultWriter(tmp_path / "r", what).close()
