"""From recordings to samples: the right frame, the right actions, and nothing that is damaged."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.policy.actions import CHECKPOINT
from nitropilot.policy.observation import observe
from nitropilot.records.errors import DamagedRecording, RecordsError
from nitropilot.records.pairs import pairs
from nitropilot.records.reader import read_recording
from nitropilot.records.timeline import Timeline
from nitropilot.training.data.augment import Augmentation, augment
from nitropilot.training.data.damage import Skipped, stop
from nitropilot.training.data.dataset import Dataset, changes
from nitropilot.training.data.frames import open_frames
from nitropilot.training.data.loading import Loader
from nitropilot.training.data.order import batch_places
from nitropilot.training.data.recordings import ABSENT, open_clip, open_clips
from nitropilot.training.data.wish import Wish
from nitropilot.training.errors import BadData
from nitropilot.training.formats.finding import find_takes
from tests.training.making import HZ, SIDE, name_of, phase, picture, recording

if TYPE_CHECKING:
    from pathlib import Path

WISH = Wish(Timeline(1, 4), None, 1, SIDE, CHECKPOINT)
STILL = Augmentation(0, 0, 0, 0, 0)


def opened(folders: list[Path], frames: Path, wish: Wish = WISH) -> Dataset:
    """The samples of recordings that are all whole."""
    clips = open_clips(folders, wish, stop)
    return Dataset(open_frames(clips, wish.size, frames, stop), wish)


@pytest.fixture(scope="module")
def dataset(material: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The shared recordings."""
    return opened(find_takes([material / "data"]), tmp_path_factory.mktemp("frames"))


def test_a_sample_is_what_was_seen_and_then_pressed(dataset: Dataset, material: Path) -> None:
    """A frame beside actions of another time teaches to be late, or to foresee."""
    recorded = read_recording(material / "data" / name_of(0))
    wanted = pairs(recorded.rows, WISH.timeline)
    assert len(dataset.clips[0]) == len(wanted) == 40 - 4
    for sample in (0, 7, 35):
        batch = dataset.batch([sample])
        frame, first = wanted[sample]
        shown = batch.frames[0, 0].numpy().transpose(1, 2, 0).astype(int)
        assert np.abs(shown - picture(0, frame).astype(int)).mean() < 12  # H.264
        assert first == frame + 1
        read = CHECKPOINT.read(batch.actions[0].numpy())
        for step in range(4):
            now = phase(0, first + step)
            assert read.j_left[step] == pytest.approx([now % 4 / 2 - 0.75, -0.5])
            pressed = {
                name for name, is_ in (("SOUTH", now // 4), ("RIGHT_TRIGGER", now == 5)) if is_
            }
            assert read.pressed(step) == pressed
    assert batch.weights.min() == 1.0
    assert batch.keep is None


def test_a_frame_is_what_the_player_shows(dataset: Dataset) -> None:
    """A picture that is scaled in another way than in play is another picture."""
    kept = dataset.batch([3]).frames[0, 0].numpy().transpose(1, 2, 0)
    wanted = observe(np.ascontiguousarray(kept), SIDE)
    assert np.array_equal(dataset.batch([3]).images()[0].numpy(), wanted)


def test_context_frames_are_as_far_apart_as_in_play(material: Path) -> None:
    """Two frames teach speed, if they are the two that are shown in play."""
    wish = replace(WISH, frames=2, timeline=Timeline(1, 4, 3))
    clip = open_clip(material / "data" / name_of(0), wish)
    assert clip.frames[:4].tolist() == [[ABSENT, 0], [ABSENT, 1], [0, 2], [0, 3]]  # half a spacing
    assert {newest - oldest for oldest, newest in clip.frames[4:].tolist()} == {3}


def test_rows_for_which_nothing_was_sent_are_masked(material: Path, tmp_path: Path) -> None:
    """They look like rest, and nobody chose to rest."""
    clip = open_clip(material / "data" / name_of(0), WISH)
    known = clip.known.copy()
    known[5] = False
    clips = open_frames([replace(clip, known=known)], SIDE, tmp_path, stop)
    weights = Dataset(clips, WISH).batch([3]).weights[0]
    assert weights[:, 0].tolist() == [1.0, 0.0, 1.0, 1.0]


def test_channels_that_nobody_uses_can_count_less(dataset: Dataset, tmp_path: Path) -> None:
    """22 idle channels fill the loss of a game with two buttons."""
    used = CHECKPOINT.tokens.index("SOUTH"), CHECKPOINT.tokens.index("RIGHT_TRIGGER"), 21
    assert np.flatnonzero(dataset.used).tolist() == sorted(used)
    clips = open_frames(dataset.clips, SIDE, tmp_path, stop)
    weights = Dataset(clips, WISH, unused_weight=0.25).batch([0]).weights[0, 0]
    assert weights[list(used)].tolist() == [1.0] * 3
    assert float(weights.sum()) == 3 + 22 * 0.25


def test_the_paper_s_filter_and_the_stride(material: Path, tmp_path: Path) -> None:
    """A policy that is shown mostly rest learns to rest."""
    folder = recording(tmp_path, 3, 40, idle_from=20)
    assert len(open_clip(folder, WISH)) == 36
    firsts = open_clip(folder, replace(WISH, active=0.5)).first
    assert firsts.tolist() == list(range(1, 19))  # rows 18 and 19 are the last that do something
    assert len(open_clip(material / "data" / name_of(0), replace(WISH, stride=5))) == 8


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    """A run that is gone on with must see what it would have seen, to the sample."""
    places = [place for step in range(10) for place in batch_places(5, 7, 4, step)]
    assert batch_places(5, 7, 4, 6) == places[24:28]
    for epoch in range(5):
        seen = [place.sample for place in places if place.epoch == epoch]
        assert sorted(seen) == list(range(7))
    orders = [[p.sample for p in places if p.epoch == epoch] for epoch in range(5)]
    assert all(one != other for one, other in pairwise(orders))
    assert batch_places(6, 7, 4, 0) != batch_places(5, 7, 4, 0)


def test_loading_in_advance_changes_nothing(dataset: Dataset) -> None:
    """What another thread made while the step before was computed is what was asked for."""
    learn, how = np.arange(len(dataset)), Augmentation()
    with Loader(dataset, learn, 3, 4, how) as loader:
        found = [loader.take(step) for step in range(3)] + [loader.take(9)]
        for step, batch in zip((0, 1, 2, 9), found, strict=True):
            wanted = loader.make(step)
            assert batch.samples == wanted.samples
            assert batch.frames.equal(wanted.frames)
    still = dataset.batch(found[0].samples)
    assert not found[0].frames.equal(still.frames)
    assert found[0].actions.equal(still.actions)


def test_held_out_samples_share_no_action(dataset: Dataset) -> None:
    """Frames next to those that were learned would make any policy look good."""
    learn, held = dataset.split(0.25)
    assert len(held) == 18
    assert not set(learn) & set(held)
    ends = {int(dataset.clips[0].first[i]) + 3 for i in learn if i < 36}
    assert max(ends) < min(int(dataset.clips[0].first[i]) for i in held if i < 36)
    assert len(dataset.split(0.0)[1]) == 0


def test_of_several_recordings_whole_ones_are_held_out(dataset: Dataset, tmp_path: Path) -> None:
    """Frames of one play are much alike."""
    clips = open_frames(dataset.clips[:1] * 5, SIDE, tmp_path, stop)
    learn, held = Dataset(clips, WISH).split(0.2)
    assert set(held) == set(range(4 * 36, 5 * 36))
    assert len(learn) == 4 * 36


@pytest.mark.parametrize(
    "how",
    [
        Augmentation(0.5, 0, 0, 0, 0), Augmentation(0, 0.2, 0, 0, 0), Augmentation(0, 0, 8, 0, 0),
        Augmentation(0, 0, 0, 1, 0), Augmentation(0, 0, 0, 0, 1),
    ],
    ids=["colour", "crop", "shift", "blur", "jpeg"],
)  # fmt: skip
def test_each_change_changes_and_is_the_same_again(how: Augmentation) -> None:
    """A change that does nothing, or another each time, is found by no run."""
    frames = np.stack([picture(0, 5), picture(0, 5)])
    before = frames.copy()
    one, again = (augment(frames, how, np.random.default_rng(1)) for _ in range(2))
    assert np.array_equal(frames, before)
    assert np.array_equal(one, again)
    assert np.array_equal(one[0], one[1])  # frames of a sample are changed alike
    assert one.shape == frames.shape and one.dtype == np.uint8
    assert 0.1 < np.abs(one.astype(int) - frames).mean() < 100


def test_no_change_is_none() -> None:
    """Who asks for none gets the very pictures."""
    frames = picture(0, 5)[None]
    assert augment(frames, STILL, np.random.default_rng(1)) is frames
    assert changes(0, batch_places(0, 5, 2, 0), STILL) is None


# What is wrong with recordings.


@pytest.fixture
def damaged(material: Path, tmp_path: Path) -> tuple[Path, Path, Path]:
    """A whole recording, one whose video is torn in its middle, and one without its rows."""
    whole, torn, rowless = (tmp_path / "data" / name_of(number) for number in range(3))
    shutil.copytree(material / "data" / name_of(0), whole)
    recording(tmp_path / "data", 1, 40)
    recording(tmp_path / "data", 2, 40)
    video = torn / "video.mp4"
    data = bytearray(video.read_bytes())
    start = data.index(b"mdat") + 4
    data[start : start + 2000] = bytes(2000)
    video.write_bytes(data)
    next(rowless.glob("*_chunk_*/actions_raw.parquet")).write_bytes(b"PAR1")
    return whole, torn, rowless


def test_a_corrupt_clip_is_left_out_counted_and_named(
    damaged: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    """One bad file of a hundred must not cost a night, nor go unseen."""
    whole, torn, rowless = damaged
    skipped = Skipped()
    clips = open_clips(find_takes([tmp_path / "data"]), WISH, skipped)
    found = open_frames(clips, SIDE, tmp_path / "frames", skipped)
    assert [clip.folder for clip, _ in found] == [whole]
    assert skipped.folders.keys() == {str(torn), str(rowless)}
    assert "cannot be decoded" in skipped.folders[str(torn)]
    assert [path.suffix for path in (tmp_path / "frames").iterdir()] == [".npy"]


def test_or_it_stops(damaged: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """What is done about it is the caller's to say."""
    with pytest.raises(RecordsError, match=r"actions_raw\.parquet"):
        open_clips([damaged[2]], WISH, stop)
    clips = open_clips([damaged[1]], WISH, stop)
    with pytest.raises(DamagedRecording, match="cannot be decoded"):
        open_frames(clips, SIDE, tmp_path / "frames", stop)


def test_rates_are_not_mixed(material: Path, tmp_path: Path) -> None:
    """A chunk of 16 actions is half as long at twice the rate."""
    other = recording(tmp_path, 7, 20, hz=2 * HZ)
    both = [material / "data" / name_of(0), other]
    with pytest.raises(BadData, match=r"has 40 rows a second, and .* 20"):
        open_clips(both, WISH, stop)
    with pytest.raises(BadData, match="has 20 rows a second, and the policy acts 60 times"):
        open_clips(both, replace(WISH, hz=60.0), stop)


def test_rates_are_mixed_where_one_is_named(
    material: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Who asks for it is told what was made of what; a chunk is as long in all of them."""
    other = recording(tmp_path, 7, 40, hz=2 * HZ)
    both = [material / "data" / name_of(0), other]
    clips = open_clips(both, replace(WISH, resample=HZ), stop)
    assert [(clip.hz, clip.read_hz) for clip in clips] == [(HZ, None), (HZ, 2 * HZ)]
    assert "resampled 1 recordings from 40 to 20 rows a second" in caplog.text
    assert len(clips[1]) == 20 - 4
    assert clips[1].frames[:3, 0].tolist() == [1, 3, 5]
    with pytest.raises(BadData, match="has 20 rows a second, and the policy acts 60 times"):
        open_clips(both, replace(WISH, resample=HZ, hz=60.0), stop)


def test_there_is_nothing_to_learn_from(material: Path, tmp_path: Path) -> None:
    """Each way of having no data has its own line."""
    with pytest.raises(BadData, match=r"there is no folder .*gone"):
        find_takes([tmp_path / "gone"])
    with pytest.raises(BadData, match="holds no recordings"):
        find_takes([tmp_path])
    with pytest.raises(BadData, match="no data is named"):
        find_takes([])
    with pytest.raises(BadData, match="is named twice"):
        find_takes([material / "data", material / "data" / name_of(0)])
    short = replace(WISH, timeline=Timeline(1, 400))
    with pytest.raises(BadData, match="as long as 400 actions"):
        opened(find_takes([material / "data"]), tmp_path / "frames", short)


def test_frames_are_decoded_once(material: Path, tmp_path: Path) -> None:
    """The second run of an evening begins at once; one with other wishes decodes its own."""
    folders = find_takes([material / "data"])
    opened(folders, tmp_path)
    first = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    opened(folders, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == first
    opened(folders, tmp_path, replace(WISH, size=32))
    assert len([*tmp_path.iterdir()]) == 4
