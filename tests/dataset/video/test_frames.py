"""Frames as the codec has them, of videos as people have them."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from nitropilot.dataset.drawing.planes import Colours, planes_of
from nitropilot.dataset.errors import BadVideo
from nitropilot.dataset.pose import Box
from nitropilot.dataset.video.frames import open_video
from nitropilot.dataset.video.sampling import SHORT, sample
from nitropilot.training.formats.video import decoded
from tests.dataset.toy import encode, scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


def greys(count: int, width: int = 64, height: int = 48) -> Iterator[NDArray[np.uint8]]:
    """Each a little brighter than the one before."""
    for number in range(count):
        yield np.full((height, width, 3), 3 * number, np.uint8)


def test_frames_have_their_numbers_times_and_pixels(tmp_path: Path) -> None:
    video = open_video(encode(tmp_path / "v.mp4", scene(12, 64, 48), crf=1))
    frames = list(video.frames())

    assert [frame.number for frame in frames] == list(range(12))
    assert np.allclose([frame.time for frame in frames], np.arange(12) / 30)
    assert (video.rate, video.seconds) == (pytest.approx(30), pytest.approx(0.4))
    expected = [planes_of(picture, Colours()) for picture in scene(12, 64, 48)]
    assert max(np.abs(f.y - e.y).mean() for f, e in zip(frames, expected, strict=True)) < 2
    assert not video.damage


def test_a_part_is_cut_from_the_whole(tmp_path: Path) -> None:
    video = open_video(encode(tmp_path / "v.mp4", scene(3, 64, 48)))
    box = Box(10, 4, 40, 30)

    for whole, part in zip(video.frames(), video.frames(box), strict=True):
        assert np.array_equal(whole.y[4:30, 10:40], part.y)
        assert np.array_equal(whole.u[2:15, 5:20], part.u)
        assert np.array_equal(whole.v[2:15, 5:20], part.v)
        assert (part.width, part.height) == (64, 48)


def test_times_that_are_not_even_are_kept(tmp_path: Path) -> None:
    times = [0, 33, 70, 300, 317, 1000]
    video = open_video(encode(tmp_path / "v.mkv", greys(6), times=times))

    assert [round(frame.time * 1000) for frame in video.frames()] == times
    assert [frame.number for frame in video.frames(first=3)] == [3, 4, 5]


def test_it_begins_anywhere(tmp_path: Path) -> None:
    video = open_video(encode(tmp_path / "v.mp4", greys(80)))
    for first in (0, 1, 37, 79):
        frame = next(iter(video.frames(first=first)))
        assert frame.number == first
        assert (
            abs(
                float(frame.y.mean())
                - float(planes_of(np.full((2, 2, 3), 3 * first, np.uint8), Colours()).y.mean())
            )
            < 3
        )


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "yuv444p"])
def test_other_pixels_are_brought_to_the_same(tmp_path: Path, pix_fmt: str) -> None:
    video = open_video(encode(tmp_path / "v.mkv", greys(4), pix_fmt=pix_fmt))
    frames = list(video.frames())

    assert [frame.y.shape for frame in frames] == [(48, 64)] * 4
    assert [frame.u.shape for frame in frames] == [(24, 32)] * 4
    assert abs(float(frames[3].y.mean()) - 16 - 9 * 219 / 255) < 2


def test_odd_sizes(tmp_path: Path) -> None:
    video = open_video(encode(tmp_path / "v.mkv", greys(2, 63, 47), pix_fmt="yuv444p"))
    frame = next(iter(video.frames()))

    assert (frame.width, frame.height, frame.y.shape, frame.u.shape) == (63, 47, (47, 63), (24, 32))


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))

    with pytest.raises(BadVideo, match=r"sound\.wav has no picture"):
        open_video(path)


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100])
def test_what_is_no_video_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.mp4").write_bytes(content)

    with pytest.raises(BadVideo, match=r"v\.mp4 cannot be read"):
        open_video(tmp_path / "v.mp4")


def test_of_a_video_that_was_cut_off_what_is_there_is_read(tmp_path: Path) -> None:
    path = encode(tmp_path / "v.mkv", scene(60, 64, 48))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    video = open_video(path)
    frames = list(video.frames())
    assert 5 < len(frames) < 60
    assert [frame.number for frame in frames] == list(range(len(frames)))


def test_frames_are_sampled_all_over(tmp_path: Path) -> None:
    video = open_video(encode(tmp_path / "v.mp4", greys(60)))

    assert [frame.number for frame in sample(video, 4)] == [0, 20, 39, 59]
    assert [frame.number for frame in sample(video, 3, 10, 31)] == [10, 20, 30]
    assert len(sample(video, 100)) == 60


def test_in_a_long_video_it_is_jumped(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        stream.options = {"g": "100", "preset": "ultrafast"}
        for _ in range(SHORT + 100):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())

    numbers = [frame.number for frame in sample(open_video(path), 9)]
    assert numbers == [0, 200, 400, 600, 800, 900, 1100, 1300, 1500]


def test_what_was_cut_away_without_new_encoding_is_no_frame(tmp_path: Path) -> None:
    """The file still has its packets; who learns from the labels has to count as we do."""
    whole = encode(tmp_path / "whole.mp4", greys(40))
    cut = tmp_path / "cut.mp4"
    with av.open(str(whole)) as source, av.open(str(cut), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.pts is None or packet.dts is None:
                continue
            back = round(0.5 / float(packet.time_base or 1))
            packet.pts, packet.dts, packet.stream = packet.pts - back, packet.dts - back, stream
            target.mux(packet)

    video = open_video(cut)

    seen = [round(float(frame.y.mean())) for frame in video.frames()]
    assert len(video.times) == len(seen) == 25
    assert [frame.number for frame in video.frames()] == list(range(25))
    taught = [each.mean() for each in decoded(cut, np.arange(25))]
    assert len(taught) == 25
    assert np.corrcoef(taught, seen)[0, 1] > 0.99
