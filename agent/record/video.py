"""``VideoRecorder``: an MP4 of what the agent saw, with the pad drawn on it.

One video frame per action sent, so a complete video has exactly as many frames as
the trace has actions, and it runs in the game's own time (freezes are not shown).
A thread of its own grabs and encodes: the pacing of the pad never waits for it.
When it falls behind it repeats its last picture and counts that in ``repeated``.
A recording that fails leaves its ``.part`` file; play goes on without it.
"""

from __future__ import annotations

import threading
from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.agent.errors import RecordingError
from nitropilot.agent.record.drawing import draw_pad
from nitropilot.agent.values import PadSample
from nitropilot.capture.errors import CaptureError
from nitropilot.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from av.container import OutputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from nitropilot.capture import Grabber
    from nitropilot.controller.state import GamepadState

    Image = NDArray[np.uint8]

MAX_WIDTH = 854
MAX_BACKLOG = 600
"""Actions waiting to be drawn; more than this (10 s at 60 Hz) means a stuck disk."""
CLOSE_TIMEOUT_S = 30.0
FRESH_BACKLOG = 2
"""With more waiting than this the newest picture is already too new: repeat the last."""


class VideoRecorder:
    """Records one session.

    Args:
        path: The finished file's path; written as ``NAME.part`` and then renamed.
        open_grabber: Opens a grabber of the recorder's own, in its own thread.
        hz: Frames a second: the action rate.
        max_width: Wider pictures are made smaller.

    Attributes:
        frames: Video frames written.
        repeated: How many of them repeat the picture before.
    """

    def __init__(
        self,
        path: Path,
        open_grabber: Callable[[], Grabber],
        hz: float,
        max_width: int = MAX_WIDTH,
    ) -> None:
        self.path = path
        self.frames = 0
        self.repeated = 0
        self.max_width = max_width
        self._repeats = False
        self._part = path.with_name(path.name + ".part")
        self._open_grabber = open_grabber
        self._rate = Fraction(hz).limit_denominator(1000)
        self._queue: Mailbox[PadSample | None] = Mailbox()
        self._closed = False
        self._failure: Exception | None = None
        self._last: Image | None = None
        self._grabber: Grabber | None = None
        self._thread = threading.Thread(target=self._run, name="nitropilot-video", daemon=True)
        self._thread.start()

    def add(self, state: GamepadState, caption: str) -> None:
        """Note that ``state`` was sent now: see ``put``."""
        self.put(PadSample(state, text=caption))

    def put(self, sample: PadSample) -> None:
        """Note what was sent.  Does not block; from any thread.

        Raises:
            RecordingError: Encoding failed, or cannot keep up at all.
        """
        if len(self._queue) >= MAX_BACKLOG:
            self._failure = TimeoutError(f"the disk or the processor is {MAX_BACKLOG} frames late")
        self._raise_failure()
        self._queue.put(sample)

    def close(self) -> None:
        """Write what is waiting, finish the file and give it its name.  Safe to call twice.

        Raises:
            RecordingError: The video could not be finished; the ``.part`` file is what there is.
        """
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._thread.join(CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            self._failure = TimeoutError(f"it was not finished after {CLOSE_TIMEOUT_S:.0f} s")
        self._raise_failure()
        if self.frames:
            try:
                self._part.replace(self.path)
            except OSError as error:
                self._failure = error
                self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise RecordingError(
                f"cannot record {self._part}: {self._failure}",
                "what was recorded until then is in that file, if it is still there",
            ) from self._failure

    def _run(self) -> None:
        try:
            self._record()
        except Exception as error:  # noqa: BLE001 - carried to the loop's thread by _raise_failure
            self._failure = error
        finally:
            self._last = None  # whoever keeps the figures need not keep a picture
            self._drop_grabber()

    def _record(self) -> None:
        import av

        # Fragments make what was written readable even if this process is killed.
        movflags = "frag_keyframe+empty_moov+default_base_moof"
        options: dict[str, str] = {"movflags": movflags, "flush_packets": "1"}
        container: OutputContainer | None = None
        try:
            while (sample := self._queue.get()) is not None:
                picture = self._picture()
                if container is None:
                    container = av.open(str(self._part), "w", format="mp4", options=options)
                    stream = self._add_stream(container, picture)
                self._encode(container, stream, picture, sample)
            if container is not None:
                container.mux(stream.encode(None))
        finally:
            if container is not None:
                container.close()

    def _picture(self) -> Image:
        """What is on screen now; the last picture again when behind or when there is none."""
        behind = len(self._queue) > FRESH_BACKLOG
        self._repeats = False
        if self._last is None or not behind:
            try:
                if self._grabber is None:
                    self._grabber = self._open_grabber()
                self._last = _fit(self._grabber.grab().pixels, self._last, self.max_width)
                return self._last
            except CaptureError:
                self._drop_grabber()  # the window may be a new one: open it afresh next time
                if self._last is None:
                    self._last = np.zeros((480, MAX_WIDTH, 3), np.uint8)
        self.repeated += 1
        self._repeats = True
        return self._last

    def _drop_grabber(self) -> None:
        if self._grabber is not None:
            self._grabber.close()
            self._grabber = None

    def _add_stream(self, container: OutputContainer, picture: Image) -> VideoStream:
        stream: VideoStream = container.add_stream("libx264", rate=self._rate)
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {**self._stream_options()}
        stream.codec_context.thread_count = 1
        return stream

    def _stream_options(self) -> dict[str, str]:
        return {"preset": "ultrafast", "crf": "24", "g": str(max(int(self._rate), 1))}

    def _paint(self, picture: Image, sample: PadSample) -> Image:
        """What becomes of a picture before it is encoded."""
        canvas = picture.copy()
        draw_pad(canvas, sample.state, sample.caption)
        return canvas

    def _encode(
        self, container: OutputContainer, stream: VideoStream, picture: Image, sample: PadSample
    ) -> None:
        import av

        frame = av.VideoFrame.from_ndarray(self._paint(picture, sample), format="rgb24")
        frame.pts = self.frames
        container.mux(stream.encode(frame))
        self.frames += 1


def _fit(pixels: Image, like: Image | None, max_width: int) -> Image:
    """Scale to the video's size, which the first picture fixes (even, at most ``max_width``)."""
    if like is not None:
        height, width = like.shape[:2]
    else:
        scale = min(1.0, max_width / pixels.shape[1])
        height, width = (max(int(side * scale) // 2 * 2, 2) for side in pixels.shape[:2])
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
