"""Videos as people have them, good and bad, through the whole: found, read, written."""

from __future__ import annotations

import wave
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from nitropilot.dataset.extracting.linking import link
from nitropilot.dataset.extracting.one import Ways, extract_one
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.locating.locate import locator
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.reading.read import read
from nitropilot.records.format import PUBLISHED_BUTTONS
from nitropilot.training.formats.finding import find_takes, open_take
from tests.dataset.making import noise, played, ways, write_video
from tests.dataset.toy import POSE, drawn, pressing, toy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.dataset.output.result import VideoResult
    from nitropilot.dataset.pad import PadStates
    from nitropilot.training.formats.take import Take

FRAMES = 60
SIZE = (208, 128)
KNOWN = ways(lambda video: played(len(video.times)))
"""Where what is found and read is not what a test is about."""


@pytest.fixture(scope="module")
def whole() -> Ways:
    """The real ways, with a library of one skin."""
    return Ways(locator([toy()]).search, read)


@pytest.fixture(scope="module")
def truth() -> PadStates:
    return pressing(FRAMES)


def write(path: Path, pictures: Iterable[NDArray[np.uint8]], times: Sequence[int]) -> Path:
    """A video of ten bits, with all of its colour; times in thousandths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.options = {"crf": "20", "preset": "veryfast"}
        stream.pix_fmt = "yuv444p10le"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 1000), times[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def extracted(video: Path, how: Ways) -> tuple[VideoResult, Take | None]:
    """What becomes of one video, and what training reads of it."""
    out = video.parent / "out"
    made = out / "SHARD_0000" / "v"
    result = extract_one(Job(str(video), "v"), Options(active=0.0), made, how).result
    if not result.written:
        return result, None
    link(out / "videos", "v", video)
    (place,) = find_takes([out])
    return result, open_take(place)


def wrong(take: Take, truth: NDArray[np.bool_]) -> float:
    """The share of buttons that are read wrongly."""
    said = np.stack([take.column(name) for name in PUBLISHED_BUTTONS], axis=1)
    assert said.shape == truth.shape
    return float((said != truth).mean())


def test_ten_bits_odd_sides_and_frames_that_come_as_they_like(
    tmp_path: Path, whole: Ways, truth: PadStates
) -> None:
    """A screen that was cut to what is shown, at a rate that is none: all at once."""
    rng = np.random.default_rng(3)
    gaps = rng.choice([20, 33, 33, 33, 50], FRAMES)
    times = np.concatenate([[0], np.cumsum(gaps)])[:FRAMES]
    pictures = drawn(toy(), truth, size=(209, 127))
    video = write(tmp_path / "v.mkv", pictures, times.tolist())
    with av.open(str(video)) as file:
        picture = file.streams.video[0].codec_context
        assert (picture.pix_fmt, picture.width, picture.height) == ("yuv444p10le", 209, 127)
    result, take = extracted(video, whole)
    assert (result.overlay.skin, result.hz, result.chunks) == ("toy", 30, (1, 1))
    assert result.damage == ""
    assert take is not None
    # Each row is the union of the frames that are shown in it, or what was shown before.
    row = np.floor(times / 1000 * 30 + 0.5 + 1e-6).astype(int)
    newest = [row[row <= at].max() for at in range(take.rows.num_rows)]
    pressed = np.stack([truth.published()[row == at].any(axis=0) for at in newest])
    assert wrong(take, pressed) < 0.02


def test_another_size_in_mid_video_is_found_anew(
    tmp_path: Path, whole: Ways, truth: PadStates
) -> None:
    """A streamer who changes the quality: each part has its own place, and its own chunk."""
    half = FRAMES // 2
    small = Pose(0.8 * POSE.scale, 0.8 * POSE.x + 20, 0.8 * POSE.y + 6)
    parts = [
        list(drawn(toy(), truth.part(0, half), POSE, SIZE)),
        list(drawn(toy(), truth.part(half, FRAMES), small, (176, 112), seed=1)),
    ]
    result, take = extracted(two_sizes(tmp_path / "v.ts", parts), whole)
    assert (result.overlay.found, result.chunks, result.damage) == (True, (2, 2), "")
    assert take is not None
    assert wrong(take, truth.published()) < 0.02
    assert len(take.view.masks) == 2


def two_sizes(path: Path, parts: Sequence[Sequence[NDArray[np.uint8]]]) -> Path:
    """One stream, whose pictures have another size in each part."""
    with av.open(str(path), "w", format="mpegts") as container:
        height, width = parts[0][0].shape[:2]
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        number = 0
        for pictures in parts:
            coder = av.CodecContext.create("libx264", "w")
            coder.height, coder.width = pictures[0].shape[:2]
            coder.pix_fmt, coder.time_base = "yuv420p", Fraction(1, 30)
            coder.options = {"crf": "20", "preset": "veryfast", "tune": "zerolatency"}
            packets = []
            for picture in pictures:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 30)
                number += 1
                packets += coder.encode(frame)
            for packet in [*packets, *coder.encode(None)]:
                packet.stream = stream
                container.mux(packet)
    return path


@pytest.mark.parametrize("ending", ["mkv", "flv", "mp4"])
def test_of_a_file_that_was_cut_off_what_is_there_is_used(tmp_path: Path, ending: str) -> None:
    """A download that broke off: what decodes is used, and it is marked, although nothing in what
    is there is damaged."""
    path = write_video(tmp_path / f"v.{ending}", noise(90, 1))
    if ending == "mp4":
        path = index_first(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    result, take = extracted(path, KNOWN)
    assert "3.0 s, and ends after 1." in result.damage or "further" in result.damage
    assert take is not None
    assert 30 < take.rows.num_rows < 60
    assert result.hours_out * 3600 == pytest.approx(take.rows.num_rows / 30)


def test_of_an_mp4_that_was_cut_off_before_its_index_nothing_can_be_used(tmp_path: Path) -> None:
    """It is set aside, and why is said."""
    path = write_video(tmp_path / "v.mp4", noise(90, 1))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    result, _ = extracted(path, KNOWN)
    assert "cannot be read" in result.set_aside
    assert (result.hours_in, result.error) == (0.0, "")


def index_first(path: Path) -> Path:
    """The same video as sites write it, with the index in front."""
    to = path.with_name(f"w{path.suffix}")
    with (
        av.open(str(path)) as old,
        av.open(str(to), "w", options={"movflags": "faststart"}) as new,
    ):
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return to


def test_a_whole_video_with_longer_sound_is_not_marked(tmp_path: Path) -> None:
    """The file is as long as it says: its sound is."""
    path = tmp_path / "v.mkv"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=30)
        picture.width, picture.height, picture.pix_fmt = 96, 64, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=8000)
        for number, each in enumerate(noise(30)):
            frame = av.VideoFrame.from_ndarray(each, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(picture.encode(frame))
        container.mux(picture.encode())
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 24000), np.int16), "s16", "mono")
        silence.rate, silence.pts, silence.time_base = 8000, 0, Fraction(1, 8000)
        container.mux([*sound.encode(silence), *sound.encode(None)])
    result, _ = extracted(path, KNOWN)
    assert (result.damage, result.set_aside) == ("", "")


def test_sound_alone_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "v.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    result, _ = extracted(path, KNOWN)
    assert "has no picture" in result.set_aside


def test_a_video_without_frames_is_set_aside(tmp_path: Path) -> None:
    """A recording that was stopped at once: a stream of pictures, and none in it."""
    path = tmp_path / "v.mkv"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=30)
        picture.width, picture.height, picture.pix_fmt = 96, 64, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        silence.rate, silence.pts, silence.time_base = 8000, 0, Fraction(1, 8000)
        container.mux([*sound.encode(silence), *sound.encode(None)])
    result, _ = extracted(path, KNOWN)
    assert "has no frame that can be decoded" in result.set_aside
    assert (result.hours_in, result.written) == (0.0, False)
