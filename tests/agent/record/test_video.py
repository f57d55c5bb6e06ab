"""Recordings of a real window, read back with the decoder."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("the windows of these tests are X11 windows", allow_module_level=True)

import nitropilot.agent.record.video
from nitropilot import capture
from nitropilot.agent.errors import RecordingError
from nitropilot.agent.record.drawing import DPAD, FACE, MENU, SHOULDERS, STICKS, draw_pad
from nitropilot.agent.record.video import MAX_BACKLOG, VideoRecorder
from nitropilot.agent.values import PadSample, new_stretch
from nitropilot.controller import NEUTRAL, Button, GamepadState
from tests.agent.playing import own_threads, until
from tests.capture.xwindow import XWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.agent.target.display import PrivateDisplay
    from nitropilot.capture import Grabber

ODD = (40, 40, 321, 201)


@pytest.fixture
def window(display: PrivateDisplay) -> Iterator[XWindow]:
    """A blue window with odd sides."""
    with XWindow(display.name, ODD, 0x2040C0) as window:
        yield window


def grabber_of(window: XWindow, display: PrivateDisplay) -> Callable[[], Grabber]:
    found = capture.find_window(handle=window.handle, display=display.name)
    return lambda: capture.open_grabber(found)


def frames_of(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def record(recorder: VideoRecorder, count: int) -> None:
    """Add frames and wait for each to be written: none is behind."""
    for _ in range(count):
        wanted = recorder.frames + 1
        recorder.put(PadSample(NEUTRAL, text=f"action {wanted}", tick=wanted))
        until(lambda wanted=wanted: recorder.frames == wanted, "written")


def test_one_frame_an_action(window: XWindow, display: PrivateDisplay, tmp_path: Path) -> None:
    """A video that loses frames no longer lines up with its trace."""
    path = tmp_path / "video.mp4"
    recorder = VideoRecorder(path, grabber_of(window, display), 60.0)
    for step in range(100):  # as fast as it goes: far more than it can draw
        recorder.put(PadSample(NEUTRAL, text=f"action {step}", tick=step))
    assert not path.exists()
    recorder.close()
    recorder.close()
    assert not path.with_name("video.mp4.part").exists()
    frames = frames_of(path)
    assert len(frames) == recorder.frames == 100
    assert 0 < recorder.repeated <= 100
    assert frames[0].shape == (200, 320, 3), "encoders take even sides only"
    assert np.abs(frames[50][20:60, 20:60].mean((0, 1)) - (0x20, 0x40, 0xC0)).max() < 12
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == 60
    assert not own_threads()


def test_ticks_in_which_nothing_was_sent_lie_between_the_others(
    window: XWindow, display: PrivateDisplay, tmp_path: Path
) -> None:
    """Also after one that was sent late: rows out of order are no recording."""
    seen: list[PadSample] = []

    class Watched(VideoRecorder):
        def _encode(self, container: Any, stream: Any, taken: Any, sample: PadSample) -> None:
            seen.append(sample)

    recorder = Watched(tmp_path / "video.mp4", grabber_of(window, display), 60.0)
    began, stretch = time.perf_counter(), new_stretch()
    for tick, late in ((0, 0.0), (1, 0.9), (2, 1.1), (4, 0.05), (6, 0.0), (7, 0.0)):
        sent = began + (tick + late) / 60
        recorder.put(PadSample(NEUTRAL, sent, chunk=tick, action=0, stretch=stretch, tick=tick))
    recorder.close()
    assert [one.tick for one in seen] == list(range(8))
    assert [one.chunk for one in seen] == [0, 1, 2, -1, 4, -1, 6, 7]
    times = [one.sent for one in seen]
    assert times == sorted(set(times))


def test_a_tick_ends_where_the_next_began_however_late_that_is_told(
    window: XWindow, display: PrivateDisplay, tmp_path: Path
) -> None:
    """A picture of after the next action would be in the row of the one before; it counts from when
    its sending began, for from then on the game may have seen it."""
    ends: list[float] = []

    class Watched(VideoRecorder):
        def _picture(self, sample: PadSample, end: float) -> Any:
            ends.append(end)
            return super()._picture(sample, end)

    recorder = Watched(tmp_path / "video.mp4", grabber_of(window, display), 60.0)
    began, stretch = time.perf_counter(), new_stretch()
    recorder.put(PadSample(NEUTRAL, began, stretch=stretch, tick=0))
    time.sleep(3 / 60)
    second = began + 0.5 / 60
    recorder.put(PadSample(NEUTRAL, second + 0.1 / 60, stretch=stretch, tick=1, began=second))
    recorder.close()
    assert ends[0] == second


def test_the_window_changes_its_size(
    window: XWindow, display: PrivateDisplay, tmp_path: Path
) -> None:
    """A video has one size; a game may change its own at any time."""
    path = tmp_path / "video.mp4"
    recorder = VideoRecorder(path, grabber_of(window, display), 30.0)
    record(recorder, 3)
    window.place(40, 40, 100, 400)
    window.paint(0xC02020)
    record(recorder, 3)
    recorder.close()
    frames = frames_of(path)
    assert {frame.shape for frame in frames} == {(200, 320, 3)}
    assert frames[0][30, 30, 2] > 150 > frames[-1][30, 30, 2]
    assert frames[-1][30, 30, 0] > 150


def test_the_window_goes_away(window: XWindow, display: PrivateDisplay, tmp_path: Path) -> None:
    """Without a picture the last one is shown again, and counted."""
    path = tmp_path / "video.mp4"
    recorder = VideoRecorder(path, grabber_of(window, display), 30.0)
    record(recorder, 2)
    repeated = recorder.repeated
    window.destroy()
    record(recorder, 4)
    recorder.close()
    assert recorder.repeated == repeated + 4
    frames = frames_of(path)
    assert len(frames) == 6
    assert frames[-1][30, 30, 2] > 150


def test_no_window_at_all(window: XWindow, display: PrivateDisplay, tmp_path: Path) -> None:
    """A recording that starts in a black moment must not fail."""
    opens = grabber_of(window, display)
    window.destroy()
    path = tmp_path / "video.mp4"
    recorder = VideoRecorder(path, opens, 30.0)
    record(recorder, 2)
    recorder.close()
    assert len(frames_of(path)) == recorder.repeated == 2


def test_nothing_was_played(window: XWindow, display: PrivateDisplay, tmp_path: Path) -> None:
    """No actions, no video: an empty file would not open in any player."""
    recorder = VideoRecorder(tmp_path / "video.mp4", grabber_of(window, display), 60.0)
    recorder.close()
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_survives_a_crash(
    window: XWindow, display: PrivateDisplay, tmp_path: Path
) -> None:
    """The interesting recording is the one before the crash: its .part must play."""
    path = tmp_path / "video.mp4"
    recorder = VideoRecorder(path, grabber_of(window, display), 30.0)
    part, copy = path.with_name("video.mp4.part"), tmp_path / "copy.mp4"
    for step in range(150):
        recorder.put(PadSample(NEUTRAL, tick=step))
    until(lambda: recorder.frames == 150, "written")
    shutil.copy(part, copy)  # what a killed process leaves
    recorder.close()
    assert len(frames_of(copy)) >= 60


def test_an_encoder_that_fails(window: XWindow, display: PrivateDisplay, tmp_path: Path) -> None:
    """The failure reaches whoever adds next; the half video keeps its .part name."""
    path = tmp_path / "video.mp4"
    recorder = VideoRecorder(path, grabber_of(window, display), 30.0)
    record(recorder, 2)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    recorder._encode = fail  # type: ignore[method-assign]
    recorder.put(PadSample(NEUTRAL))
    until(lambda: recorder._failure is not None, "it failed")
    with pytest.raises(RecordingError, match=r"cannot record .*No space left"):
        recorder.put(PadSample(NEUTRAL))
    with pytest.raises(RecordingError, match="No space left"):
        recorder.close()
    recorder.close()
    assert not path.exists()
    assert path.with_name("video.mp4.part").exists()
    assert not own_threads()


def test_an_encoder_that_stands_still(
    window: XWindow,
    display: PrivateDisplay,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that hangs must neither block the play nor fill the memory nor hold the end."""
    monkeypatch.setattr(nitropilot.agent.record.video, "CLOSE_TIMEOUT_S", 0.1)
    go_on = threading.Event()
    recorder = VideoRecorder(tmp_path / "video.mp4", grabber_of(window, display), 30.0)
    real = recorder._encode

    def stuck(*arguments: object) -> None:
        go_on.wait()
        real(*arguments)  # type: ignore[arg-type]

    recorder._encode = stuck  # type: ignore[method-assign]
    try:
        with pytest.raises(RecordingError, match=f"{MAX_BACKLOG} frames late"):
            for _ in range(2 * MAX_BACKLOG):
                recorder.put(PadSample(NEUTRAL))
        with pytest.raises(RecordingError, match="was not finished"):
            recorder.close()
    finally:
        go_on.set()
    until(lambda: not own_threads(), "the thread ends when it can")
    assert not (tmp_path / "video.mp4").exists()


def test_a_video_that_was_removed(window: XWindow, display: PrivateDisplay, tmp_path: Path) -> None:
    """No video at the end, and no word of it, would be a silent failure."""
    path = tmp_path / "video.mp4"
    recorder = VideoRecorder(path, grabber_of(window, display), 30.0)
    record(recorder, 2)
    until(lambda: path.with_name("video.mp4.part").exists(), "the file")
    path.with_name("video.mp4.part").unlink()
    with pytest.raises(RecordingError, match="cannot record"):
        recorder.close()


def drawn(state: GamepadState, size: tuple[int, int] = (480, 640)) -> NDArray[np.uint8]:
    image = np.full((*size, 3), 90, np.uint8)
    draw_pad(image, state)
    return image


STATES = [
    *(GamepadState(buttons=button) for button in Button),
    GamepadState(left_trigger=1.0), GamepadState(right_trigger=0.5),
    GamepadState(left=(0.0, 1.0)), GamepadState(left=(0.0, -1.0)), GamepadState(right=(1.0, 0.0)),
]  # fmt: skip


def test_every_button_shows() -> None:
    """What the viewer cannot see was not pressed, as far as the viewer knows."""
    pictures = [drawn(NEUTRAL), *map(drawn, STATES)]
    for i, one in enumerate(pictures):
        for other in pictures[:i]:
            assert np.count_nonzero(cv2.absdiff(one, other)) > 20
    positions = {**FACE, **DPAD, **MENU}
    named = positions.keys() | {thumb for _, thumb in STICKS} | {b for _, b in SHOULDERS}
    assert named == set(Button)


def test_up_is_drawn_up() -> None:
    """A stick drawn upside down sends every reader after a bug that is not there."""
    up, down = drawn(GamepadState(left=(0.0, 1.0))), drawn(GamepadState(left=(0.0, -1.0)))
    lit_up, lit_down = (np.argwhere(image[..., 1] > 170)[:, 0].mean() for image in (up, down))
    assert lit_up < lit_down


@pytest.mark.parametrize("size", [(480, 640), (40, 60), (2, 2), (64, 4000), (2160, 3840)])
def test_pads_fit_any_picture(size: tuple[int, int]) -> None:
    """Tiny and huge windows are recorded too."""
    assert drawn(STATES[0], size).shape == (*size, 3)
