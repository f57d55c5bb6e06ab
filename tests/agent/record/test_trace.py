"""The trace: every line parses, and the file is complete or bears another name."""

from __future__ import annotations

import gzip
import json
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from nitropilot.agent import SessionPlan
from nitropilot.agent.errors import RecordingError
from nitropilot.agent.record import trace as trace_module
from nitropilot.agent.record.trace import TraceWriter, read_trace, state_row
from nitropilot.controller import Button, GamepadState


def lines(path: Path) -> list[dict[str, Any]]:
    return list(read_trace(path))


def test_a_whole_trace(tmp_path: Path) -> None:
    """Header, lines and end, in that order, under the final name only when complete."""
    path = tmp_path / "trace.jsonl.gz"
    part = tmp_path / "trace.jsonl.gz.part"
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
    assert 0 <= event["t"] <= end["t"]
    trace.close(state="failed")
    trace.write("chunk", i=1)
    assert len(lines(path)) == 4, "after the end nothing is added"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        assert [json.loads(line) for line in file] == lines(path), "zcat reads it too"


def test_traces_of_older_versions_are_read(tmp_path: Path) -> None:
    """Whoever kept traces of last year must not lose them to a compressed format."""
    path = tmp_path / "trace.jsonl"
    path.write_text('{"type":"header"}\n{"type":"end","state":"stopped"}\n{"type":"cut o')
    assert lines(path) == [{"type": "header"}, {"type": "end", "state": "stopped"}]


def test_what_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """A power cut in mid-play: the trace is then what says how it came to that."""
    path = tmp_path / "trace.jsonl.gz"
    trace = TraceWriter(path, {})
    for number in range(9):
        trace.write("chunk", i=number)
    part = path.with_name("trace.jsonl.gz.part")
    copy = tmp_path / "copy"
    copy.write_bytes(part.read_bytes()[:-9])
    trace.close(state="stopped")
    assert [line.get("i") for line in lines(copy)] == [None, *range(8)]


def test_a_trace_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that was forgotten for a month fills the disk of whoever forgot it."""
    monkeypatch.setattr(trace_module, "MAX_BYTES", 20_000)
    path = tmp_path / "trace.jsonl.gz"
    trace = TraceWriter(path, {})
    for number in range(2000):
        trace.write("chunk", i=number, actions=[number * 1.1] * 20)
    assert path.with_name(path.name + ".part").stat().st_size < 21_000
    assert "full" in trace.warning
    trace.close(state="stopped")
    *written, end = lines(path)
    assert written[-1]["i"] < 1999
    assert end["left_out"] == 1999 - written[-1]["i"], "the last line says what is missing"


def test_times_count_from_the_start(tmp_path: Path) -> None:
    """Lines of one trace can be compared, whatever the machine's clock does."""
    trace = TraceWriter(tmp_path / "t", {})
    assert trace.at(trace.origin) == 0.0
    assert trace.at(trace.origin + 1.23456789) == 1.234568
    trace.close()


def failing(path: Path) -> tuple[TraceWriter, list[RecordingError]]:
    """A trace, and what it has said so far."""
    said: list[RecordingError] = []
    return TraceWriter(path, {}, said.append), said


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The message names the file and what to do, not errno 2."""
    trace, said = failing(tmp_path / "nowhere" / "trace.jsonl.gz")
    (failure,) = said
    assert "No such file" in str(failure)
    assert "trace.jsonl.gz.part" in str(failure)
    assert "--out" in failure.hint
    trace.close(state="stopped")
    assert trace.warning == str(failure)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_full_disk(tmp_path: Path) -> None:
    """It is given up and said once, and no short file gets the final name."""
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from nitropilot.agent.record.trace import TraceWriter\n"
        "trace = TraceWriter(Path(sys.argv[1]), {}, lambda error: print(error))\n"
        "trace.write('chunk', i=0)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n"
        "for n in range(999): trace.write('chunk', i=n, x=n * 1.37)\n"
        "trace.close(state='stopped')\n"
    )
    path = tmp_path / "trace.jsonl.gz"
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("cannot write the trace") == 1, done.stdout
    assert "File too large" in done.stdout
    assert not path.exists()
    assert lines(path.with_name(path.name + ".part"))[1]["i"] == 0, "what there is can be read"


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_trace_that_was_removed(tmp_path: Path) -> None:
    """Renaming what is gone fails: that must be said."""
    trace, said = failing(tmp_path / "trace.jsonl.gz")
    (tmp_path / "trace.jsonl.gz.part").unlink()
    trace.close(state="stopped")
    trace.close(state="stopped")
    assert ["cannot write the trace" in str(error) for error in said] == [True]


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
