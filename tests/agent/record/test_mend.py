"""What a killed or failed recorder leaves is made whole: as many rows as frames."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("the windows of these tests are X11 windows", allow_module_level=True)

from nitropilot import capture
from nitropilot.agent.record import mend as recording_recover
from nitropilot.agent.record.limits import Limits
from nitropilot.agent.record.mend import mend, recover
from nitropilot.agent.record.recorder import About, Recorder
from nitropilot.agent.values import PadSample
from nitropilot.controller import Button, GamepadState
from nitropilot.records import format as layout
from nitropilot.records.reader import read_recording
from nitropilot.records.rows import Row
from tests.agent.playing import until
from tests.agent.record.test_recording import frame_count, only_folder, rows_of
from tests.capture.xwindow import XWindow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay

HZ = 20.0


@pytest.fixture
def left(
    display: PrivateDisplay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """An unfinished recording of 110 rows, as a killed process leaves it: 2 chunks and a tail."""
    monkeypatch.setattr(layout, "CHUNK_S", 2)
    root, copy = tmp_path / "recorded", tmp_path / "left"
    with XWindow(display.name, (40, 40, 160, 120), 0x2040C0) as window:
        found = capture.find_window(handle=window.handle, display=display.name)
        recorder = Recorder(
            root, About("0123abcd", "game"), lambda: capture.open_grabber(found), HZ,
            Limits(0), 1280,
        )  # fmt: skip
        for number in range(110):
            state = GamepadState(buttons=Button.A if number % 2 else Button(0))
            recorder.put(PadSample(state, chunk=number // 16, action=number % 16, tick=number))
        until(lambda: recorder.frames == 110, "all frames")
        shutil.copytree(root, copy)
        recorder.finish("the test has its copy")
    (part,) = copy.iterdir()
    whose(part, 2**22 + 1)
    yield copy


def whose(part: Path, pid: int) -> None:
    """Make another process the writer."""
    facts = json.loads((part / "recording.json").read_text())
    facts["writer"] = {"pid": pid, "started": 1.0}
    (part / "recording.json").write_text(json.dumps(facts))


def part_of(root: Path) -> Path:
    (part,) = root.glob("*.part")
    return part


def check(root: Path, least: int, most: int = 110) -> Path:
    """One complete recording, rows and frames alike, every row what was sent with its frame."""
    folder = only_folder(root)
    rows = rows_of(folder)
    assert read_recording(folder).rows.to_pylist() == rows
    assert len(rows) == frame_count(folder / "video.mp4")
    assert least <= len(rows) <= most
    for number, row in enumerate(rows):
        assert row["frame_index"] == number
        assert row["south"] == bool(number % 2)
        assert (row["policy_chunk"], row["policy_action"]) == divmod(number, 16)
    facts = json.loads((folder / "recording.json").read_text())
    assert facts["mended"] is True
    assert facts["frames"] == len(rows)
    names = {path.name for path in folder.iterdir()}
    chunks = {f"{folder.name}_chunk_{i:04d}" for i in range(facts["chunks"])}
    assert names == {"recording.json", "video.mp4"} | chunks
    for number in range(facts["chunks"]):
        about = json.loads(
            (folder / f"{folder.name}_chunk_{number:04d}" / "metadata.json").read_text()
        )
        assert about["original_video"]["start_frame"] == number * 40
        assert about["original_video"]["resolution"] == [120, 160]
    return folder


def test_a_killed_one_is_mended(left: Path) -> None:
    """The recording of the crash is the one that somebody wants to see."""
    assert len(recover(left)) == 1
    check(left, 80)
    assert recover(left) == []


def test_a_tail_that_was_cut_in_a_line(left: Path) -> None:
    """The last write is half there."""
    tail = part_of(left) / "tail.jsonl"
    tail.write_text(tail.read_text()[:-9])
    recover(left)
    check(left, 80, 109)


def test_a_tail_of_other_bytes(left: Path) -> None:
    """Blocks that never reached the disk are zeros."""
    (part_of(left) / "tail.jsonl").write_bytes(b"\0" * 5000)
    recover(left)
    check(left, 80, 80)


@pytest.mark.parametrize("share", [0.9, 0.5, 0.2])
def test_a_video_that_was_cut(left: Path, share: float) -> None:
    """Rows without their frames would shift everything that is read after them."""
    video = part_of(left) / "video.mp4.part"
    data = video.read_bytes()
    video.write_bytes(data[: int(len(data) * share)])
    recover(left)
    if list(left.iterdir()):
        check(left, 1, 109)
    else:
        assert share < 0.5


def test_no_video_at_all(left: Path) -> None:
    """Rows without a single frame are no recording."""
    (part_of(left) / "video.mp4.part").unlink()
    assert recover(left) == []
    assert list(left.iterdir()) == []


def test_a_damaged_chunk(left: Path) -> None:
    """What lies after a hole cannot be lined up any more; what lies before it can."""
    (chunk,) = part_of(left).glob("*_chunk_0001")
    (chunk / "actions_raw.parquet").write_bytes(b"PAR1 no more")
    recover(left)
    check(left, 40, 40)


def test_a_chunk_that_was_being_written(left: Path) -> None:
    """Killed between the folder and the tail: the rows are in both, and count once."""
    part = part_of(left)
    (chunk,) = part.glob("*_chunk_0001")
    rows = [
        Row(
            frame_index=row["frame_index"], frame_time=row["frame_time"],
            sent_time=row["sent_time"], stretch=row["stretch"], source=row["source"],
            policy_chunk=row["policy_chunk"], policy_action=row["policy_action"],
            frame_repeated=row["frame_repeated"], left_x=0, left_y=0, right_x=0, right_y=0,
            trigger_left=0, trigger_right=0, buttons=int(Button.A) * row["south"],
        )
        for row in rows_of(part)[40:]
    ]  # fmt: skip
    tail = part / "tail.jsonl"
    tail.write_text("".join(row.line() for row in rows) + tail.read_text())
    chunk.rename(part / f"{chunk.name}.part")
    recover(left)
    for path in left.rglob("*.part"):
        assert not path.exists()
    check(left, 80)


@pytest.mark.parametrize("tail", [True, False])
def test_killed_while_finishing(left: Path, tmp_path: Path, tail: bool) -> None:
    """All was written, and only the folder's name, or the end of the tail, was missing."""
    part = part_of(left)
    rows = (part / "tail.jsonl").read_bytes()
    shutil.rmtree(part)
    shutil.copytree(only_folder(tmp_path / "recorded"), part)
    if tail:
        (part / "tail.jsonl").write_bytes(rows)
    whose(part, 2**22 + 1)
    recover(left)
    check(left, 110)


def test_a_live_one_is_left_alone(left: Path) -> None:
    """A second daemon must not take the recording of the first one apart."""
    part = part_of(left)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        import psutil

        facts = json.loads((part / "recording.json").read_text())
        facts["writer"] = {"pid": other.pid, "started": psutil.Process(other.pid).create_time()}
        (part / "recording.json").write_text(json.dumps(facts))
        before = sorted(path.stat().st_mtime_ns for path in left.rglob("*"))
        assert recover(left) == []
        assert sorted(path.stat().st_mtime_ns for path in left.rglob("*")) == before
        other.communicate(b"\n")
    assert len(recover(left)) == 1


def test_other_folders_are_not_touched(left: Path, tmp_path: Path) -> None:
    """A user's own things beside recordings, and what a link leads to, are nobody else's."""
    (left / "notes.part").mkdir()
    (left / "notes.part" / "mine").write_text("mine")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(part_of_id(left), elsewhere)
    link = left / "20260101-000000-89abcdef.part"
    link.symlink_to(elsewhere)
    recover(left)
    assert (left / "notes.part" / "mine").read_text() == "mine"
    assert link.is_symlink()
    assert (elsewhere / "tail.jsonl").exists()


def part_of_id(root: Path) -> Path:
    return next(path for path in root.iterdir() if path.name.startswith("20") and path.is_dir())


class Killed(BaseException):
    """In place of the end of the process."""


@pytest.mark.parametrize("nth", range(1, 12))
def test_mending_can_be_killed_anywhere(
    left: Path, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine that crashed once crashes again, while mending: nothing more is lost."""
    part = part_of(left)
    video = part / "video.mp4.part"
    data = video.read_bytes()
    video.write_bytes(data[: int(len(data) * 0.8)])
    done = shutil.copytree(left, left.with_name("whole"))
    recover(done)
    expected = rows_of(only_folder(done))
    steps = 0

    def step(real: object) -> object:
        def call(*arguments: object, **options: object) -> object:
            nonlocal steps
            steps += 1
            if steps == nth:
                raise Killed
            return real(*arguments, **options)  # type: ignore[operator]

        return call

    with monkeypatch.context() as patch:
        for name in ("write_chunk", "write_json", "_copy_video", "_cut_rows"):
            patch.setattr(recording_recover, name, step(getattr(recording_recover, name)))
        patch.setattr(os, "replace", step(os.replace))
        try:
            mend(part, "crash")
            finished = True
        except Killed:
            finished = False
    if not finished:
        whose(part, 2**22 + 1)
        assert len(recover(left)) == 1
    assert rows_of(check(left, 1)) == expected
