"""What is written is complete when it has its name, and a kill loses no row."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from nitropilot.records import writer
from nitropilot.records.format import ID, Source
from nitropilot.records.rows import table_of
from nitropilot.records.writer import RowLog, chunks_of, new_id, write_chunk, write_json
from tests.records.making import HZ, complete, row, unfinished

if TYPE_CHECKING:
    from pathlib import Path


def test_the_files_of_a_recording(tmp_path: Path) -> None:
    """Other programs look for these names."""
    folder = complete(tmp_path, 90)
    name = folder.name
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {
        "recording.json", "video.mp4",
        *(f"{name}_chunk_000{n}/{file}" for n in range(3) for file in
          ("actions_raw.parquet", "metadata.json")),
    }  # fmt: skip
    chunks = [folder / f"{name}_chunk_000{n}" for n in range(3)]
    sizes = [pq.read_metadata(chunk / "actions_raw.parquet").num_rows for chunk in chunks]
    assert sizes == [40, 40, 10]
    about = json.loads((chunks[2] / "metadata.json").read_text())
    assert about["original_video"]["start_frame"] == 80


def test_every_row_is_on_the_disk_at_once(tmp_path: Path) -> None:
    """What is still in the process when it is killed is lost."""
    part = unfinished(tmp_path, 43)
    lines = (part / "tail.jsonl").read_text().splitlines(keepends=True)
    assert lines == [row(number).line() for number in (40, 41, 42)]


def test_a_gap_closes_a_chunk(tmp_path: Path) -> None:
    """So that within a chunk, which is what the published set's readers know, rows follow."""
    source = Source("name", "game", HZ)
    rows = [replace(row(number), stretch=(number >= 3) + (number >= 50)) for number in range(60)]
    log = RowLog(tmp_path, source)
    for one in rows:
        log.add(one)
    log.close()
    chunks = sorted(tmp_path.glob("*_chunk_*"))
    sizes = [pq.read_metadata(chunk / "actions_raw.parquet").num_rows for chunk in chunks]
    assert sizes == [3, 40, 7, 10] == [len(chunk) for chunk in chunks_of(rows, source)]
    firsts = [
        json.loads((chunk / "metadata.json").read_text())["original_video"]["start_frame"]
        for chunk in chunks
    ]
    assert firsts == [0, 3, 43, 50]


def test_a_chunk_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    """Mending writes chunks again that are there."""
    source = Source("name", "game", HZ)
    for rows in (3, 2):
        write_chunk(tmp_path, source, 0, table_of([row(number) for number in range(rows)]))
        (chunk,) = tmp_path.iterdir()
        assert pq.read_metadata(chunk / "actions_raw.parquet").num_rows == rows


def test_a_failure_in_mid_chunk_leaves_no_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with its name and without its metadata would count as whole."""

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(writer, "write_json", full)
    with pytest.raises(OSError, match="No space"):
        write_chunk(tmp_path, Source("name", "game", HZ), 0, table_of([row(0)]))
    assert [path.name for path in tmp_path.iterdir()] == ["name_chunk_0000.part"]


def test_json_is_written_beside(tmp_path: Path) -> None:
    """Facts that were cut off make a whole recording unreadable."""
    path = tmp_path / "facts.json"
    write_json(path, {"old": True})
    with pytest.raises(TypeError):
        write_json(path, {"new": object()})
    assert json.loads(path.read_text()) == {"old": True}
    assert list(tmp_path.iterdir()) == [path]


def test_two_recordings_of_one_second(tmp_path: Path) -> None:
    """The second one must not be written into the first."""
    names = []
    for suffix in ("", ".part", ""):
        names.append(new_id(tmp_path, "0123abcd"))
        (tmp_path / (names[-1] + suffix)).mkdir()
    assert len(set(names)) == 3
    assert all(ID.fullmatch(name) for name in names)


def test_a_full_disk_holds_nobody_up(tmp_path: Path) -> None:
    """What could not be written is tried once more when the file is let go of, in vain."""
    part = unfinished(tmp_path, 3)
    log = RowLog(part, Source("one", "game", HZ, (120, 160)))
    log._tail.close()
    log._tail = open("/dev/full", "w", encoding="utf-8")  # noqa: SIM115, PTH123
    with pytest.raises(OSError, match="No space left"):
        log.add(row(3))
    log.release()
    assert log._tail.closed
