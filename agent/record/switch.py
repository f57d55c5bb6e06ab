"""``RecordingSwitch``: starts and stops a session's recordings while it plays, from any thread.

The loop gives it every state that it sends; nothing here makes the loop wait.  What becomes
of a recording is never the play's business: one that fails, or has no more room, ends, which
is said in the log, the trace and ``warning``, and the play goes on.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.agent.errors import NotPossibleNow, RecordingError
from nitropilot.agent.record.limits import Limits
from nitropilot.agent.record.recorder import About, Recorder, check_place
from nitropilot.agent.values import RecordingState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.agent.values import PadSample
    from nitropilot.capture import Grabber

log = logging.getLogger("nitropilot.recording")

MAX_WIDTH = 1280


@dataclass(frozen=True)
class RecordingPlan:
    """Where and how a session's recordings are made.

    Attributes:
        root: The folder of all recordings.
        at_once: Begin with the play.
        limits: Asked at every start: how much room there is.
        max_width: Wider pictures are made smaller.
    """

    root: Path
    at_once: bool = False
    limits: Callable[[], Limits] = Limits
    max_width: int = MAX_WIDTH

    def check(self) -> None:
        """See that there is a place for recordings, before there is anything to record.

        Raises:
            RecordingFull: There is no room.
            RecordingError: The folder cannot be made, or Parquet files cannot be written.
        """
        check_place(self.root, self.limits())


class RecordingSwitch:
    """Makes recordings of one session.

    Args:
        plan: Where and how; None: never.

    Attributes:
        wanted: What was said last: whether to record, also where that could not be done.
        hz: Frames a second of what is recorded; 0 before there is anything.
    """

    def __init__(self, plan: RecordingPlan | None) -> None:
        self.wanted = plan is not None and plan.at_once
        self.hz = 0.0
        self._plan = plan
        self._open: Callable[[], Recorder] | None = None
        self._recorder: Recorder | None = None
        self._last: Recorder | None = None
        self._warning = ""
        self._news = ""
        self._lock = threading.Lock()
        self._over = False

    @property
    def state(self) -> RecordingState:
        """How it goes."""
        shown = self._recorder or self._last
        if shown is None:
            return RecordingState(warning=self._warning)
        enabled = self._recorder is not None
        return RecordingState(enabled, shown.id, shown.frames, shown.repeated, self._warning)

    @property
    def failed(self) -> bool:
        """Whether nothing is recorded though it is wanted, and why is in ``warning``."""
        return self.wanted and self._recorder is None and bool(self._warning)

    def attach(self, about: About, open_grabber: Callable[[], Grabber], hz: float) -> None:
        """There is something to record now; begins if that is wanted.

        Args:
            about: What is recorded.
            open_grabber: Opens a grabber of the recording's own.
            hz: Actions a second.
        """
        plan = self._plan
        if plan is None:
            return
        self.hz = hz
        self._open = lambda: Recorder(
            plan.root, about, open_grabber, hz, plan.limits(), plan.max_width
        )
        if self.wanted:
            try:
                self.start()
            except RecordingError as error:
                self._warn(f"nothing is recorded: {error.line()}")

    def start(self) -> None:
        """Begin a recording.  No effect when one is being made.

        Raises:
            NotPossibleNow: The session has not attached yet, or is over.
            RecordingError: There is no room, or it cannot be written.
        """
        with self._lock:
            if self._open is None or self._over:
                raise NotPossibleNow("the session has nothing to record now", "wait until it plays")
            self.wanted = True
            if self._recorder is None:
                self._recorder = self._open()
                self._warning = ""
                log.info("recording %s", self._recorder.folder)

    def stop(self, reason: str = "stopped on request") -> None:
        """End the recording; it is complete when this returns.  No effect without one.

        Raises:
            RecordingError: It could not be finished.
        """
        self.wanted = False
        self._end(reason)

    def _end(self, reason: str) -> None:
        with self._lock:
            recorder, self._recorder = self._recorder, None
            if recorder is None:
                return
            self._last = recorder
            try:
                folder = recorder.finish(reason)
            except RecordingError as error:
                self._warn(f"the recording ended: {error.line()}")
                raise
        log.info("recorded %s", folder or "nothing: no action was sent")

    def close(self, reason: str) -> None:
        """End it for good.

        Raises:
            RecordingError: As ``stop``.
        """
        self._over = True
        self._end(reason)

    def expect(self, begin: float) -> None:
        """A tick begins (``time.perf_counter``) whose sample is put when it is over."""
        if (recorder := self._recorder) is not None:
            recorder.expect(begin)

    def put(self, sample: PadSample) -> None:
        """Note what was sent, if it is switched on.  Does not block and raises nothing."""
        recorder = self._recorder
        if recorder is None:
            return
        try:
            recorder.put(sample)
        except RecordingError as error:
            if self._recorder is recorder and self._lock.acquire(blocking=False):
                try:
                    self._recorder, self._last = None, recorder
                finally:
                    self._lock.release()
                self._warn(f"the recording ended: {recorder.full or error.line()}")
                threading.Thread(
                    target=self._finish, args=(recorder,), name="nitropilot-recording-end"
                ).start()

    def take_news(self) -> str:
        """What the trace should say of it, once; or ""."""
        news, self._news = self._news, ""
        return news

    def _warn(self, warning: str) -> None:
        self._warning = self._news = warning
        log.warning("%s; the play goes on", self._warning)

    def _finish(self, recorder: Recorder) -> None:
        with self._lock, suppress(RecordingError, OSError):  # it was said why
            recorder.finish(self._warning)
