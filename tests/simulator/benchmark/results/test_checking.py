"""``check`` finds what was done to a result."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nitropilot.simulator.benchmark.results.checking import check
from nitropilot.simulator.benchmark.results.errors import DamagedResult, ResultError
from nitropilot.simulator.benchmark.results.files import attached
from nitropilot.simulator.benchmark.results.lines import sha256
from nitropilot.simulator.benchmark.results.reader import read_result
from nitropilot.simulator.benchmark.results.traces import write_trace
from nitropilot.simulator.benchmark.results.writer import ResultWriter
from tests.simulator.benchmark.made import actions, outcome, run, task, write

if TYPE_CHECKING:
    from collections.abc import Callable

ENDS = {("idle", 0): "won", ("idle", 2): "lost"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A result of eight episodes."""
    return write(tmp_path / "r", run(), ENDS)


def lines(folder: Path) -> list[bytes]:
    """Those of its episodes."""
    return (folder / "episodes.jsonl").read_bytes().splitlines(keepends=True)


def put(folder: Path, new: list[bytes]) -> None:
    """Write them."""
    (folder / "episodes.jsonl").write_bytes(b"".join(new))


def resealed(folder: Path, records: list[dict[str, object]]) -> list[bytes]:
    """Lines as somebody makes them who knows the format and wants to deceive."""
    previous = sha256((folder / "run.json").read_bytes())
    found = []
    for record in records:
        record["previous"] = previous
        record.pop("digest")
        body = json.dumps(record, separators=(",", ":")).encode()[:-1]
        previous = sha256(body)
        found.append(body + f',"digest":"{previous}"}}\n'.encode())
    return found


def test_nothing_is_found_where_nothing_was_done(folder: Path) -> None:
    """A check that cries wolf is switched off."""
    found = check(folder)
    assert (found.problems, found.notes, found.missing, found.records) == ((), (), (), 8)
    assert found.sound
    assert found.complete
    assert check(folder, found.head) == found
    assert read_result(folder).head == found.head


def won(folder: Path) -> None:
    """A lost episode becomes a won one."""
    new = lines(folder)
    new[4] = new[4].replace(b'"end":"lost","success":false', b'"end":"won","success":true')
    assert new != lines(folder)
    put(folder, new)


def last_score(folder: Path) -> None:
    """The last record's score: no later line seals it."""
    new = lines(folder)
    new[-1] = new[-1].replace(b'"raw_score":120.0', b'"raw_score":990.0')
    assert new != lines(folder)
    put(folder, new)


def dropped(folder: Path) -> None:
    """A lost episode is taken out."""
    put(folder, [*lines(folder)[:4], *lines(folder)[5:]])


def last_dropped(folder: Path) -> None:
    """The last one is, and what follows it cannot show it."""
    put(folder, lines(folder)[:-1])


def twice(folder: Path) -> None:
    """A won episode is there twice."""
    put(folder, [*lines(folder), lines(folder)[0]])


def moved(folder: Path) -> None:
    """Two change their places."""
    put(folder, [lines(folder)[1], lines(folder)[0], *lines(folder)[2:]])


def trace_changed(folder: Path) -> None:
    """A trace is that of another play."""
    write_trace(folder, 3, actions(99))


def trace_gone(folder: Path) -> None:
    """A trace is missing."""
    (folder / "traces" / "000003.npz").unlink()


def trace_more(folder: Path) -> None:
    """There is one of an episode that nobody knows."""
    write_trace(folder, 8, actions(99))


def run_changed(folder: Path) -> None:
    """The machine is a better one."""
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text.replace('"cores": 2', '"cores": 1'))


def resealed_duplicate(folder: Path) -> None:
    """A lost episode makes room for a won one once more, and all is sealed anew."""
    records = [json.loads(line) for line in lines(folder)]
    records[4] = {**records[0], "number": 4}
    put(folder, resealed(folder, records))


def resealed_attempt(folder: Path) -> None:
    """A lost episode is said to have been void, and played again."""
    records = [json.loads(line) for line in lines(folder)]
    records.append({**records[4], "number": 8, "attempt": 2, "end": "won", "success": True})
    put(folder, resealed(folder, records))


def resealed_judge(folder: Path) -> None:
    """A record of a kinder judge is among those of this one."""
    records = [json.loads(line) for line in lines(folder)]
    records[4] |= {"judge_version": "0"}
    put(folder, resealed(folder, records))


def resealed_steps(folder: Path) -> None:
    """It took less time than the pad was pressed for."""
    records = [json.loads(line) for line in lines(folder)]
    records[4] |= {"steps": 20}
    put(folder, resealed(folder, records))


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (won, "line 5: its digest is another"),
        (last_score, "line 8: its digest is another"),
        (dropped, "line 5 does not follow"),
        (twice, "is there twice: record 0 has decided it"),
        (moved, "line 1 says that it is number 1"),
        (trace_changed, "traces/000003.npz was changed"),
        (trace_gone, "traces/000003.npz cannot be read"),
        (trace_more, "traces/000008.npz has no record"),
        (run_changed, "line 1 does not follow"),
        (resealed_duplicate, "is there twice"),
        (resealed_attempt, "is there twice"),
        (resealed_judge, "another version of the judge: '0', and the run's is '1'"),
        (resealed_steps, "has 20 steps, and its trace 30"),
    ],
)
def test_what_was_done_is_found(folder: Path, act: Callable[[Path], None], said: str) -> None:
    """Nobody can trust a table of others whose cells can be changed with an editor."""
    head = check(folder).head
    act(folder)
    found = check(folder)
    assert [why for why in found.problems if said in why], found.problems
    assert not found.sound
    assert check(folder, head).problems


@pytest.mark.parametrize(
    "act", [won, last_score, dropped, twice, moved, run_changed, resealed_duplicate,
            resealed_attempt, resealed_judge],
)  # fmt: skip
def test_no_score_is_made_of_it(folder: Path, act: Callable[[Path], None]) -> None:
    """Who does not think of ``check`` would take the number."""
    act(folder)
    with pytest.raises(DamagedResult):
        read_result(folder)


def test_an_episode_that_is_taken_from_the_end_is_missing(folder: Path) -> None:
    """It looks like a run that was killed: it is not whole, and its trace is left."""
    head = check(folder).head
    last_dropped(folder)
    found = check(folder)
    assert len(found.missing) == 1
    assert not found.complete
    assert found.notes == ("traces/000007.npz has no record yet: a killed run leaves it",)
    assert check(folder, head).problems


def test_an_episode_without_a_trace_is_noted(tmp_path: Path) -> None:
    """A score that nobody can play again is a claim."""
    with ResultWriter(tmp_path / "r", run((1, 2), (task(),))) as writer:
        (key, _), (other, _) = writer.missing()
        writer.add(outcome(key))
        writer.add(outcome(other), actions())
    found = check(tmp_path / "r")
    assert found.sound
    assert found.notes == ("1 records that count have no pad trace: nobody can play them again",)


def test_who_seals_all_anew_has_another_head(folder: Path) -> None:
    """What no look into the folder can show: a changed score, sealed to the end."""
    head = check(folder).head
    records = [json.loads(line) for line in lines(folder)]
    records[4] |= {"end": "won", "success": True}
    put(folder, resealed(folder, records))
    assert check(folder).sound
    assert [why for why in check(folder, head).problems if "was published" in why]


def test_a_video_is_looked_at(tmp_path: Path) -> None:
    """A video of another play beside a score proves the score to those who see it."""
    with ResultWriter(tmp_path / "r", run((1,), (task(),))) as writer:
        ((key, _),) = writer.missing()
        (writer.folder / "videos").mkdir()
        video = writer.folder / "videos" / "runner-1_1.mp4"
        video.write_bytes(b"picture after picture")
        writer.add(outcome(key, video=attached(writer.folder, video)), actions())
    assert check(tmp_path / "r").sound
    video.write_bytes(b"others")
    assert [why for why in check(tmp_path / "r").problems if "runner-1_1.mp4 was changed" in why]


@pytest.mark.parametrize("name", ["../x.mp4", "/x.mp4", "videos/../../x", ".hidden"])
def test_files_lie_in_the_folder(tmp_path: Path, name: str) -> None:
    """A record must not make its reader open files elsewhere."""
    (tmp_path / "r" / "videos").mkdir(parents=True)
    path = tmp_path / "r" / name
    if not path.is_absolute() or str(path).startswith(str(tmp_path)):
        path.write_bytes(b"")
    with pytest.raises((ValueError, OSError)):
        attached(tmp_path / "r", path)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_no_byte_can_be_changed(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever byte of a result is another one: it is found."""
    head = check(whole).head
    folder = tmp_path_factory.mktemp("changed") / "r"
    shutil.copytree(whole, folder)
    path = data.draw(st.sampled_from(sorted(p for p in folder.rglob("*") if p.stat().st_size and
                                            p.is_file())))  # fmt: skip
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        found = check(folder, head)
    except ResultError:
        return
    assert found.problems


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result that stays as it is."""
    return write(tmp_path_factory.mktemp("whole") / "r", run((0, 1)), ENDS)
