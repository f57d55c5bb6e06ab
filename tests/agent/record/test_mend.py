"""What a killed or failed recorder leaves is made whole: as many rows as frames."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("the windows of these tests are X11 windows", allow_module_level=True)

from nitropilot import capture
from nitropilot.agent.errors import RecordingError
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

    from nitropilot.agent.target.display import PrivateDisplay

HZ = 20.0
GAP_AT, GAP_S = 40, 5.0


def numbered(number: int, began: float) -> PadSample:
    """A sample that ``check`` knows by its number, with a gap before one of them."""
    gap = number >= GAP_AT
    return PadSample(
        GamepadState(buttons=Button.A if number % 2 else Button(0)),
        began + number / HZ + GAP_S * gap,
        chunk=number // 16, action=number % 16, stretch=gap, tick=number,
    )  # fmt: skip


@contextmanager
def recording(root: Path, display: PrivateDisplay) -> Iterator[Recorder]:
    """A recorder of a blue window."""
    with XWindow(display.name, (40, 40, 160, 120), 0x2040C0) as window:
        found = capture.find_window(handle=window.handle, display=display.name)
        yield Recorder(
            root, About("0123abcd", "game"), lambda: capture.open_grabber(found), HZ,
            Limits(0), 1280,
        )  # fmt: skip


@pytest.fixture(scope="module")
def made(x_display: PrivateDisplay, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A recording of 110 rows, 2 chunks and a tail, with a gap of five seconds after the first
    chunk: as a killed process leaves it, and complete."""
    place = tmp_path_factory.mktemp("made")
    root, copy = place / "recorded", place / "left"
    with pytest.MonkeyPatch.context() as patch, recording(root, x_display) as recorder:
        patch.setattr(layout, "CHUNK_S", 2)
        began = time.perf_counter() - 60.0  # nobody waits for it
        for number in range(110):
            recorder.put(numbered(number, began))
        until(lambda: recorder.frames == 110, "all frames")
        shutil.copytree(root, copy)
        recorder.finish("the test has its copy")
    (part,) = copy.iterdir()
    whose(part, 2**22 + 1)
    return copy, root


@pytest.fixture
def left(made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a killed process left, to be mended."""
    monkeypatch.setattr(layout, "CHUNK_S", 2)
    return shutil.copytree(made[0], tmp_path / "left")


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
        gap = GAP_S if number * 40 >= GAP_AT else 0.0
        assert about["original_video"]["start_time"] == pytest.approx(number * 40 / HZ + gap)
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


def test_a_damaged_chunk_in_the_middle(left: Path, made: tuple[Path, Path]) -> None:
    """Those after it stand for frames that are not at their place any more."""
    part = part_of(left)
    shutil.rmtree(part)
    shutil.copytree(only_folder(made[1]), part)
    (part / f"{only_folder(made[1]).name}_chunk_0001" / "actions_raw.parquet").write_bytes(b"")
    whose(part, 2**22 + 1)
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
def test_killed_while_finishing(left: Path, made: tuple[Path, Path], tail: bool) -> None:
    """All was written, and only the folder's name, or the end of the tail, was missing."""
    part = part_of(left)
    rows = (part / "tail.jsonl").read_bytes()
    shutil.rmtree(part)
    shutil.copytree(only_folder(made[1]), part)
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


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The system writes no file of this process beyond so many bytes, as on a disk that is full."""
    import resource  # of POSIX alone

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_a_copy_that_cannot_be_written(left: Path) -> None:
    """The end of what can be written is not the end of what was recorded."""
    part = part_of(left)
    (part / "tail.jsonl").unlink()
    before = (part / "video.mp4.part").read_bytes()
    with (
        largest_file(len(before) // 2),
        pytest.raises(OSError, match=r"File too large: .*video\.mp4\.mended"),
    ):
        mend(part, "crash")
    assert (part / "video.mp4.part").read_bytes() == before
    whose(part, 2**22 + 1)
    recover(left)
    check(left, 80, 80)


def test_a_video_that_cannot_be_read_just_now(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon without a descriptor left must not take it for an empty one, and remove it."""
    part = part_of(left)
    with monkeypatch.context() as patched:

        def none_left(*_: object, **__: object) -> None:
            raise av.error.FFmpegError(errno.EMFILE, "Too many open files", "video")

        patched.setattr(av, "open", none_left)
        with pytest.raises(OSError, match="Too many open files"):
            mend(part, "crash")
    whose(part, 2**22 + 1)
    recover(left)
    check(left, 80)


def test_a_disk_that_fills_while_recording(x_display: PrivateDisplay, tmp_path: Path) -> None:
    """Neither the rows nor the video can be written any more, nor what mending would make of
    them: all waits, as it is, for a disk with room."""
    with recording(tmp_path, x_display) as recorder, largest_file(3000):
        began = time.perf_counter() - 60.0
        with suppress(RecordingError):
            for number in range(60):
                recorder.put(numbered(number, began))
        with pytest.raises(RecordingError, match="File too large"):
            recorder.finish("the test is over")
    whose(part_of(tmp_path), 2**22 + 1)
    assert len(recover(tmp_path)) == 1
    rows = read_recording(only_folder(tmp_path)).rows.to_pylist()
    assert [row["south"] for row in rows] == [bool(number % 2) for number in range(len(rows))]
    assert len(rows) >= HZ, "whole seconds of video"


class Killed(BaseException):
    """In place of the end of the process."""


@pytest.mark.parametrize("nth", range(1, 21))
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
        for name in ("replace", "unlink", "rename"):
            patch.setattr(Path, name, step(getattr(Path, name)))
        try:
            mend(part, "crash")
            finished = True
        except Killed:
            finished = False
    assert finished == (nth == 20), "at each step, the last of which gives it its name"
    if not finished:
        whose(part, 2**22 + 1)
        assert len(recover(left)) == 1
    assert rows_of(check(left, 1)) == expected
