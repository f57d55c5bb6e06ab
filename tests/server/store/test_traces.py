"""Old traces: the oldest go, and nothing else does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nitropilot.agent.record.trace import TraceWriter
from nitropilot.server.store.traces import prune_traces

if TYPE_CHECKING:
    from pathlib import Path


def aged(path: Path, size: int, age: int) -> Path:
    """A file of so many bytes, last written so many seconds ago."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size))
    when = path.stat().st_mtime - age
    os.utime(path, (when, when))
    return path


def test_the_oldest_traces_go(tmp_path: Path) -> None:
    """A year of play must not fill the disk; videos and recordings are somebody's work."""
    oldest = aged(tmp_path / "1" / "trace.jsonl", 500, 900)
    crashed = aged(tmp_path / "2" / "trace.jsonl.gz.part", 500, 800)
    video = aged(tmp_path / "2" / "video.mp4", 5000, 950)
    kept = aged(tmp_path / "3" / "trace.jsonl.gz", 500, 700)
    newest = aged(tmp_path / "4" / "trace.jsonl.gz", 500, 600)
    recording = aged(tmp_path / "recordings" / "a.mp4", 5000, 999)
    prune_traces(tmp_path, 2000)
    assert oldest.exists()
    prune_traces(tmp_path, 1000)
    assert [path.exists() for path in (oldest, crashed, kept, newest)] == [0, 0, 1, 1]
    assert not oldest.parent.exists(), "nothing was left in it"
    assert video.exists()
    assert recording.exists()


def test_the_trace_of_a_running_session_stays(tmp_path: Path) -> None:
    """Also if another process plays, or nothing has been written for hours."""
    folder = tmp_path / "1"
    folder.mkdir()
    running = TraceWriter(folder / "trace.jsonl.gz", {})
    part = folder / "trace.jsonl.gz.part"
    os.utime(part, (1, 1))
    ended = aged(tmp_path / "2" / "trace.jsonl.gz", 500, 0)
    prune_traces(tmp_path, 1)
    assert part.exists()
    assert not ended.exists()
    running.close(state="stopped")
    assert (folder / "trace.jsonl.gz").exists()
    prune_traces(tmp_path, 1)
    assert not folder.exists()
