"""The published data set, as its writers vary it, is read by the same reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nitropilot.records.errors import DamagedRecording
from nitropilot.records.format import OUR_COLUMNS, PROCESSED, PUBLISHED_BUTTONS
from nitropilot.records.reader import chunk_folders, read_published, read_rows
from nitropilot.records.rows import published_schema, table_of
from tests.records.making import complete, row

if TYPE_CHECKING:
    from pathlib import Path


def published(folder: Path, table: pa.Table, number: int = 0) -> Path:
    """A chunk as it lies in an unpacked shard."""
    chunk = folder / f"{folder.name}_chunk_{number:04d}"
    chunk.mkdir(parents=True)
    pq.write_table(table, chunk / "actions_raw.parquet")
    return chunk


def labels(rows: int = 3) -> pa.Table:
    """Labels without any column of ours."""
    return table_of([row(number) for number in range(rows)]).drop_columns(list(OUR_COLUMNS))


def test_ours_are_read_as_published(tmp_path: Path) -> None:
    """A trainer reads recordings and the published set in one way."""
    recording = complete(tmp_path, 45)
    for chunk in chunk_folders(recording):
        table = read_published(chunk)
        assert table.schema.equals(published_schema())
        assert table.equals(read_rows(chunk).select(published_schema().names))


def test_the_published_set_has_none_of_ours(tmp_path: Path) -> None:
    """Its videos have no recording.json, and leave chunks out that were filtered away."""
    video = tmp_path / "SHARD_0000" / "dQw4w9WgXcQ"
    chunks = [published(video, labels(), number) for number in (3, 7)]
    assert chunk_folders(video) == chunks
    assert read_published(chunks[1]).equals(labels())
    with pytest.raises(DamagedRecording, match="does not have the columns frame_index, sent_time"):
        read_rows(chunks[0])


def test_order_and_types_differ_in_places(tmp_path: Path) -> None:
    """Buttons are int32 in places, and columns are in another order: names decide."""
    table = labels()
    columns = {name: table[name].cast(pa.int32()) for name in reversed(PUBLISHED_BUTTONS)}
    stick = pa.list_(pa.float32(), 2)
    for name in ("j_right", "j_left"):
        columns[name] = table[name].cast(pa.list_(pa.float32())).cast(stick)
    columns["quality"] = pa.chunked_array([[0.5] * 3])
    read = read_published(published(tmp_path / "video", pa.table(columns)))
    assert read.schema.equals(published_schema())
    assert read["south"].to_pylist() == table["south"].to_pylist() == [False, True, False]
    assert read["j_left"].to_pylist() == [[0.25, 0.5]] * 3


def test_the_processed_actions(tmp_path: Path) -> None:
    """They lie beside the raw ones, with the same columns."""
    chunk = published(tmp_path / "video", labels())
    pq.write_table(labels(2), chunk / PROCESSED)
    assert read_published(chunk, PROCESSED).num_rows == 2


@pytest.mark.parametrize("folder", ["shard=0", "a [1]", "né"])
def test_names_of_folders_mean_nothing(tmp_path: Path, folder: str) -> None:
    """Readers of data sets make columns of folders like ``shard=0``."""
    table = read_published(published(tmp_path / folder / "video", labels()))
    assert table.schema.names == published_schema().names


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("south", [True, None], "has rows without south"),
        ("south", ["yes", "no"], "has south as string, and it should be bool"),
        ("south", [0.5, 1.0], "has south as double"),
        ("j_left", [[0.0, 0.0], None], "has rows without j_left"),
        ("j_left", [[0.0, 0.0], [0.0]], "not two finite numbers"),
        ("j_left", [[0.0, 0.0], [0.0, 0.0, 0.0]], "not two finite numbers"),
        ("j_left", [[0.0, 0.0], [0.0, None]], "not two finite numbers"),
        ("j_right", [[0.0, 0.0], [float("nan"), 0.0]], "not two finite numbers"),
        ("j_right", [[0.0, float("-inf")], [0.0, 0.0]], "not two finite numbers"),
        ("j_right", [["a", "b"], ["c", "d"]], "no numbers in j_right"),
        ("j_right", [0.0, 0.0], "no numbers in j_right"),
    ],
)
def test_values_that_are_none(tmp_path: Path, name: str, values: list[object], said: str) -> None:
    """One NaN in a stick makes all weights of a policy NaN."""
    table = labels(2)
    place = table.schema.get_field_index(name)
    chunk = published(tmp_path / "video", table.set_column(place, name, pa.array(values)))
    with pytest.raises(DamagedRecording, match=said):
        read_published(chunk)


def test_a_column_that_is_there_twice(tmp_path: Path) -> None:
    """Nobody knows which one is meant."""
    table = labels()
    chunk = published(tmp_path / "video", table.append_column("south", table["north"]))
    with pytest.raises(DamagedRecording, match="does not have the columns south"):
        read_published(chunk)


def test_a_chunk_without_rows(tmp_path: Path) -> None:
    """Nothing is wrong with nothing."""
    assert read_published(published(tmp_path / "video", labels(0))).num_rows == 0
