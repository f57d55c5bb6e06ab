"""Clips are read back: as many frames, at their times, in their colours, showing the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nitropilot.dataset.drawing.planes import Colours
from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.pad import Moment, PadStates, states_of
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.synth.clips import Again, Coding, resized, uneven, write_clip, write_frames
from nitropilot.dataset.synth.scenes import scene
from nitropilot.dataset.templates.template import Element, Kind, Template
from nitropilot.dataset.video.frames import open_video

LOOKS = (np.full((64, 64, 4), (20, 20, 20, 255), np.uint8), np.full((64, 64, 4), 255, np.uint8))
KEY = Template("key", 160, 100, (Element(Kind.BUTTON, "south", 16, 16, LOOKS),))
POSE = Pose(0.5, 12, 6)
SIZE = (96, 64)
DOWN = [index % 6 in (2, 3, 4) for index in range(24)]
PLAYED: PadStates = states_of(
    Moment(frozenset({"south"}) if down else frozenset()) for down in DOWN
)


def pictures(count: int = len(DOWN)) -> list[NDArray[np.uint8]]:
    """A moving background."""
    return list(scene("shooter", np.random.default_rng(2), *SIZE, count))


def brightness(path: Path, pose: Pose = POSE) -> list[float]:
    """Of the key, in each frame."""
    x, y = (pose.matrix() @ (16, 16, 1)).astype(int)
    right, bottom = (pose.matrix() @ (80, 80, 1)).astype(int)
    return [
        float(frame.y[y + 3 : bottom - 3, x + 3 : right - 3].mean())
        for frame in open_video(path).frames()
    ]


@pytest.mark.parametrize(
    ("name", "codec", "matrix"),
    [("a.mp4", "h264", "bt601"), ("b.mkv", "h264", "bt709"), ("c.webm", "vp9", "bt709")],
    ids=["h264", "bt709", "vp9"],
)
def test_a_clip_shows_the_truth(tmp_path: Path, name: str, codec: str, matrix: str) -> None:
    """One frame late, or with the colours of another standard, every score would be wrong."""
    path = tmp_path / name
    write_clip(path, KEY, POSE, PLAYED, pictures(), 30, codec=codec, crf=20, matrix=matrix)
    video = open_video(path)
    assert (video.width, video.height, len(video.times)) == (*SIZE, len(DOWN))
    assert video.colours == Colours(matrix)
    np.testing.assert_allclose(video.times, np.arange(len(DOWN)) / 30, atol=0.0011)
    seen = np.array(brightness(path))
    low, high = (16 + 219 * value / 255 for value in (20, 255))
    np.testing.assert_allclose(seen, np.where(DOWN, high, low), atol=12)


def test_colours_come_back(tmp_path: Path) -> None:
    """A codec's planes must be those that readers of known skins reckon with."""
    picture = np.zeros((*SIZE[::-1], 3), np.uint8)
    picture[:, :48], picture[:, 48:] = (200, 40, 60), (30, 180, 90)
    for matrix in ("bt601", "bt709"):
        path = tmp_path / f"{matrix}.mp4"
        write_frames(path, [picture] * 3, np.arange(3) / 30, Coding(crf=8, matrix=matrix))
        rows, offset = Colours(matrix).matrix_and_offset()
        frame = next(open_video(path).frames())
        for column, colour in ((20, (200, 40, 60)), (76, (30, 180, 90))):
            seen = frame.y[32, column], frame.u[16, column // 2], frame.v[16, column // 2]
            np.testing.assert_allclose(seen, rows @ np.array(colour) / 255 + offset, atol=2.5)


def test_times_may_be_uneven(tmp_path: Path) -> None:
    """Recorders drop frames; labels by number would run away from the picture."""
    times = uneven(np.random.default_rng(1), len(DOWN), 30, dropped=0.2)
    assert times[0] == 0 and (np.diff(times) > 0.4 / 30).all() and times[-1] > len(DOWN) / 30
    path = tmp_path / "uneven.mp4"
    write_clip(path, KEY, POSE, PLAYED, pictures(), times=times)
    np.testing.assert_allclose(open_video(path).times, times, atol=1e-3)


def test_a_clip_may_be_written_twice(tmp_path: Path) -> None:
    """What a site makes of an upload: smaller, coarser, at the same times."""
    path = tmp_path / "again.mp4"
    write_clip(path, KEY, POSE, PLAYED, pictures(), again=Again(72, 64, 30))
    video = open_video(path)
    assert (video.width, video.height, len(video.times)) == (72, 64, len(DOWN))
    assert [each.name for each in tmp_path.iterdir()] == ["again.mp4"]
    pose = resized(POSE, SIZE, (72, 64))
    assert (np.array(brightness(path, pose)) > 130).tolist() == DOWN


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """Half a clip would be taken for a whole one."""
    path = tmp_path / "clip.mp4"
    odd = [np.zeros((63, 96, 3), np.uint8)] * len(DOWN)
    for given, said in ((odd, "96 x 63"), ([], "0 pictures"), (pictures(5), "5 pictures")):
        with pytest.raises(NotExtracted, match=said):
            write_clip(path, KEY, POSE, PLAYED, given)
    with pytest.raises(NotExtracted, match="no frame"):
        write_clip(path, KEY, POSE, PLAYED.part(0, 0), pictures(1))
    assert list(tmp_path.iterdir()) == []
