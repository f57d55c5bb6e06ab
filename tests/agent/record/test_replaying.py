"""The decisions that were kept give the same chunks again; what is wrong with them is one line."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nitropilot.agent import PlaySettings
from nitropilot.agent.errors import ReplayError
from nitropilot.agent.record.replaying import Replayed, read_session, replay
from nitropilot.engines.pytorch.engine import TorchEngine
from tests.agent.playing import PATIENCE_S, attach, chunks_of, paused_only, read_trace, until
from tests.agent.record.keeping import begin_play, readable, whole_play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nitropilot.agent import Session
    from nitropilot.agent.target.launch import LaunchedGame
    from nitropilot.policy.network.policy import Policy
    from tests.agent.playing import Stage


@pytest.fixture(scope="module")
def engine(policy: Policy) -> Iterator[TorchEngine]:
    """A real engine."""
    engine = TorchEngine(policy)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def kept(engine: TorchEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A play that has ended; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("kept")
    whole_play(folder, engine)
    return folder


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    """One of its own for each test."""
    shutil.copytree(kept, tmp_path / "session")
    return tmp_path / "session"


def replayed(
    folder: Path, engine: TorchEngine, only: int | None = None
) -> tuple[list[Replayed], ReplayError | None]:
    """What could be replayed, and what was said of the rest."""
    found: list[Replayed] = []
    try:
        for one in replay(read_session(folder), engine, only):
            found.append(one)
    except ReplayError as error:
        assert "\n" not in error.line()
        return found, error
    return found, None


def rewrite(folder: Path, change: Callable[[list[Any]], object]) -> None:
    """Change the lines of a trace."""
    path = folder / "trace.jsonl.gz"
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    change(lines)
    path.write_bytes(gzip.compress("".join(json.dumps(one) + "\n" for one in lines).encode()))


def test_equality_can_be_shown(folder: Path, engine: TorchEngine) -> None:
    """A difference of 1e-6 may be of rounding or of a fault: nobody could say which."""
    found, trouble = replayed(folder, engine)
    assert trouble is None
    assert [one.number for one in found] == list(range(12))
    assert {one.error for one in found} == {0.0}
    assert {one.buttons for one in found} == {1.0}
    alone, trouble = replayed(folder, engine, only=7)
    assert trouble is None
    assert [one.number for one in alone] == [7]
    assert np.array_equal(alone[0].actions, found[7].actions)


def test_a_difference_of_one_bit_shows(folder: Path, policy: Policy) -> None:
    """Otherwise nothing that is said of equality would be worth anything."""

    class Other(TorchEngine):
        def infer_batch(self, requests: Any) -> Any:
            (chunk,) = super().infer_batch(requests)
            actions = chunk.actions.copy()
            actions[3, 4] = np.nextafter(actions[3, 4], np.float32(9))
            return [replace(chunk, actions=actions)]

    found, trouble = replayed(folder, Other(policy))
    assert trouble is None
    assert all(0 < one.error < 1e-6 for one in found)


def test_decisions_that_were_cut_off(folder: Path, engine: TorchEngine) -> None:
    """28 chunks, 12 of them replayed, and success: a script would believe it."""
    path = folder / "decisions" / "000000.frames"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    count = len(readable(folder))
    found, trouble = replayed(folder, engine)
    assert 0 < count < 12
    assert [one.number for one in found] == list(range(count))
    assert f"000000.frames ends after {count} decisions" in str(trouble)
    path.write_bytes(path.read_bytes()[:2000])
    found, trouble = replayed(folder, engine)
    assert found == []
    assert "no frames are kept" in str(trouble)
    assert "ends after 0 decisions" in str(trouble)


def test_decisions_that_are_missing(folder: Path, engine: TorchEngine) -> None:
    """Which the files alone do not show, when the last of them is gone."""

    def more(lines: list[Any]) -> None:
        lines.insert(-1, lines[-2] | {"i": 12})

    rewrite(folder, more)
    found, trouble = replayed(folder, engine)
    assert len(found) == 12
    assert "1 decisions are missing" in str(trouble)
    rewrite(folder, lambda lines: lines[-1].update(decisions_left_out=1))
    assert replayed(folder, engine)[1] is None, "it was said that one was left out"
    rewrite(folder, lambda lines: lines[-1].update(decisions_warning="the disk was full"))
    assert "the disk was full" in str(replayed(folder, engine)[1])


def test_a_trace_that_was_cut_off(folder: Path, engine: TorchEngine) -> None:
    """One chunk of one, and not a word: nobody would look for the others."""
    path = folder / "trace.jsonl.gz"
    path.write_bytes(path.read_bytes()[:3000])
    lines = len(read_session(folder).actions) + 1
    assert 1 < lines < 12
    found, trouble = replayed(folder, engine)
    assert len(found) == 12, "each decision has all that a replay needs"
    assert f"has no end after line {lines}" in str(trouble)
    assert read_session(folder).trace == f"cut off after line {lines}"


def test_a_play_that_goes_on(tmp_path: Path, engine: TorchEngine) -> None:
    """What it has not written yet is no damage; once it is killed, it is said."""
    trace, log = begin_play(tmp_path, engine, 5)
    try:
        until(lambda: len(readable(tmp_path)) == 5, "written")
        session = read_session(tmp_path)
        assert (session.goes_on, session.trace) == (True, "still being written")
        found, trouble = replayed(tmp_path, engine)
        assert trouble is None
        assert {one.error for one in found} == {0.0}
        killed = tmp_path / "killed"
        killed.mkdir()
        shutil.copy(tmp_path / "trace.jsonl.gz.part", killed)
        shutil.copytree(tmp_path / "decisions", killed / "decisions")
        found, trouble = replayed(killed, engine)
        assert len(found) == 5
        assert "the play was killed" in str(trouble)
        assert "has no end after line 6" in str(trouble)
    finally:
        log.close()
        trace.close()


def test_where_no_frames_are_kept(folder: Path, engine: TorchEngine) -> None:
    """The reason is the right one."""
    shutil.rmtree(folder / "decisions")
    _, trouble = replayed(folder, engine)
    assert "no frames are kept" in str(trouble)
    assert "traces.frames_minutes" in trouble.hint if trouble else False
    rewrite(folder, lambda lines: lines[-1].update(decisions_warning="the disk was full"))
    _, trouble = replayed(folder, engine)
    assert "the disk was full" in str(trouble)
    assert "traces.frames_minutes" not in trouble.line() if trouble else False


def test_of_another_play(folder: Path, engine: TorchEngine, policy: Policy) -> None:
    """Files that were mixed up, or a trace that somebody has changed."""

    def change(lines: list[Any]) -> None:
        lines[4]["actions"][2][3] += 0.00001

    rewrite(folder, change)
    found, trouble = replayed(folder, engine)
    assert len(found) == 3
    assert "chunk 3 of" in str(trouble)
    assert "differ" in str(trouble)
    other = TorchEngine(policy)
    other.spec = replace(other.spec, fingerprint="f" * 64)
    _, trouble = replayed(folder, other)
    assert "and this one is" in str(trouble)


@pytest.mark.parametrize("content", [None, b"", b"what", b"{}\n", b'{"type": "chunk"}\n', b"{\n"])
def test_what_is_no_trace(tmp_path: Path, content: bytes | None) -> None:
    """One line that names the file."""
    path = tmp_path / "trace.jsonl.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReplayError, match=r"trace\.jsonl") as failure:
        read_session(tmp_path)
    assert failure.value.hint


def test_places_that_cannot_be_looked_at(tmp_path: Path) -> None:
    """A loop of links and a name that is too long are no tracebacks."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for place in (tmp_path / "loop", tmp_path / ("n" * 300), tmp_path / "loop" / "trace.jsonl.gz"):
        with pytest.raises(ReplayError, match="cannot read the trace"):
            read_session(place)


def test_flipped_bytes_of_a_trace(folder: Path) -> None:
    """Wherever they are: a line about the file, or a trace that says something else."""
    path = folder / "trace.jsonl.gz"
    content = path.read_bytes()
    said = 0
    for place in range(0, len(content) - 1, len(content) // 60):
        flipped = bytes(byte ^ 255 for byte in content[place : place + 2])
        path.write_bytes(content[:place] + flipped + content[place + 2 :])
        try:
            read_session(folder)
        except ReplayError as error:
            assert "trace.jsonl.gz" in str(error)
            assert "\n" not in error.line()
            said += 1
    assert said > 50


def _drop(*names: str) -> Callable[[list[Any]], object]:
    def change(lines: list[Any]) -> None:
        for name in names:
            lines[0].pop(name, None)
            lines[2].pop(name, None)

    return change


def _set(line: int, **values: Any) -> Callable[[list[Any]], object]:
    return lambda lines: lines[line].update(values)


def _insert(value: Any) -> Callable[[list[Any]], object]:
    return lambda lines: lines.insert(2, value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_insert([1, 2]), "line 3: it is no object"),
        (_insert("text"), "line 3: it is no object"),
        (_insert(None), "line 3: it is no object"),
        (_insert({}), "line 3: it is no object with a type"),
        (_insert({"type": 5}), "line 3: it is no object with a type"),
        (_insert({"type": "chunk"}), "line 3: it says no number"),
        (_drop("actions"), "line 3: its actions are no rows"),
        (_drop("i"), "line 3: it says no number"),
        (_drop("policy"), "line 1: it says no policy"),
        (_drop("engine"), "line 1: it says no engine"),
        (_set(0, policy="a name"), "line 1: it says no policy"),
        (_set(0, policy={"name": 1, "fingerprint": "f"}), "line 1: it says no policy"),
        (_set(0, engine={"name": "torch"}), "line 1: it says no engine, or not its device"),
        (_set(0, cfg_scale="much"), "line 1: its cfg_scale"),
        (_set(0, cfg_scale=float("nan")), "line 1: its cfg_scale"),
        (_set(0, game_condition=[1]), "line 1: its game_condition"),
        (_set(2, i="one"), "line 3: it says no number"),
        (_set(2, i=True), "line 3: it says no number"),
        (_set(2, actions="text"), "line 3: its actions"),
        (_set(2, actions=None), "line 3: its actions"),
        (_set(2, actions=[["text"] * 25] * 16), "line 3: its actions"),
        (_set(2, actions=[[1.0] * 25, [1.0] * 24]), "line 3: its actions"),
        (_set(2, actions=[[float("nan")] * 25] * 16), "line 3: its actions"),
        (_set(2, actions=[[10**400] * 25] * 16), "line 3: its actions"),
    ],
)
def test_a_damaged_line(folder: Path, change: Callable[[list[Any]], object], said: str) -> None:
    """What, where, and the fix; never a traceback."""
    rewrite(folder, change)
    with pytest.raises(ReplayError, match=r"cannot read the trace .*trace\.jsonl\.gz") as failure:
        read_session(folder)
    assert said in str(failure.value)
    assert failure.value.hint


@pytest.mark.parametrize("rows", [[[0.5] * 25] * 15, [[0.5] * 24] * 16])
def test_actions_of_another_length(folder: Path, engine: TorchEngine, rows: Any) -> None:
    """They are not those of what is kept, whatever NumPy would make of the two."""
    rewrite(folder, _set(2, actions=rows))
    _, trouble = replayed(folder, engine)
    assert "chunk 1 of" in str(trouble)


def test_what_people_played(folder: Path) -> None:
    """There is no policy to name, so nobody is asked for one."""
    rewrite(folder, _set(0, policy={"name": "nobody", "fingerprint": ""}))
    with pytest.raises(ReplayError, match="nobody played but people"):
        read_session(folder)


def played(stage: Stage, runner: LaunchedGame) -> Session:
    """A session that has ended."""
    session = stage.playing(
        attach(runner),
        settings=PlaySettings(action_hz=60.0, mode=stage.mode),  # a seed that nobody knows
        keep_decisions_s=None, policy_file="/models/a file.pt",
    )  # fmt: skip
    until(lambda: session.stats.chunks > 6, "some chunks")
    session.stop()
    assert session.wait(PATIENCE_S)
    return session


@pytest.mark.game
def test_the_same_chunks_again(stage: Stage, runner: LaunchedGame) -> None:
    """Joined ones too, whose beginning was given to the sampler."""
    session = played(stage, runner)
    engine = stage.engine()
    found, trouble = replayed(session.plan.folder, engine)
    assert trouble is None
    assert [one.number for one in found] == [chunk["i"] for chunk in chunks_of(session)]
    assert {one.error for one in found} == {0.0}
    header, *_, end = read_trace(session)
    assert header["policy"]["file"] == "/models/a file.pt"
    assert header["engine"]["reason"] == engine.info.reason
    assert "engine" not in end


@pytest.mark.game
@paused_only
def test_an_engine_that_took_over(stage: Stage, runner: LaunchedGame) -> None:
    """Otherwise the trace says that chunks are of an engine which had run out of memory."""
    engine = stage.engine()
    session = stage.playing(attach(runner), engine=engine)
    engine.info = replace(engine.info, device="another", reason="not enough memory")
    session.stop()
    assert session.wait(PATIENCE_S)
    header, *_, end = read_trace(session)
    assert header["engine"]["device"] != "another"
    assert (end["engine"]["device"], end["engine"]["reason"]) == ("another", "not enough memory")
