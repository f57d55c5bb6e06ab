"""``Recorder``: one recording, with the frames and the actions of a stretch of play.

It has the layout of the published action data set (``records.format``) and lies in a
folder of its own, ``<id>.part`` until it is complete.  A recording that runs into a limit of
the disk ends there and is complete; one that fails, or whose process is killed, is mended by
``agent.record.mend``: as many frames and rows as there are of both.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from nitropilot.agent.errors import RecordingError, RecordingFull
from nitropilot.agent.record.limits import Limits, size_of
from nitropilot.agent.record.mend import mend
from nitropilot.agent.record.video import VideoRecorder
from nitropilot.places import spelled
from nitropilot.records.errors import RecordsError
from nitropilot.records.format import FACTS, FORMAT, PART, VIDEO, Source
from nitropilot.records.rows import Row
from nitropilot.records.writer import RowLog, new_id, write_json
from nitropilot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.container import OutputContainer
    from av.video.stream import VideoStream

    from nitropilot.agent.record.taking import Image, Taken
    from nitropilot.agent.values import PadSample
    from nitropilot.capture import Grabber
    from nitropilot.controller.state import GamepadState

log = logging.getLogger("nitropilot.recording")

LOOK_EVERY = 120
"""Frames between two looks at the disk: two seconds at 60 Hz."""


@dataclass(frozen=True)
class About:
    """What is recorded.

    Attributes:
        session: Id of the session.
        game: Name of the game: what it is launched as, or else its executable's.
        facts: More for ``recording.json``.
    """

    session: str
    game: str
    facts: dict[str, Any] = field(default_factory=dict)


class Recorder(VideoRecorder):
    """Records until ``finish``.

    Args:
        root: The folder of all recordings; made if missing.
        about: What is recorded.
        open_grabber: Opens a grabber of the recorder's own, in its own thread.
        hz: Frames, and rows, a second.
        limits: How much room there is.
        max_width: Wider pictures are made smaller.

    Attributes:
        id: Name of the recording and of its folder.
        folder: Where it will be.

    Raises:
        RecordingFull: There is no room.
        RecordingError: The folder cannot be made, or Parquet files cannot be written.
    """

    def __init__(
        self,
        root: Path,
        about: About,
        open_grabber: Callable[[], Grabber],
        hz: float,
        limits: Limits,
        max_width: int,
    ) -> None:
        root = spelled(root)  # pyarrow would read a "~" in it
        self._others = check_place(root, limits)
        self._limits = limits
        self._stretch = 0
        self._before: PadSample | None = None
        self._clock = time.time() - time.perf_counter()
        try:
            self.id = new_id(root, about.session)
            self.folder = root / self.id
            self.part = root / f"{self.id}{PART}"
            self.part.mkdir(mode=0o700)
            self._facts = _first_facts(self.id, about, hz)
            write_json(self.part / FACTS, self._facts)
            self._rows = RowLog(self.part, Source(self.id, about.game, hz))
        except OSError as error:
            raise _no_place(root, error) from error
        super().__init__(self.part / VIDEO, open_grabber, hz, max_width)

    @property
    def full(self) -> str:
        """Why nothing more is recorded, though nothing failed; or ""."""
        return self._failure.line() if isinstance(self._failure, RecordingFull) else ""

    def finish(self, reason: str) -> Path | None:
        """Write what is waiting and give the folder its name.

        Args:
            reason: Why it ends, for ``recording.json``.

        Returns:
            The folder; None when no frame was recorded, and nothing is left.

        Raises:
            RecordingError: It failed; what could be saved has the folder's name.
        """
        try:
            self.close()
        except RecordingError:
            if not self.full:
                self._save(reason)
                raise
        if not self.frames:
            self._rows.release()
            shutil.rmtree(self.part, ignore_errors=True)
            return None
        try:
            if self.full:
                self.path.with_name(f"{VIDEO}{PART}").replace(self.path)
            self._rows.close()
            height, width = self._rows.source.size
            self._facts |= {
                "resolution": [height, width],
                "frames": self.frames,
                "repeated": self.repeated,
                "chunks": self._rows.chunks,
                "seconds": self.frames / self._rows.source.fps,
                "ended": _now(),
                "reason": self.full or reason,
            }
            write_json(self.part / FACTS, self._facts)
            self.part.rename(self.folder)
        except OSError as error:
            self._save(reason)
            raise RecordingError(
                f"cannot finish {self.part}: {error.strerror}",
                "make room there; `nitropilot recordings mend` then makes it whole",
            ) from error
        return self.folder

    def _save(self, reason: str) -> None:
        """Make of a recording that failed what can be made of it."""
        self._rows.release()
        if self._thread.is_alive():  # a stuck disk: the next start of a daemon mends it
            return
        try:
            mend(self.part, reason)
        except (OSError, RecordsError) as error:
            log.error("%s could not be mended: %s", self.part, error)

    def _paint(self, picture: Image, sample: PadSample) -> Image:
        """Nothing is drawn on a recording."""
        return picture

    def _stream_options(self) -> dict[str, str]:
        # No packet may be waiting in the encoder when this process is killed.
        return super()._stream_options() | {"tune": "zerolatency"}

    def _encode(
        self,
        container: OutputContainer,
        stream: VideoStream,
        taken: Taken,
        sample: PadSample,
    ) -> None:
        if self.frames % LOOK_EVERY == 0:
            self._limits.check(self.part.parent, self._others + size_of(self.part))
        height, width = taken.picture.shape[:2]
        self._rows.source.size = height, width
        if self._before is not None and not sample.follows(self._before):
            self._stretch += 1
        self._before = sample
        row = row_of(
            sample.state,
            self.frames,
            frame_time=round(taken.time + self._clock, 6),
            sent_time=round(sample.sent + self._clock, 6),
            stretch=self._stretch,
            source=sample.source,
            policy_chunk=sample.chunk,
            policy_action=sample.action,
            frame_repeated=self._repeats,
        )
        super()._encode(container, stream, taken, sample)
        self._rows.add(row, float(self._elapsed / self._rate))


def row_of(state: GamepadState, frame_index: int, **facts: Any) -> Row:
    """The row for a pad state that was sent; ``facts`` are its other values."""
    return Row(
        frame_index=frame_index,
        left_x=state.left[0],
        left_y=state.left[1],
        right_x=state.right[0],
        right_y=state.right[1],
        trigger_left=state.left_trigger,
        trigger_right=state.right_trigger,
        buttons=int(state.buttons),
        **facts,
    )


def check_place(root: Path, limits: Limits) -> int:
    """Make the folder of all recordings, and see that there is room.

    Returns:
        Bytes of the recordings that are there.

    Raises:
        RecordingFull: There is no room.
        RecordingError: The folder cannot be made, or Parquet files cannot be written.
    """
    require_pyarrow()
    try:
        root.mkdir(parents=True, exist_ok=True)
        others = size_of(root)
        limits.check(root, others)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise _no_place(root, error) from error
    return others


def _no_place(root: Path, error: OSError) -> RecordingError:
    return RecordingError(
        f"cannot record in {root}: {error.strerror}",
        "make room there, or name another folder in recording.folder",
    )


def require_pyarrow() -> None:
    """Raise unless Parquet files can be written.

    Raises:
        RecordingError: pyarrow is not there, or does not load.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise RecordingError(
            f"actions cannot be recorded: {error}", "install it with: pip install pyarrow"
        ) from error


def _first_facts(name: str, about: About, hz: float) -> dict[str, Any]:
    """What is known at the start; the writer's process says whether it still writes."""
    return {
        "format": FORMAT,
        "id": name,
        "session": about.session,
        "game": about.game,
        "nitropilot": __version__,
        "fps": hz,
        "started": _now(),
        "ended": None,
        "writer": {"pid": os.getpid(), "started": psutil.Process().create_time()},
        **about.facts,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
