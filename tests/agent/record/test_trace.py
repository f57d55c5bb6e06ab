"""The trace: every line parses, and the file is complete or bears another name."""

from __future__ import annotations

import json
import stat
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from nitropilot.agent import SessionPlan
from nitropilot.agent.errors import RecordingError
from nitropilot.agent.record.trace import TraceWriter, state_row
from nitropilot.controller import Button, GamepadState


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_whole_trace(tmp_path: Path) -> None:
    """Header, lines and end, in that order, under the final name only when complete."""
    path = tmp_path / "trace.jsonl"
    part = tmp_path / "trace.jsonl.part"
    trace = TraceWriter(path, {"game": {"title": 'Über\n\u2028 "game"'}})
    trace.write("chunk", i=0, frozen=None)
    trace.event("waiting", reason="black")
    assert len(lines(part)) == 3, "each line is on disk when it is written"
    assert not path.exists()
    trace.close(state="stopped", reason="enough")
    assert not part.exists()
    header, chunk, event, end = lines(path)
    assert (header["type"], header["game"]) == ("header", {"title": 'Über\n\u2028 "game"'})
    assert header["started"]
    assert chunk == {"type": "chunk", "i": 0, "frozen": None}
    assert (event["type"], event["what"], event["reason"]) == ("event", "waiting", "black")
    assert (end["type"], end["state"], end["reason"]) == ("end", "stopped", "enough")
    assert 0 <= event["t"] <= end["t"]  # type: ignore[operator]
    trace.close(state="failed")
    trace.write("chunk", i=1)
    assert len(lines(path)) == 4, "after the end nothing is added"


def test_times_count_from_the_start(tmp_path: Path) -> None:
    """Lines of one trace can be compared, whatever the machine's clock does."""
    trace = TraceWriter(tmp_path / "t", {})
    assert trace.at(trace.origin) == 0.0
    assert trace.at(trace.origin + 1.23456789) == 1.234568
    trace.close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The message names the file and what to do, not errno 2."""
    with pytest.raises(RecordingError, match="No such file") as failure:
        TraceWriter(tmp_path / "nowhere" / "trace.jsonl", {})
    assert "trace.jsonl.part" in str(failure.value)
    assert "--out" in failure.value.hint


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk(tmp_path: Path) -> None:
    """A trace that cannot be written must not end as a short file with a final name."""
    part = tmp_path / "trace.jsonl.part"
    part.symlink_to("/dev/full")
    with pytest.raises(RecordingError, match="No space left"):
        TraceWriter(tmp_path / "trace.jsonl", {})
    part.unlink()
    trace = TraceWriter(tmp_path / "trace.jsonl", {})
    assert trace._file is not None
    with Path("/dev/full").open("w") as full:
        trace._file, file = full, trace._file
        with pytest.raises(RecordingError, match="No space left"):
            trace.write("chunk", i=0)
    file.close()
    trace.close(state="stopped")
    assert part.exists()
    assert not (tmp_path / "trace.jsonl").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_trace_that_was_removed(tmp_path: Path) -> None:
    """Renaming what is gone fails: that must be said as a recording's failure."""
    trace = TraceWriter(tmp_path / "trace.jsonl", {})
    (tmp_path / "trace.jsonl.part").unlink()
    with pytest.raises(RecordingError, match="cannot write the trace"):
        trace.close(state="stopped")
    trace.close(state="stopped")


def test_a_state_as_numbers() -> None:
    """Readers of a trace rely on the order of the columns."""
    state = GamepadState((0.123456, -1.0), (0.5, 0.25), 1.0, 0.0, Button.A | Button.START)
    assert state_row(state) == [0.1235, -1.0, 0.5, 0.25, 1.0, 0.0, 0x1010]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX rights")
def test_a_sessions_folder_is_its_users_alone(tmp_path: Path) -> None:
    """What somebody plays, and when, is nobody else's business."""

    def never(*_: object) -> NoReturn:
        raise AssertionError("nothing is opened for a folder")

    plan = SessionPlan(never, never, tmp_path / "sessions" / "one")
    plan.make_folder()
    assert stat.S_IMODE(plan.folder.stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(RecordingError, match="cannot make the folder"):
        replace(plan, folder=tmp_path / "file" / "one").make_folder()
