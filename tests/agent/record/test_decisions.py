"""What a policy was shown is kept without loss, for a while, and gives the same chunks again."""

from __future__ import annotations

import shutil
import time
import weakref
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.agent import PlaySettings
from nitropilot.agent.errors import ReplayError
from nitropilot.agent.record import decisions
from nitropilot.agent.record.decisions import DecisionLog, kept_decisions, picture_of
from nitropilot.agent.record.replaying import read_session, replay
from nitropilot.engines.base import Prefix, Request
from nitropilot.policy.observation import observe
from tests.agent.playing import PATIENCE_S, attach, chunks_of, until

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent import Session
    from nitropilot.agent.target.launch import LaunchedGame
    from tests.agent.playing import Stage


def request(number: int, frames: int = 1, joined: bool = False) -> Request:
    """A request of noise, which compresses worst, that no other number has."""
    rng = np.random.default_rng(number)
    pictures = rng.integers(0, 256, (frames, 80, 64, 3), np.uint8)
    observation = np.concatenate([observe(picture, 64) for picture in pictures])
    noise = rng.standard_normal((16, 25), np.float32)
    prefix = Prefix(rng.random((16, 25), np.float32), rng.random(16, np.float32))
    return Request(observation, noise, frames - 1, prefix=prefix if joined else None)


@pytest.mark.parametrize("frames", [1, 3])
def test_not_a_bit_is_lost(tmp_path: Path, frames: int) -> None:
    """A chunk follows from every bit of the picture."""
    log = DecisionLog(tmp_path / "decisions", None)
    asked = [request(number, frames, joined=number % 2 == 1) for number in range(9)]
    for number, one in enumerate(asked, 5):
        log.put(number, one)
    log.close()
    log.close()
    found = list(kept_decisions(tmp_path))
    assert [number for number, _ in found] == list(range(5, 14))
    for was, (_, now) in zip(asked, found, strict=True):
        assert np.array_equal(was.observation, now.observation)
        assert np.array_equal(was.noise, now.noise)
        assert was.dropped == now.dropped
        assert (was.prefix is None) == (now.prefix is None)
        if was.prefix is not None and now.prefix is not None:
            assert np.array_equal(was.prefix.actions, now.prefix.actions)
            assert np.array_equal(was.prefix.weights, now.prefix.weights)
    assert log.left_out == 0


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
        log.put(number, request(number))
        until(lambda: not len(log._letters), "written")
        time.sleep(0.03)
    log.close()
    numbers = [number for number, _ in kept_decisions(tmp_path)]
    assert numbers[-1] == 39
    assert numbers[0] > 0
    assert numbers == list(range(numbers[0], 40))


def test_pictures_are_not_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute of them is hundreds of megabytes, at ten a second."""
    monkeypatch.setattr(decisions, "SEGMENT_S", 3600.0)
    log = DecisionLog(tmp_path / "decisions", None)
    pictures = [weakref.ref(one.observation) for one in put(log, 8)]
    until(lambda: log._segment is not None and len(log._segment.numbers) == 8, "written")
    until(lambda: not any(picture() is not None for picture in pictures[:-1]), "given back")
    log.close()
    assert [number for number, _ in kept_decisions(tmp_path)] == list(range(8))


def put(log: DecisionLog, count: int) -> list[Request]:
    """Have decisions kept."""
    made = [request(number) for number in range(count)]
    for number, one in enumerate(made):
        log.put(number, one)
    return made


@pytest.mark.parametrize("suffix", [".npz", ".mkv"])
@pytest.mark.parametrize("spoil", ["cut", "emptied", "removed", "rewritten", "another"])
def test_a_damaged_part_is_one_line(tmp_path: Path, suffix: str, spoil: str) -> None:
    """A disk that was full, or a folder that was copied in part."""
    log = DecisionLog(tmp_path / "decisions", None)
    put(log, 8)
    log.close()
    file = tmp_path / "decisions" / f"000000{suffix}"
    content = file.read_bytes()
    if spoil == "removed":
        file.unlink()
    else:
        file.write_bytes({
            "cut": content[: len(content) // 2], "emptied": b"", "rewritten": b"no" * 500,
            "another": (tmp_path / "decisions" / "000000.npz").read_bytes()[::-1],
        }[spoil])  # fmt: skip
    if (suffix, spoil) == (".npz", "removed"):
        assert list(kept_decisions(tmp_path)) == [], "it was never complete"
        return
    if (suffix, spoil) == (".mkv", "cut"):  # what is whole of it may be read
        with suppress(ReplayError):
            assert len(list(kept_decisions(tmp_path))) <= 8
        return
    with pytest.raises(ReplayError, match="is damaged") as failure:
        list(kept_decisions(tmp_path))
    assert failure.value.hint
    assert "\n" not in failure.value.line()


def test_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    """The play is worth more than what could be said of it later."""
    (tmp_path / "decisions").write_text("in the way")
    log = DecisionLog(tmp_path / "decisions", None)
    log.put(0, request(0))
    until(lambda: log._failed, "it fails")
    log.put(1, request(1))
    log.close()
    assert log.left_out == 1


def played(stage: Stage, runner: LaunchedGame) -> Session:
    """A session that has ended."""
    session = stage.playing(
        attach(runner),
        settings=PlaySettings(action_hz=60.0, mode=stage.mode),  # a seed that nobody knows
        keep_decisions_s=None,
    )
    until(lambda: session.stats.chunks > 6, "some chunks")
    session.stop()
    assert session.wait(PATIENCE_S)
    return session


@pytest.mark.game
def test_the_same_chunks_again(stage: Stage, runner: LaunchedGame) -> None:
    """Joined ones too, whose beginning was given to the sampler."""
    session = played(stage, runner)
    engine = stage.engine()
    found = list(replay(read_session(session.plan.folder), engine))
    assert [one.number for one in found] == [chunk["i"] for chunk in chunks_of(session)]
    assert max(one.error for one in found) < 1e-4, "the trace has five digits"
    assert min(one.buttons for one in found) > 0.999
    other = stage.engine()
    other.spec = replace(other.spec, fingerprint="f" * 64)
    with pytest.raises(ReplayError, match="and this one is"):
        next(replay(read_session(session.plan.folder), other))
    shutil.rmtree(session.plan.folder / "decisions")
    with pytest.raises(ReplayError, match="no frames are kept"):
        next(replay(read_session(session.plan.folder), engine))


@pytest.mark.parametrize("content", [None, b"", b"what", b"{}\n", b'{"type": "chunk"}\n', b"{\n"])
def test_what_is_no_trace(tmp_path: Path, content: bytes | None) -> None:
    """One line that names the file."""
    path = tmp_path / "trace.jsonl.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReplayError, match=r"trace\.jsonl"):
        read_session(tmp_path)
