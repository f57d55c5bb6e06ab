"""What is written is the published layout, and training reads it."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.output import published
from nitropilot.dataset.output.facts import Facts
from nitropilot.dataset.output.filtering import Filtered
from nitropilot.dataset.output.packing import pack
from nitropilot.dataset.output.published import Labels, Piece, chunk_rows, set_aside, write_labels
from nitropilot.dataset.output.timing import Frames, rows_of
from nitropilot.dataset.pose import Box
from nitropilot.dataset.templates.template import ALL_OUTPUTS
from nitropilot.records.format import PUBLISHED_BUTTONS
from nitropilot.training.errors import BadData
from nitropilot.training.formats.finding import find_takes, open_take
from tests.dataset.making import HEIGHT, WIDTH, noise, played, write_video

if TYPE_CHECKING:
    from pathlib import Path

ID = "in_a video".replace(" ", "_")
SECONDS = 23
COUNT = 30 * SECONDS
PIECE = Piece("pad", "xbox", 0.91, 0.8, Box(80, 40, 110, 60), (WIDTH, HEIGHT), ALL_OUTPUTS)
STATES = played(COUNT, 3)


def labels() -> Labels:
    """Twenty seconds and three."""
    times = np.arange(COUNT) / 30
    frames = Frames(times, STATES, np.full(COUNT, 0.9, np.float32), np.ones(COUNT, bool),
                    np.zeros(COUNT, np.int64))  # fmt: skip
    rows = rows_of(frames, 30)
    why = np.full(COUNT, "", "<U16")
    why[100:160] = "low_confidence"
    return Labels(ID, Facts(game="Doom", url="https://v/1"), rows, rows.chunks(chunk_rows(30)),
                  Filtered(why, (True, True)), [PIECE])  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of one video, with that video."""
    out = tmp_path_factory.mktemp("set")
    write_labels(out / "SHARD_0000" / ID, labels())
    write_video(out / "videos" / f"{ID}.mp4", noise(COUNT))
    return out


def test_the_layout_is_the_published_one(written: Path) -> None:
    """Readers take columns by name and count on their types."""
    folder = written / "SHARD_0000" / ID
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{ID}_chunk_0000", f"{ID}_chunk_0001"
    ]  # fmt: skip
    counts = []
    for chunk in sorted(folder.iterdir()):
        assert sorted(path.name for path in chunk.iterdir()) == [
            "actions_processed.parquet", "actions_raw.parquet", "metadata.json"
        ]  # fmt: skip
        table = pq.read_table(chunk / "actions_raw.parquet")
        assert table.schema.names == [*PUBLISHED_BUTTONS, "j_left", "j_right"]
        assert {str(table.schema.field(name).type) for name in PUBLISHED_BUTTONS} == {"bool"}
        assert table.schema.field("j_left").type.value_type == pa.float64()
        assert table.equals(pq.read_table(chunk / "actions_processed.parquet"))
        counts.append(table.num_rows)
    assert counts == [600, 90]


def test_metadata_has_the_published_keys(written: Path) -> None:
    """As consumers of the set look for them."""
    chunk = written / "SHARD_0000" / ID / f"{ID}_chunk_0001"
    said = json.loads((chunk / "metadata.json").read_text())
    ours = said.pop("nitropilot")
    assert said == {
        "uuid": f"{ID}_chunk_0001", "chunk_id": "0001", "chunk_size": 90, "game": "Doom",
        "controller_type": "xbox",
        "original_video": {
            "resolution": [HEIGHT, WIDTH], "video_id": ID, "source": "unknown",
            "url": "https://v/1", "start_time": 20.0, "end_time": 23.0, "duration": 3.0,
            "start_frame": 600, "end_frame": 690,
        },
        "bbox_controller_overlay": [76, 36, 38, 28],
    }  # fmt: skip
    assert ours["not_shown"] == []
    assert ours["creator"] == "unknown"
    assert ours["confidence"] == pytest.approx(0.9)


def test_training_reads_what_is_written(written: Path) -> None:
    """The whole point: the same actions at the same frames, and the overlay's place blackened."""
    (name,) = find_takes([written])
    take = open_take(name)
    assert (take.id, take.hz, take.game, take.rows.num_rows) == (ID, 30.0, "Doom", COUNT)
    assert take.column("frame_index").tolist() == list(range(COUNT))
    assert set(take.column("stretch").tolist()) == {0}
    by_name = STATES.published()
    for index, button in enumerate(PUBLISHED_BUTTONS):
        assert take.column(button).tolist() == by_name[:, index].tolist(), button
    for stick, at in (("j_left", 0), ("j_right", 2)):
        read = np.array(take.rows[stick].to_pylist())
        np.testing.assert_allclose(read, STATES.sticks[:, at : at + 2], atol=1e-6)
    (mask,) = take.view.masks
    assert (mask.left * WIDTH, mask.top * HEIGHT) == pytest.approx((76, 36))
    assert (mask.right, mask.bottom * HEIGHT) == pytest.approx((1, HEIGHT))


def test_what_the_filter_left_out_is_not_learned(written: Path) -> None:
    """The rows stay where they are, so that frames and rows keep together, and nobody learns
    them."""
    (name,) = find_takes([written])
    taught = open_take(name).taught
    assert np.flatnonzero(~taught).tolist() == list(range(100, 160))


def test_a_chunk_that_is_not_kept_has_its_raw_rows_alone(written: Path, tmp_path: Path) -> None:
    """The filter writes only the processed file; and training takes the raw one for no better."""
    these = labels()
    these = replace(these, filtered=replace(these.filtered, kept=(False, True)))
    folder = tmp_path / "SHARD_0000" / ID
    write_labels(folder, these)
    first = folder / f"{ID}_chunk_0000"
    assert sorted(path.name for path in first.iterdir()) == ["actions_raw.parquet", "metadata.json"]
    (tmp_path / "videos").symlink_to(written / "videos")
    (name,) = find_takes([tmp_path])
    assert open_take(name).rows.num_rows == 90


def test_a_recording_that_is_set_aside_has_its_raw_rows_alone(tmp_path: Path) -> None:
    """Nobody's hours are lost, and nobody learns from them."""
    folder = tmp_path / "SHARD_0000" / ID
    write_labels(folder, labels())
    set_aside(folder, "a copy of another")
    assert len(list(folder.rglob("actions_raw.parquet"))) == 2
    assert list(folder.rglob("actions_processed.parquet")) == []
    said = [json.loads(path.read_text())["nitropilot"] for path in folder.rglob("*.json")]
    assert {(each["set_aside"], each["kept"]) for each in said} == {("a copy of another", False)}
    with pytest.raises(BadData, match="holds no recordings"):
        find_takes([tmp_path])


def test_two_controllers_on_screen_are_both_blackened(written: Path, tmp_path: Path) -> None:
    """The answer stands in the other one too."""
    these = labels()
    piece = replace(PIECE, others=(Box(0, 0, 20, 10),))
    write_labels(tmp_path / "SHARD_0000" / ID, replace(these, pieces=[piece]))
    (tmp_path / "videos").symlink_to(written / "videos")
    (name,) = find_takes([tmp_path])
    masks = open_take(name).view.masks
    assert [round(mask.right * WIDTH) for mask in masks] == [WIDTH, 24]


def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder with half of its chunks looks like a shorter video."""
    real, calls = published.write_json, []

    def full(path: Path, value: dict[str, object]) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(path, value)

    monkeypatch.setattr(published, "write_json", full)
    with pytest.raises(NotExtracted, match="No space left on device"):
        write_labels(tmp_path / ID, labels())
    assert list(tmp_path.iterdir()) == []


def test_an_archive_holds_the_shard(written: Path) -> None:
    """As the published set comes, and the same bytes from the same files."""
    (archive,) = pack(written, [written / "SHARD_0000"])
    first = archive.read_bytes()
    assert archive == written / "actions" / "SHARD_0000.tar.gz"
    with tarfile.open(archive) as packed:
        names = sorted(packed.getnames())
    assert names[0] == f"SHARD_0000/{ID}/{ID}_chunk_0000/actions_processed.parquet"
    assert len(names) == 6
    pack(written, [written / "SHARD_0000"])
    assert archive.read_bytes() == first
    assert len(find_takes([written])) == 1
