"""``VideoRecorder``: an MP4 of what the agent saw, with the pad drawn on it.

One video frame for each tick of which it is told, with the picture that was taken in that tick
(``agent.record.taking``); where there is none the last one is shown again, and counted in
``repeated``.  The video runs in the game's own time: freezes are not shown, and between two
stretches of play the last picture stands as long as it really was.

A thread of its own encodes: the pacing of the pad never waits for it.  A recording that fails
leaves its ``.part`` file; play goes on without it.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from nitropilot.agent.errors import RecordingError
from nitropilot.agent.record.drawing import draw_pad
from nitropilot.agent.record.taking import FrameTaker
from nitropilot.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from av.container import OutputContainer
    from av.video.stream import VideoStream

    from nitropilot.agent.record.taking import Image, Taken
    from nitropilot.agent.values import PadSample
    from nitropilot.capture import Grabber

MAX_WIDTH = 854
MAX_BACKLOG = 600
"""Ticks waiting to be drawn; more than this (10 s at 60 Hz) means a stuck disk."""
CLOSE_TIMEOUT_S = 30.0
FIRST_S = 2.0
"""How long the very first picture is waited for."""
HELD_S = 0.09
"""So long an action stays pressed where those of the next ticks came too late to be sent: the game
lets go of what nobody renews (``controller.pads``)."""
NEXT_TICKS = 1.5
"""A tick lasts until the next one's action is sent, unless that takes longer than this."""
LATE_S = 0.1
"""How long after a tick's end it may be told when the next one's was sent, on a busy machine."""


class VideoRecorder:
    """Records one session.

    Args:
        path: The finished file's path; written as ``NAME.part`` and then renamed.
        open_grabber: Opens a grabber of the recorder's own, in its own thread.
        hz: Frames a second: the action rate.
        max_width: Wider pictures are made smaller.

    Attributes:
        frames: Video frames written.
        repeated: How many of them show a picture of an earlier tick.
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
        self._repeats = False
        self._period = 1 / hz
        self._elapsed = 0
        self._part = path.with_name(path.name + ".part")
        self._rate = Fraction(hz).limit_denominator(1000)
        self._queue: Mailbox[PadSample | None] = Mailbox()
        self._closed = False
        self._failure: Exception | None = None
        self._last: Taken | None = None
        self._taker = FrameTaker(open_grabber, max_width)
        self._thread = threading.Thread(target=self._run, name="nitropilot-video", daemon=True)
        self._thread.start()

    def expect(self, begin: float) -> None:
        """Have a picture taken of a tick that begins then, before its sample is known."""
        self._taker.take(begin + self._period)

    def put(self, sample: PadSample) -> None:
        """Note what was sent.  Does not block; from any thread.

        Raises:
            RecordingError: Encoding failed, or cannot keep up at all.
        """
        if len(self._queue) >= MAX_BACKLOG:
            self._failure = TimeoutError(f"the disk or the processor is {MAX_BACKLOG} frames late")
        self._raise_failure()
        self.expect(sample.sent)
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
            self._taker.close()

    def _record(self) -> None:
        import av

        # Fragments make what was written readable even if this process is killed.
        movflags = "frag_keyframe+empty_moov+default_base_moof"
        options: dict[str, str] = {"movflags": movflags, "flush_packets": "1"}
        container: OutputContainer | None = None
        try:
            for sample, end, step in self._ticks():
                taken = self._picture(sample, end)
                if container is None:
                    container = av.open(str(self._part), "w", format="mp4", options=options)
                    stream = self._add_stream(container, taken.picture)
                self._elapsed += step
                self._encode(container, stream, taken, sample)
            if container is not None:
                container.mux(stream.encode(None))
        finally:
            if container is not None:
                container.close()

    def _ticks(self) -> Iterator[tuple[PadSample, float, int]]:
        """Each tick with its end, and how many ticks after the one before it began."""
        before: PadSample | None = None
        sample = self._queue.get()
        while sample is not None:
            end, after, known = sample.sent + self._period, None, True
            try:
                after = self._queue.get(end + max(self._period, LATE_S) - time.perf_counter())
            except queue.Empty:
                known = False
            if after is not None and after.sent - sample.sent < NEXT_TICKS * self._period:
                end = after.since
            if after is not None and (between := self._held(sample, after)):
                end = min(end, between[0].sent)
            held = self._held(before, sample)
            for one, follower in zip(held, [*held, sample][1:], strict=True):
                yield one, min(one.sent + self._period, follower.since), 1
                before = one
            yield sample, end, self._since(before, sample)
            before, sample = sample, after if known else self._queue.get()

    def _held(self, before: PadSample | None, sample: PadSample) -> list[PadSample]:
        """The ticks in between in which nothing was sent, and the pad stayed as it was."""
        if before is None or before.stretch != sample.stretch:
            return []
        if sample.sent - before.sent > HELD_S + self._period:
            return []  # the pad was neutral meanwhile
        ticks = sample.tick - before.tick
        apart = (sample.sent - before.sent) / max(ticks, 1)
        return [
            replace(before, sent=before.sent + apart * more, tick=before.tick + more,
                    chunk=-1, action=-1, began=None)
            for more in range(1, ticks)
        ]  # fmt: skip

    def _since(self, before: PadSample | None, sample: PadSample) -> int:
        """Ticks of the game's time from one sample to the next."""
        if before is None:
            return 0
        if sample.follows(before):
            return 1
        return max(round((sample.sent - before.sent) / self._period), 1)

    def _picture(self, sample: PadSample, end: float) -> Taken:
        """What the game showed in that tick; the last picture again when there is none."""
        taken = self._taker.within(sample.sent, end)
        self._repeats = taken is None
        if taken is not None:
            self._last = taken
            return taken
        self.repeated += 1
        if self._last is None:
            self._last = self._taker.first(FIRST_S)
        return self._last

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
        self, container: OutputContainer, stream: VideoStream, taken: Taken, sample: PadSample
    ) -> None:
        import av

        painted = self._paint(taken.picture, sample)
        frame = av.VideoFrame.from_ndarray(painted, format="rgb24")
        frame.pts = self._elapsed
        container.mux(stream.encode(frame))
        self.frames += 1
