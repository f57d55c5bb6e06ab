"""Which frames are searched, and at what size."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.dataset.locating.sampling import Shots, sample, shot, spaced, work_size
from nitropilot.dataset.pose import Box, Pose
from nitropilot.dataset.video.frames import Frame
from tests.dataset.locating.making import clip


def blank(width: int, height: int) -> Frame:
    """A frame with a corner of white at a third of its width and height."""
    y = np.zeros((height, width), np.uint8)
    y[height // 3 :, width // 3 :] = 255
    small = np.full((-(-height // 2), -(-width // 2)), 128, np.uint8)
    return Frame(0, 0.0, y, small, small, width, height)


@pytest.mark.parametrize(("width", "height"), [(321, 201), (1920, 1080), (2559, 1439), (640, 360)])
def test_poses_come_back_in_the_videos_own_pixels(width: int, height: int) -> None:
    """What is searched is smaller than a large video, and has no odd column."""
    seen = Shots([shot(blank(width, height))], width, height)
    wide, high = seen.size
    assert (wide, high) == work_size(width, height)
    assert wide % 2 == high % 2 == 0
    assert seen.shots[0].u.shape == (high // 2, wide // 2)
    column = np.flatnonzero(seen.shots[0].y[-1] > 127)[0]
    row = np.flatnonzero(seen.shots[0].y[:, -1] > 127)[0]
    pose = seen.in_video(Pose(1.0, float(column), float(row)))
    assert (pose.x, pose.y) == pytest.approx((width // 3, height // 3), abs=1.1)
    assert pose.scale * wide == pytest.approx(width, abs=1)
    assert pose.scale * pose.stretch * high == pytest.approx(height, abs=1)


def test_frames_are_spread_over_all_of_it() -> None:
    """The first minute is a menu, the last one the credits."""
    assert spaced(100, 4).tolist() == [12, 37, 62, 87]
    assert spaced(3, 25).tolist() == [0, 1, 2]
    assert spaced(0, 25).tolist() == []


def test_a_video_that_breaks_off_is_sampled_where_it_is() -> None:
    """Of a download that was cut off, the end is missing and not the rest."""
    video = clip(count=300)
    video.ends = 40
    (seen,) = sample(video, 10)
    assert len(seen.shots) == 10
    assert seen.shots[-1].number < 40


def test_the_median_is_that_of_the_frames() -> None:
    """It is what takes the game away."""
    video = clip(count=5)
    seen = Shots([shot(video.frame(i)) for i in range(5)], video.width, video.height)
    box = Box(10, 20, 60, 50)
    whole = np.stack([video.frame(i).y for i in (0, 2, 3)])
    wanted = np.median(whole, axis=0)
    assert np.array_equal(seen.median([0, 2, 3], box).y, wanted[20:50, 10:60])
    assert np.array_equal(seen.grey_median([0, 2, 3]), wanted)


def test_a_size_of_a_short_time_has_frames_of_its_own() -> None:
    """Of one frame nothing can be told: a controller would be lost until the video ends."""
    video = clip(count=60)
    video.grows = (55, video.width + 80, video.height + 40)
    long, short = sample(video, 10)
    assert (len(long.shots), len(short.shots)) == (9, 5)
    assert [each.number for each in short.shots] == [55, 56, 57, 58, 59]
