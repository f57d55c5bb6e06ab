"""What a policy was shown is kept without loss, for a while, whatever becomes of the play."""

from __future__ import annotations

import subprocess
import sys
import time
import weakref
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.agent.errors import RecordingError, ReplayError
from nitropilot.agent.record import decisions
from nitropilot.agent.record.decisions import DecisionLog, kept_decisions
from nitropilot.agent.record.kept import LAST, MAGIC, CutOff, picture_of, read_kept
from nitropilot.engines.base import Request
from nitropilot.policy.observation import observe
from tests.agent.playing import until
from tests.agent.record.keeping import decision, put, readable
from tests.support.places import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("frames", [1, 3])
def test_not_a_bit_is_lost(tmp_path: Path, frames: int) -> None:
    """A chunk follows from every bit of the picture, and is compared in every bit."""
    log = DecisionLog(tmp_path / "decisions", None)
    asked = [decision(number, frames, joined=number % 2 == 1) for number in range(5, 14)]
    for one in asked:
        log.put(one)
    log.close()
    log.close()
    found = list(kept_decisions(tmp_path))
    assert [one.number for one in found] == list(range(5, 14))
    for before, after in zip(asked, found, strict=True):
        was, now = before.request, after.request
        assert np.array_equal(before.actions, after.actions)
        assert np.array_equal(was.observation, now.observation)
        assert np.array_equal(was.noise, now.noise)
        assert was.dropped == now.dropped
        assert (was.prefix is None) == (now.prefix is None)
        if was.prefix is not None and now.prefix is not None:
            assert np.array_equal(was.prefix.actions, now.prefix.actions)
            assert np.array_equal(was.prefix.weights, now.prefix.weights)
    assert (log.left_out, log.warning) == (0, "")


def test_every_byte_comes_back() -> None:
    """Scaling to [-1, 1] and back is exact for all 256 values."""
    every = np.arange(256, dtype=np.uint8).repeat(12).reshape(32, 32, 3)
    picture = picture_of(Request(observe(every, 32), np.zeros((1, 1), np.float32)))
    assert np.array_equal(picture, every)


def test_a_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A play of hours must not fill the disk."""
    monkeypatch.setattr(decisions, "SEGMENT_S", 0.05)
    log = DecisionLog(tmp_path / "decisions", 0.5)
    for number in range(40):
        log.put(decision(number))
        until(lambda: not len(log._letters), "written")
        time.sleep(0.03)
    log.close()
    numbers = [one.number for one in kept_decisions(tmp_path)]
    assert numbers[-1] == 39
    assert numbers[0] > 0
    assert numbers == list(range(numbers[0], 40))


def test_pictures_are_not_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute of them is hundreds of megabytes, at ten a second."""
    monkeypatch.setattr(decisions, "SEGMENT_S", 3600.0)
    log = DecisionLog(tmp_path / "decisions", None)
    pictures = [weakref.ref(one.request.observation) for one in put(log, 8)]
    until(lambda: len(readable(tmp_path)) == 8, "written")
    until(lambda: not any(picture() is not None for picture in pictures[:-1]), "given back")
    log.close()
    assert [one.number for one in kept_decisions(tmp_path)] == list(range(8))


def test_a_kill_loses_nothing_that_was_written(tmp_path: Path) -> None:
    """Whoever wants to know what a play did that was killed wants to know its last seconds."""
    script = (
        "import sys, time; from pathlib import Path\n"
        "from nitropilot.agent.record.decisions import DecisionLog\n"
        "from tests.agent.record.keeping import put\n"
        "log = DecisionLog(Path(sys.argv[1]) / 'decisions', 600.0)\n"
        "put(log, 9)\n"
        "time.sleep(3600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT)
    try:
        until(lambda: len(readable(tmp_path)) == 9, "written")
        assert [one.number for one in kept_decisions(tmp_path, goes_on=True)] == list(range(9))
    finally:
        process.kill()
        process.wait()
    assert readable(tmp_path) == list(range(9))
    with pytest.raises(ReplayError, match="ends after 9 decisions: the play was killed"):
        list(kept_decisions(tmp_path))


def test_wherever_a_file_is_cut(tmp_path: Path) -> None:
    """A folder that was copied in part: what is whole is read, and that it is not all is said."""
    log = DecisionLog(tmp_path / "decisions", None)
    put(log, 3)
    log.close()
    path = tmp_path / "decisions" / "000000.frames"
    content = path.read_bytes()
    counts = []
    for size in [
        *range(60),
        *range(60, len(content), 997),
        *range(len(content) - 30, len(content)),
    ]:
        path.write_bytes(content[:size])
        found = []
        with pytest.raises(CutOff, match="ends after") as failure:
            found.extend(one.number for one in _each(path, found))
        assert f"ends after {len(found)} decisions" in str(failure.value)
        counts.append(len(found))
    assert counts == sorted(counts)
    assert set(counts) == {0, 1, 2, 3}


def _each(path: Path, found: list[int]) -> list[object]:
    """Note the numbers one by one, so that they are there when it raises."""
    for one in read_kept(path):
        found.append(one.number)
    return []


@pytest.mark.parametrize("spoil", ["emptied", "flipped", "rewritten", "lengthened", "length"])
def test_a_damaged_part_is_one_line(tmp_path: Path, spoil: str) -> None:
    """A disk that was full or is failing: what came before is read, and what is wrong is said."""
    log = DecisionLog(tmp_path / "decisions", None)
    put(log, 8)
    log.close()
    path = tmp_path / "decisions" / "000000.frames"
    content = path.read_bytes()
    middle = len(content) // 2
    flipped = bytes([content[middle] ^ 255])
    path.write_bytes({
        "emptied": b"", "rewritten": b"no" * 500, "lengthened": content + b"more",
        "flipped": content[:middle] + flipped + content[middle + 1 :],
        "length": MAGIC + b"\xff" * 12 + content[len(MAGIC) + 12 :],
    }[spoil])  # fmt: skip
    with pytest.raises(ReplayError, match=r"000000\.frames") as failure:
        list(kept_decisions(tmp_path))
    assert failure.value.hint
    assert "\n" not in failure.value.line()
    expected = {"flipped": range(1, 8), "lengthened": range(8, 9)}.get(spoil, range(1))
    assert len(readable(tmp_path)) in expected


def test_other_parts_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten minutes are not lost to half a minute; and a part that is gone is missed."""
    monkeypatch.setattr(decisions, "SEGMENT_S", 0.0)
    log = DecisionLog(tmp_path / "decisions", None)
    for number in range(5):
        log.put(decision(number))
        time.sleep(0.01)
    log.close()
    assert readable(tmp_path) == list(range(5))
    parts = sorted((tmp_path / "decisions").iterdir())
    assert all(part.read_bytes().endswith(LAST) for part in parts)
    parts[1].write_bytes(b"no")
    parts[3].unlink()
    found: list[int] = []
    with pytest.raises(ReplayError, match=r"another version.*000004\.frames a file is missing"):
        for one in kept_decisions(tmp_path):
            found.append(one.number)
    assert found == [0, 2, 4]


def test_what_cannot_be_looked_at(tmp_path: Path) -> None:
    """That no frames are kept would be the wrong reason."""
    assert list(kept_decisions(tmp_path)) == []
    folder = tmp_path / "decisions"
    folder.symlink_to(folder)
    with pytest.raises(ReplayError, match="cannot read the folder"):
        list(kept_decisions(tmp_path))
    folder.unlink()
    folder.mkdir()
    (folder / "000000.frames").mkdir()
    with pytest.raises(ReplayError, match=r"cannot read .*000000\.frames"):
        list(kept_decisions(tmp_path))
    (folder / "000000.frames").rmdir()
    (folder / "000000.npz").touch()
    with pytest.raises(ReplayError, match="another version"):
        list(kept_decisions(tmp_path))


def test_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    """The play is worth more than what could be said of it later; but it is said, once."""
    (tmp_path / "decisions").write_text("in the way")
    said: list[RecordingError] = []
    log = DecisionLog(tmp_path / "decisions", None, said.append)
    log.put(decision(0))
    until(lambda: log.warning, "it fails")
    log.put(decision(1))
    log.close()
    assert log.left_out == 2
    assert [str(error) for error in said] == [log.warning]
    assert "cannot keep what the policy is shown" in log.warning
    assert "File exists" in log.warning


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_disk_that_fills(tmp_path: Path) -> None:
    """What was written until then can be read, to the last whole decision."""
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from nitropilot.agent.record.decisions import DecisionLog\n"
        "from tests.agent.record.keeping import put\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "log = DecisionLog(Path(sys.argv[1]) / 'decisions', None, print)\n"
        "put(log, 40)\n"
        "log.close()\n"
        "print(log.left_out)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True,
        cwd=ROOT,
    )  # fmt: skip
    failure, left_out = done.stdout.splitlines()
    assert "File too large" in failure
    found = readable(tmp_path)
    assert 0 < len(found) == 40 - int(left_out)
    assert found == list(range(len(found)))


def test_what_comes_too_quickly_is_said_where_all_was_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked for every frame must not find out at the replay."""
    monkeypatch.setattr(decisions, "MOST_WAITING", 0)
    everything, a_while = (DecisionLog(tmp_path / str(s), s) for s in (None, 600.0))
    for log in (everything, a_while):
        put(log, 3)
        log.close()
        assert log.left_out == 3
    assert everything.warning.startswith("3 decisions are not kept in")
    assert a_while.warning == ""
