"""Recordings as a LeRobotDataset and back: times, episodes, actions and sources survive."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

from nitropilot.policy.actions import CHECKPOINT
from nitropilot.records.errors import DamagedRecording
from nitropilot.records.timeline import Timeline
from nitropilot.training.data.damage import stop
from nitropilot.training.data.recordings import open_clips
from nitropilot.training.data.wish import Wish
from nitropilot.training.errors import BadData, NotWritten
from nitropilot.training.formats import lerobot_files
from nitropilot.training.formats.finding import find_takes, game_of, open_take
from nitropilot.training.formats.lerobot import CHANNELS, KEY, OURS
from nitropilot.training.formats.lerobot_writing import LeRobotWriter
from nitropilot.training.formats.own import read_own
from nitropilot.training.formats.video import decoded
from tests.training.making import HZ, SIDE, recording

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.training.formats.take import Take

WISH = Wish(Timeline(1, 4), None, 1, SIDE, CHECKPOINT)


def broken_off(take: Take) -> Take:
    """The same with a gap before row 25, and sources of all kinds."""
    rows = take.rows
    stretch = [[int(n >= 25) for n in range(rows.num_rows)]]
    source = [["agent" if n < 10 else "none" if n < 12 else "human" for n in range(rows.num_rows)]]
    for name, values in (("stretch", stretch), ("source", source)):
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), values)
    return replace(take, rows=rows)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Take], Path]:
    """Two recordings of 40 rows, the first with a gap, and the data set that they became."""
    root = tmp_path_factory.mktemp("lerobot")
    takes = [read_own(recording(root / "own", number, 40)) for number in range(2)]
    takes[0] = broken_off(takes[0])
    writer = LeRobotWriter(root / "set")
    assert [writer.add(take) for take in takes] == [2, 1]
    assert writer.finish() == {"total_episodes": 3, "total_frames": 24 + 14 + 39, "total_tasks": 1}
    return takes, root / "set"


def test_each_file_is_read_once_for_all_of_its_episodes(
    material: tuple[list[Take], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set of a thousand episodes in one file would be read a thousand times."""
    _, folder = material
    read: list[str] = []
    for name in ("_read", "frame_seconds"):
        real = getattr(lerobot_files, name)
        monkeypatch.setattr(
            lerobot_files, name, lambda path, real=real: read.append(path.name) or real(path)
        )
    lerobot_files._file.cache_clear()
    lerobot_files._episodes.cache_clear()
    lerobot_files._kept_seconds.cache_clear()
    for name in find_takes([folder]):
        open_take(name)
    data = [f"file-00{n}.{kind}" for n in (0, 1) for kind in ("mp4", "parquet")]
    assert sorted(read) == sorted([*data, "file-000.parquet"]), "and the table of episodes"


def test_what_was_learned_from_recordings_is_learned_from_the_set(
    material: tuple[list[Take], Path],
) -> None:
    """The same pictures with the same actions after them, sample for sample."""
    takes, folder = material
    names = find_takes([folder])
    assert [name.name for name in names] == [f"episode_{n:06d}" for n in range(3)]
    assert game_of(names[0]) == "squares"
    clips = open_clips(names, WISH, stop)
    for name, clip, (take, begin, end) in zip(
        names, clips, [(takes[0], 0, 24), (takes[0], 25, 39), (takes[1], 0, 39)], strict=True
    ):
        read = open_take(name)
        assert (clip.hz, read.rows.num_rows) == (HZ, end - begin + 1)
        assert clip.frames[:, 0].tolist() == list(range(begin, end - 3))
        assert clip.first.tolist() == list(range(1, len(clip) + 1))
        assert clip.known.tolist() == [False, *(take.taught[begin + 1 : end + 1])]
        after = take.rows.slice(begin + 1, end - begin)
        for column in ("south", "j_left", "trigger_right", "right_trigger", "source", "sent_time"):
            assert read.rows[column].to_pylist()[1:] == after[column].to_pylist()
        shown = take.rows.slice(begin, end - begin)
        for column in ("frame_time", "frame_repeated", "frame_index"):
            assert read.rows[column].to_pylist()[:-1] == shown[column].to_pylist()


def test_pictures_are_the_same_to_the_bit(material: tuple[list[Take], Path]) -> None:
    """They are copied: encoding once more would blur what a policy has to see."""
    takes, folder = material
    read = open_take(folder / "episode_000001")
    frames = np.arange(25, 39)
    for one, other in zip(
        decoded(read.video, frames), decoded(takes[0].video, frames), strict=True
    ):
        assert np.array_equal(one, other)


def test_the_files_are_those_of_the_layout(material: tuple[list[Take], Path]) -> None:
    """Its readers find things by these names alone."""
    folder = material[1]
    info = json.loads((folder / "meta/info.json").read_text())
    assert (info["codebase_version"], info["fps"], info["splits"]) == ("v3.0", 20, {"train": "0:3"})
    assert info["features"]["action"]["names"] == list(CHANNELS)
    assert info["features"]["action"]["shape"] == [23]
    assert info["features"][KEY]["shape"] == [SIDE, SIDE, 3]
    assert info["nitropilot"] == {"action_shift": 1}
    for number in range(2):
        assert (folder / f"videos/{KEY}/chunk-000/file-{number:03d}.mp4").is_file()
    rows = pq.read_table(folder / "data/chunk-000/file-000.parquet")
    assert set(rows.schema.names) == info["features"].keys() - {KEY}
    assert rows["frame_index"].to_pylist() == [*range(24), *range(14)]
    assert rows["index"].to_pylist() == list(range(38))
    assert rows["timestamp"].to_numpy() == pytest.approx(np.array([*range(24), *range(14)]) / HZ)
    episodes = pq.read_table(folder / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    begins = [each[f"videos/{KEY}/from_timestamp"] for each in episodes]
    assert begins == pytest.approx([0.0, 25 / HZ, 0.0])
    assert [each["dataset_from_index"] for each in episodes] == [0, 24, 38]
    assert [each["dataset_to_index"] for each in episodes] == [24, 38, 77]
    stats = json.loads((folder / "meta/stats.json").read_text())
    assert stats["action"]["count"] == [77]
    assert len(stats["action"]["mean"]) == 23
    assert np.shape(stats[KEY]["mean"]) == (3, 1, 1)
    assert 0.1 < stats[KEY]["mean"][0][0][0] < 0.6
    assert not set(OURS) - set(rows.schema.names)


def test_a_set_of_others_is_read_by_the_names_of_its_channels(
    material: tuple[list[Take], Path], tmp_path: Path
) -> None:
    """A robot's arm is no gamepad; a gamepad with fewer channels is one."""
    folder = tmp_path / "set"
    folder.mkdir()
    for path in material[1].iterdir():
        if path.name != "meta":
            (folder / path.name).symlink_to(path)
    (folder / "meta").mkdir()
    for path in (material[1] / "meta").iterdir():
        if path.name != "info.json":
            (folder / "meta" / path.name).symlink_to(path)
    info = json.loads((material[1] / "meta/info.json").read_text())
    info["features"]["action"]["names"] = ["shoulder_pan.pos", *CHANNELS[1:]]
    (folder / "meta/info.json").write_text(json.dumps(info))
    with pytest.raises(DamagedRecording, match=r"no gamepad's: it has the channel \['shoulder_pan"):
        open_take(folder / "episode_000000")
    info["codebase_version"] = "v2.1"
    (folder / "meta/info.json").write_text(json.dumps(info))
    with pytest.raises(DamagedRecording, match=r"of version 'v2.1', and v3.0 is read"):
        find_takes([folder])


def test_what_does_not_go_together_is_refused(
    material: tuple[list[Take], Path], tmp_path: Path
) -> None:
    """One data set has one rate; nothing that is there is written over."""
    takes, folder = material
    with pytest.raises(NotWritten, match="is there already"):
        LeRobotWriter(folder)
    writer = LeRobotWriter(tmp_path / "other")
    writer.add(takes[1])
    with pytest.raises(BadData, match="has 30 rows a second, and those before 20"):
        writer.add(replace(takes[1], hz=30.0))
    rows = takes[1].rows
    place = rows.schema.get_field_index("frame_index")
    half = [[number // 2 for number in range(rows.num_rows)]]
    twice = replace(takes[1], rows=rows.set_column(place, rows.schema.field(place), half))
    with pytest.raises(BadData, match="not one picture a row"):
        writer.add(twice)
    with pytest.raises(BadData, match="nothing was exported"):
        LeRobotWriter(tmp_path / "none").finish()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fps": 0}, "says fps is 0"),
        ({"video_path": "/etc/{video_key}.mp4"}, "outside of the data set"),
        ({"data_path": "../../{chunk_index}/{file_index}.parquet"}, "outside of the data set"),
        ({"video_path": "videos/{episode_index}.mp4"}, "cannot be read: KeyError"),
        ({"features": {"action": 5}}, "cannot be read: AttributeError"),
    ],
    ids=["fps", "absolute", "up", "another layout", "features"],
)
def test_a_set_that_lies_is_damage(
    material: tuple[list[Take], Path], tmp_path: Path, change: dict[str, object], said: str
) -> None:
    """What a set says of itself opens no other file, and breaks no run."""
    folder = tmp_path / "set"
    shutil.copytree(material[1], folder)
    info = json.loads((folder / "meta" / "info.json").read_text())
    (folder / "meta" / "info.json").write_text(json.dumps(info | change))
    with pytest.raises(DamagedRecording, match=said):
        open_take(folder / "episode_000000")
