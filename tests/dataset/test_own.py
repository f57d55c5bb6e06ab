"""A recording of ours with a controller drawn on it is read back as it was recorded, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.dataset.extracting.one import Ways, extract_one
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.locating.locate import locator
from nitropilot.dataset.pad import PULLED
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.reading.read import read
from nitropilot.dataset.scoring.bench import bench
from nitropilot.dataset.scoring.truth import read_truth, states_of_rows
from nitropilot.dataset.synth.clips import Coding, write_frames
from nitropilot.dataset.synth.overlay import overlaid
from nitropilot.dataset.templates.library import shipped
from nitropilot.dataset.video.frames import open_video
from nitropilot.simulator.demonstrations.recording import demonstrate
from nitropilot.training.formats.finding import find_takes, open_take
from nitropilot.training.formats.video import decoded

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.dataset.extracting.one import Located
    from nitropilot.dataset.output.result import VideoResult
    from nitropilot.dataset.reading.reading import Reading
    from nitropilot.dataset.video.frames import Video
    from nitropilot.training.formats.take import Take

BEGINS, FRAMES = 50, 200
SKIN, POSE = "panel-dark", Pose(1 / 6, 99.4, 196.7)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A level of the arcade, recorded as a person's play is."""
    (folder,) = demonstrate("arena-1", 0.02, tmp_path_factory.mktemp("own"), noisy=1.0).folders
    return folder


@pytest.fixture(scope="module")
def extracted(
    recorded: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[VideoResult, Take, Ways, Path]:
    """Some seconds of it with a controller drawn on them, read; and how it was read, once more."""
    out = tmp_path_factory.mktemp("extracted")
    truth = states_of_rows(open_take(recorded).rows).part(BEGINS, BEGINS + FRAMES)
    pictures = decoded(recorded / "video.mp4", np.arange(BEGINS, BEGINS + FRAMES))
    drawn = overlaid((p.copy() for p in pictures), shipped().get(SKIN), POSE, truth)
    video = out / "videos" / "clip.mp4"
    video.parent.mkdir()
    write_frames(video, drawn, np.arange(FRAMES) / 60, Coding(crf=22))

    looks, readings = locator([shipped().get(SKIN)]), []

    def keeping(video: Video, found: Located) -> Reading:
        readings.append(read(video, found))
        return readings[-1]

    search = looks.search(open_video(video))
    job, ways = Job(str(video), "clip"), Ways(lambda _: search, keeping)
    result = extract_one(job, Options(active=0.0), out / "SHARD_0000" / "clip", ways).result
    (place,) = find_takes([out])
    again = Ways(lambda _: search, lambda _video, _found: readings[0])
    return result, open_take(place), again, video


def test_what_is_read_is_what_was_recorded(
    recorded: Path, extracted: tuple[VideoResult, Take, Ways, Path]
) -> None:
    """Row by row: what is pressed, how far sticks are, and no row early or late."""
    result, take, _, _ = extracted
    assert (result.overlay.skin, result.set_aside, take.rows.num_rows) == (SKIN, "", FRAMES)
    said = states_of_rows(take.rows)
    true = read_truth(recorded).states.part(BEGINS, BEGINS + FRAMES)
    np.testing.assert_array_equal(said.triggers > PULLED, said.triggers > 0)

    def wrong(late: int) -> float:
        """With labels moved so many rows earlier."""
        first, last = max(late, 0), FRAMES + min(late, 0)
        pressed = said.published()[first:last] != true.published()[first - late : last - late]
        tilted = np.abs(said.sticks[first:last] - true.sticks[first - late : last - late])
        return float(pressed.mean() + tilted.mean())

    assert (said.published() != true.published()).mean() < 0.003
    assert min(range(-2, 3), key=wrong) == 0
    spread = np.square(true.sticks - true.sticks.mean(axis=0)).sum()
    assert np.square(said.sticks - true.sticks).sum() < 0.03 * spread


def test_the_bench_finds_where_in_the_recording_the_video_begins(
    recorded: Path, extracted: tuple[VideoResult, Take, Ways, Path]
) -> None:
    _, _, again, video = extracted
    found = bench(video, read_truth(recorded), again)
    assert found.offset * 60 == pytest.approx(BEGINS, abs=0.5 + 1e-6)
    assert found.score.accuracy > 0.997
    assert found.score.r2 > 0.97
    assert found.score.accuracy > found.blind.accuracy
