"""The published labels with a video that a user has, as training takes them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.policy.actions import CHECKPOINT
from nitropilot.records.errors import DamagedRecording
from nitropilot.records.timeline import Timeline
from nitropilot.training.data.damage import Skipped, stop
from nitropilot.training.data.dataset import Dataset
from nitropilot.training.data.frames import open_frames
from nitropilot.training.data.recordings import open_clips
from nitropilot.training.data.wish import Wish
from nitropilot.training.errors import BadData
from nitropilot.training.formats.boxes import game_area, overlay
from nitropilot.training.formats.finding import find_takes, game_of, open_take
from nitropilot.training.formats.published import NoVideo
from nitropilot.training.formats.view import Box, View
from tests.training.formats.publishing import NAME, chunk, number_of, video
from tests.training.making import SIDE, name_of, phase

if TYPE_CHECKING:
    from pathlib import Path

WISH = Wish(Timeline(1, 4), None, 1, SIDE, CHECKPOINT)


@pytest.fixture(scope="module")
def set_(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Chunks 1, 2 and 5 of one video, at 30 rows a second, and the video of 13 seconds."""
    root = tmp_path_factory.mktemp("set")
    for number in (1, 2, 5):
        chunk(root / "SHARD_0000", number)
    video(root / "videos" / f"{NAME}.mp4", 13 * 30)
    return root


def test_a_sample_is_the_frame_of_its_time_and_its_labels(set_: Path, tmp_path: Path) -> None:
    """A chunk counts from its own beginning; its video from that of the whole."""
    clips = open_clips(find_takes([set_]), WISH, stop)
    (clip,) = clips
    assert (clip.id, clip.game, clip.hz) == (NAME, "Squares", 30.0)
    dataset = Dataset(open_frames(clips, SIDE, tmp_path, stop), replace(WISH))
    assert len(dataset) == (120 - 4) + (60 - 4)
    for sample in (0, 59, 115, 116, 171):
        batch = dataset.batch([sample])
        frame = number_of(batch.frames[0, 0].numpy().transpose(1, 2, 0) | 0)
        row = sample if sample < 116 else sample + 4
        wanted = 60 + row if row < 120 else 300 + row - 120
        overlaid = sum(1 << bit for bit in range(10) if 6 * bit + 3 >= 32)
        assert frame & ~overlaid == wanted & ~overlaid
        number, inside = (1 + (row + 1) // 60, (row + 1) % 60) if row < 119 else (5, row + 1 - 120)
        now = phase(0, 100 * number + inside)
        assert CHECKPOINT.read(batch.actions[0].numpy()).j_left[0] == pytest.approx(
            [now % 4 / 2 - 0.75, -0.5]
        )


def test_the_overlay_is_blackened(set_: Path, tmp_path: Path) -> None:
    """The answer stands in the picture: a policy that reads it off learns nothing else."""
    clips = open_clips(find_takes([set_]), WISH, stop)
    assert clips[0].view == View(None, (Box(0.0, 0.5, 0.25, 1.0),))
    picture = Dataset(open_frames(clips, SIDE, tmp_path, stop), WISH).batch([0]).frames[0, 0]
    assert int(picture[:, 32:, :16].max()) == 0
    assert int(picture[:, 32:, 40:].min()) > 60
    assert int(picture[:, :30, 40:].min()) > 60


def test_the_game_s_part_is_cut_out(tmp_path: Path) -> None:
    """In play the window is the game; a stream has more around it."""
    area = {"xtl": 0.5, "ytl": 0.0, "xbr": 1.0, "ybr": 0.5}
    chunk(tmp_path / "SHARD_0000", 0, bbox_game_area=area)
    video(tmp_path / "SHARD_0000" / f"{NAME}.mp4", 70)
    take = open_take(tmp_path / "SHARD_0000" / NAME)
    picture = np.arange(SIDE * SIDE * 3, dtype=np.uint32).astype(np.uint8).reshape(SIDE, SIDE, 3)
    assert np.array_equal(take.view.of(picture), picture[:32, 32:])


def test_60_rows_a_second_over_a_video_of_30(tmp_path: Path) -> None:
    """Every frame stands for two rows, and is a new picture in the first of them alone."""
    chunk(tmp_path, 1, hz=60)
    video(tmp_path / NAME / f"{NAME}.mp4", 130)
    take = open_take(tmp_path / NAME)
    assert take.hz == 60.0
    assert take.rows["frame_index"].to_pylist()[:6] == [60, 60, 61, 61, 62, 62]
    assert take.rows["frame_repeated"].to_pylist()[:4] == [False, True, False, True]


def test_gaps_between_chunks_are_gaps(set_: Path) -> None:
    """Chunks that were filtered away leave play that does not follow on each other."""
    take = open_take(set_ / "SHARD_0000" / NAME)
    stretch = take.rows["stretch"].to_pylist()
    assert stretch == [0] * 120 + [1] * 60
    assert take.rows["sent_time"].to_pylist()[60] == pytest.approx(4.0)
    assert game_of(set_ / "SHARD_0000" / NAME) == "Squares"


def test_a_video_that_nobody_has_is_one_line(tmp_path: Path) -> None:
    """The set has no videos: which one, from where, and where it has to lie."""
    chunk(tmp_path / "SHARD_0000", 0)
    skipped = Skipped()
    assert open_clips(find_takes([tmp_path]), WISH, skipped) == []
    (line,) = skipped.folders.values()
    assert f"the video {NAME} of " in line and "https://v/1" in line
    assert str(tmp_path / "videos") in line
    with pytest.raises(NoVideo):
        open_clips(find_takes([tmp_path]), WISH, stop)


def test_a_part_of_the_video_is_not_enough(tmp_path: Path) -> None:
    """Labels count from the beginning of the whole: a cut piece would go with others' labels."""
    chunk(tmp_path, 30)
    video(tmp_path / NAME / f"{NAME}.mp4", 60)
    with pytest.raises(DamagedRecording, match=r"has 2\.0 seconds, and the labels of .* reach 62"):
        open_take(tmp_path / NAME)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"original_video": {}}, "names no video"),
        ({"original_video": {"video_id": "../x"}}, "names a video '../x'"),
        ({"original_video": {"video_id": "x", "start_time": 4, "end_time": 2}}, "from 4 to 2 sec"),
        ({"original_video": {"video_id": "x", "start_time": 0, "end_time": 5}}, "12.0 a second"),
        ({"bbox_controller_overlay": [1, 2]}, "no box"),
        ({"bbox_controller_overlay": ["a", 0, 1, 1]}, "no box"),
    ],
    ids=["nameless", "path", "backwards", "rate", "short", "text"],
)
def test_metadata_that_cannot_be(change: dict[str, object], said: str, tmp_path: Path) -> None:
    """Each is told from the others, and named."""
    folder = chunk(tmp_path, 0, **change)
    with pytest.raises(DamagedRecording, match=said):
        open_take(folder.parent)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({"xtl": 0.1, "ytl": 0.2, "xbr": 0.9, "ybr": 1.0}, (0.1, 0.2, 0.9, 1.0)),
        ({"x": 0.25, "y": 0.5, "w": 0.5, "h": 0.25}, (0.25, 0.5, 0.75, 0.75)),
        ({"x": 480, "y": 270, "w": 960, "h": 540}, (0.25, 0.25, 0.75, 0.75)),
        ([480, 270, 960, 2000], (0.25, 0.25, 0.75, 1.0)),
        ({"xtl": 0.0, "ytl": 0.0, "xbr": 1.0, "ybr": 1.0}, None),
        (None, None),
    ],
    ids=["corners", "shares", "pixels", "overflow", "whole", "none"],
)
def test_boxes_as_writers_write_them(
    said: object, wanted: tuple[float, ...] | None, tmp_path: Path
) -> None:
    """Three ways to say the same; one that is misread cuts the game in two."""
    found = game_area(said, [1080, 1920], tmp_path)
    assert found == (None if wanted is None else pytest.approx(wanted))
    assert overlay([0, 0, 0, 0], [1080, 1920], tmp_path) == ()


def test_processed_labels_are_taken_where_they_are(tmp_path: Path) -> None:
    """The set's own corrections lie beside the raw ones."""
    folder = chunk(tmp_path, 0)
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "actions_raw.parquet")
    idle = table.set_column(table.schema.get_field_index("east"), "east", [[True] * table.num_rows])
    pq.write_table(idle, folder / "actions_processed.parquet")
    video(tmp_path / NAME / f"{NAME}.mp4", 70)
    assert all(open_take(tmp_path / NAME).rows["east"].to_pylist())
    assert json.loads((folder / "metadata.json").read_text())["game"] == "Squares"


def test_a_folder_of_two_layouts_is_no_choice_of_ours(tmp_path: Path) -> None:
    """One would be learned from and the other not, and nobody would hear of it."""
    chunk(tmp_path / "SHARD_0000", 1)
    assert len(find_takes([tmp_path])) == 1
    (tmp_path / name_of(0)).mkdir()
    with pytest.raises(BadData, match="holds recordings and videos of the published set"):
        find_takes([tmp_path])
    assert len(find_takes([tmp_path / "SHARD_0000"])) == 1
