"""Recordings are read whole or not at all."""

from __future__ import annotations

import json
import math
import shutil
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nitropilot.records.errors import (
    DamagedRecording,
    FramesWithoutTimes,
    NotARecording,
    RecordsError,
    UnfinishedRecording,
)
from nitropilot.records.format import TAIL
from nitropilot.records.pairs import pairs
from nitropilot.records.reader import (
    MOST_JSON,
    chunk_folders,
    count_rows,
    read_facts,
    read_metadata,
    read_object,
    read_recording,
    read_rows,
    read_tail,
)
from nitropilot.records.rows import rows_of, schema, table_of
from nitropilot.records.timeline import Timeline
from tests.records.making import ID, black_video, complete, row, unfinished

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recording of two full chunks and a short one."""
    return complete(tmp_path, 90)


def chunk_of(folder: Path, number: int) -> Path:
    return folder / f"{ID}_chunk_{number:04d}"


def test_what_was_written_is_read(folder: Path) -> None:
    """The round trip through the files."""
    recorded = read_recording(folder)
    assert rows_of(recorded.rows) == [row(number) for number in range(90)]
    assert recorded.rows.schema.equals(schema())
    assert recorded.facts["game"] == "game"
    assert recorded.video == folder / "video.mp4"


def test_chunks_are_in_order(folder: Path) -> None:
    """Sorted as text, chunk 10000 comes before chunk 9999: after 55 hours rows change places."""
    for number in (9999, 10000):
        shutil.copytree(chunk_of(folder, 2), chunk_of(folder, number))
    (folder / f"{ID}_chunk_0003.part").mkdir()
    (folder / f"{ID}_chunk_0004").write_text("a file")
    numbers = [0, 1, 2, 9999, 10000]
    assert chunk_folders(folder) == [chunk_of(folder, number) for number in numbers]


def test_facts_about_a_chunk(folder: Path) -> None:
    """They say where the chunk lies in the video."""
    assert read_metadata(chunk_of(folder, 1))["original_video"]["start_frame"] == 40
    assert [count_rows(chunk) for chunk in chunk_folders(folder)] == [40, 40, 10]


def cut(path: Path, share: float = 0.5) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def spoil_a_page(path: Path) -> None:
    """Leave the file's footer as it is."""
    data = bytearray(path.read_bytes())
    data[4:64] = b"\xff" * 60
    path.write_bytes(data)


def without_a_column(path: Path) -> None:
    pq.write_table(pq.read_table(path).drop_columns(["guide", "sent_time"]), path)


def in_other_order(path: Path) -> None:
    pq.write_table(table_of([row(41), row(40)]), path)


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "cut off": (cut, "cannot be read"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read"),
    "zeros": (lambda path: path.write_bytes(bytes(5000)), "cannot be read"),
    "a page": (spoil_a_page, "cannot be read"),
    "gone": (lambda path: path.unlink(), "cannot be read"),
    "columns": (without_a_column, "does not have the columns guide, sent_time"),
    "order": (in_other_order, "do not follow on each other"),
    "fewer": (lambda path: pq.write_table(table_of([row(40)]), path), "do not follow"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_actions(folder: Path, damage: str) -> None:
    """A trainer that goes on with half a recording shifts all frames after the hole."""
    spoil, said = DAMAGES[damage]
    spoil(chunk_of(folder, 1) / "actions_raw.parquet")
    with pytest.raises(DamagedRecording, match=said):
        read_recording(folder)


def changed(column: str, value: Any, first: int = 5, last: int = 6) -> Callable[[Path], None]:
    """Give some rows another value in a column; it may be made from the old one."""

    def spoil(path: Path) -> None:
        table = pq.read_table(path)
        values = table[column].to_pylist()
        for place in range(first, min(last, len(values))):
            values[place] = value(values[place]) if callable(value) else value
        place, field = table.schema.get_field_index(column), table.schema.field(column)
        pq.write_table(table.set_column(place, field, pa.array(values, field.type)), path)

    return spoil


WRONG: dict[str, tuple[Callable[[Path], None], str]] = {
    "a whole chunk's frames a second later": (
        changed("frame_time", lambda old: old + 1.0, 0, 40),
        "row 41 has a frame that was not taken in its tick",
    ),
    "frames before their ticks": (changed("frame_time", lambda old: old - 1.0, 6, 7), "row 46 has"),
    "a frame at no time": (changed("frame_time", math.inf), "row 45 has a frame without a time"),
    "sent at no time": (changed("sent_time", math.nan), "row 45 has no time at which"),
    "sent at zero": (changed("sent_time", 0.0), "row 45 was sent before the one above"),
    "a stretch back": (changed("stretch", -1), "row 45 is of a stretch that does not follow"),
    "a stretch too many": (changed("stretch", 2), "row 45 is of a stretch that does not follow"),
    "a source": (changed("source", "zzz"), "row 45 has a source that is none of agent, human"),
    "no stretch": (
        lambda path: pq.write_table(pq.read_table(path).drop_columns(["stretch"]), path),
        "does not have the columns stretch",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_rows_that_cannot_be(folder: Path, wrong: str) -> None:
    """A label at another time than its picture's teaches the wrong thing, and nobody sees it."""
    spoil, said = WRONG[wrong]
    spoil(chunk_of(folder, 1) / "actions_raw.parquet")
    with pytest.raises(DamagedRecording, match=said):
        read_recording(folder)


def test_a_chunk_without_facts(folder: Path) -> None:
    """A copy that was broken off."""
    (chunk_of(folder, 1) / "metadata.json").unlink()
    with pytest.raises(DamagedRecording, match=r"metadata\.json cannot be read"):
        read_recording(folder)


VIDEOS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "gone": (lambda path: path.unlink(), "cannot be read"),
    "cut off": (cut, "cannot be read"),
    "text": (lambda path: path.write_text("video"), "cannot be read"),
    "of fewer frames": (lambda path: black_video(path, 89), "has 89 frames, and there are 90 rows"),
    "of more frames": (lambda path: black_video(path, 91), "has 91 frames, and there are 90 rows"),
}


@pytest.mark.parametrize("video", VIDEOS)
def test_a_video_that_does_not_fit(folder: Path, video: str) -> None:
    """Found before a trainer is in the middle of it."""
    spoil, said = VIDEOS[video]
    spoil(folder / "video.mp4")
    with pytest.raises(DamagedRecording, match=said):
        read_recording(folder)


@pytest.mark.parametrize(("number", "said"), [(0, "do not follow"), (2, "80 rows, .* say 90")])
def test_a_chunk_is_missing(folder: Path, number: int, said: str) -> None:
    """A copy that was broken off looks whole, chunk by chunk."""
    shutil.rmtree(chunk_of(folder, number))
    with pytest.raises(DamagedRecording, match=said):
        read_recording(folder)


def test_counting_sees_damage(folder: Path) -> None:
    """Mending counts before it reads."""
    cut(chunk_of(folder, 0) / "actions_raw.parquet")
    cut(chunk_of(folder, 1) / "metadata.json")
    (chunk_of(folder, 2) / "metadata.json").unlink()
    for chunk in chunk_folders(folder):
        with pytest.raises(DamagedRecording, match="cannot be read"):
            count_rows(chunk)


def test_foreign_folders(tmp_path: Path) -> None:
    """A wrong path must be said, and not be a data set of nothing."""
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()
    for name in ("file", "empty", "nowhere"):
        for read in (read_recording, read_facts, chunk_folders):
            with pytest.raises(NotARecording, match=name):
                read(tmp_path / name)


def test_chunks_of_two_recordings(folder: Path) -> None:
    """Copied over each other, their rows would be mixed."""
    shutil.copytree(chunk_of(folder, 2), folder / "other_chunk_0003")
    with pytest.raises(DamagedRecording, match=f"{ID}, other"):
        chunk_folders(folder)


def facts_with(folder: Path, **changes: object) -> None:
    path = folder / "recording.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 3}, "format 3, and this version reads 1 to 2"),
        ({"format": None}, "format None"),
        ({"fps": 0}, "says 0 frames a second"),
        ({"fps": "fast"}, "'fast' frames a second"),
        ({"fps": float("nan")}, "nan frames a second"),
        ({"fps": float("inf")}, "inf frames a second"),
        ({"id": 7}, "lacks id or game"),
        ({"game": None}, "lacks id or game"),
        ({"frames": None}, "facts say None"),
    ],
)
def test_facts_of_something_else(folder: Path, changes: dict[str, object], said: str) -> None:
    """What a later version means by its files is not guessed."""
    facts_with(folder, **changes)
    with pytest.raises(DamagedRecording, match=said):
        read_recording(folder)


def test_an_older_recording(folder: Path) -> None:
    """What was recorded stays readable, and says that nobody knows when its pictures are of."""
    for chunk in chunk_folders(folder):
        path = chunk / "actions_raw.parquet"
        pq.write_table(pq.read_table(path).drop_columns(["frame_time", "stretch"]), path)
    facts_with(folder, format=1)
    rows = read_recording(folder).rows
    assert rows.schema.names == schema().names
    assert all(math.isnan(moment) for moment in rows["frame_time"].to_pylist())
    assert set(rows["stretch"].to_pylist()) == {0}
    with pytest.raises(FramesWithoutTimes, match="have no times"):
        pairs(rows, Timeline(1, 4))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[" * 100_000, b"[]", b"null", b"\xff\xfe", b"{" + b" " * MOST_JSON + b"}"],
    ids=range(7),
)
def test_what_is_no_object(tmp_path: Path, content: bytes) -> None:
    """A list of recordings asks for the facts of each: one bad file must not end it."""
    (tmp_path / "facts.json").write_bytes(content)
    with pytest.raises(DamagedRecording, match=r"facts\.json cannot be read"):
        read_object(tmp_path / "facts.json")


def test_an_unfinished_one(tmp_path: Path) -> None:
    """Its rows and frames do not match yet."""
    part = unfinished(tmp_path, 85)
    with pytest.raises(UnfinishedRecording, match="has not ended") as caught:
        read_recording(part)
    assert "recordings mend" in caught.value.hint
    assert isinstance(caught.value, RecordsError)


def test_the_tail_after_a_kill(tmp_path: Path) -> None:
    """Chunks and tail together are every row that was sent."""
    part = unfinished(tmp_path, 85)
    closed = [found for chunk in chunk_folders(part) for found in rows_of(read_rows(chunk))]
    assert closed + read_tail(part, len(closed)) == [row(number) for number in range(85)]


@pytest.mark.parametrize(
    ("spoil", "left"),
    [
        (lambda text: text[:-1], [40, 41, 42, 43]),
        (lambda text: text[:-20], [40, 41, 42, 43]),
        (lambda text: "\0" * 50 + text, []),
        (lambda text: text.replace("[42,", "[42;"), [40, 41]),
        (lambda text: text.replace("[42,", "[77,"), [40, 41]),
        (lambda text: row(38).line() + row(39).line() + text, [40, 41, 42, 43, 44]),
        (lambda _: "", []),
    ],
)
def test_a_damaged_tail(tmp_path: Path, spoil: Callable[[str], str], left: list[int]) -> None:
    """Rows up to the first that is damaged; those of closed chunks count once."""
    tail = unfinished(tmp_path, 45) / TAIL
    tail.write_text(spoil(tail.read_text()))
    assert read_tail(tail.parent, 40) == [row(number) for number in left]


def test_no_tail(folder: Path) -> None:
    """A complete recording has none."""
    assert read_tail(folder, 90) == []
