"""``DecisionLog``: what the policy was shown and gave for each chunk, so that it can be replayed.

Frames are kept without loss, and actions with every bit, in segments of half a minute:
``decisions/000012.frames`` (``agent.record.kept``).  Each decision is the system's as soon as it
is written, so that a kill loses none of them; a segment that was closed says where it ends.  The
oldest segments go when more than ``keep_s`` is kept.  A thread of its own does all that: nothing
waits for it, and what is too much for it is left out, which is counted.
"""

from __future__ import annotations

import logging
import queue
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING

from nitropilot.agent.errors import RecordingError, ReplayError
from nitropilot.agent.record.kept import (
    LAST,
    MAGIC,
    CutOff,
    Kept,
    RecordWriter,
    picture_of,
    read_kept,
)
from nitropilot.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = logging.getLogger("nitropilot.session")

FOLDER = "decisions"
SUFFIX = ".frames"
OLD_SUFFIXES = (".mkv", ".npz")
"""Of versions that kept half a minute in memory."""
SEGMENT_S = 30.0
MOST_WAITING = 64
"""Decisions; each holds a picture."""
CLOSE_S = 10.0


@dataclass
class _Segment:
    """One that is being written.

    Attributes:
        path: Its file's.
        began: When, of ``time.monotonic``.
        file: It, without a buffer.
        writer: Makes its records.
        whole: Its bytes up to the end of the last record.
    """

    path: Path
    began: float
    file: IO[bytes]
    writer: RecordWriter
    whole: int = 0

    def append(self, data: bytes) -> None:
        """Hand one record to the system."""
        rest = memoryview(data)
        while rest:
            rest = rest[self.file.write(rest) :]
        self.whole += len(data)


class DecisionLog:
    """Keeps the decisions of one session.

    Args:
        folder: Takes the segments; made when the first one is written.
        keep_s: Seconds of play that are kept; None keeps all.
        failed: Told, once, that no more can be kept and why; in a thread of the log's.
    """

    def __init__(
        self,
        folder: Path,
        keep_s: float | None,
        failed: Callable[[RecordingError], object] = lambda _error: None,
    ) -> None:
        self._folder = folder
        self._keep_s = keep_s
        self._tell_failed = failed
        self._count = 0
        self._segment: _Segment | None = None
        self._kept: list[tuple[float, Path]] = []
        self._failure = ""
        self._refused = 0
        self._lost = 0
        self._letters: Mailbox[Kept | None] = Mailbox()
        self._thread = threading.Thread(target=self._run, name="nitropilot-decisions", daemon=True)
        self._thread.start()

    @property
    def left_out(self) -> int:
        """Decisions that came too quickly, or that could not be written."""
        return self._refused + self._lost

    @property
    def warning(self) -> str:
        """Why not all that was to be kept is kept; or ""."""
        if not self._failure and self._keep_s is None and self.left_out:
            return (
                f"{self.left_out} decisions are not kept in {self._folder}: they came quicker "
                "than they could be written"
            )
        return self._failure

    def put(self, kept: Kept) -> None:
        """Keep a decision.  Never waits, and raises nothing."""
        if len(self._letters) >= MOST_WAITING:
            self._refused += 1
        else:
            self._letters.put(kept)

    def close(self) -> None:
        """Write what waits.  Safe to call twice."""
        self._letters.put(None)
        self._thread.join(CLOSE_S)
        if self._thread.is_alive() and not self._failure:
            self._failure = f"what is kept in {self._folder} was not written within {CLOSE_S:g} s"

    def _run(self) -> None:
        while True:
            try:
                letter = self._letters.get(SEGMENT_S)
            except queue.Empty:  # a segment ends also when nothing is decided any more
                self._try(self._finish)
                continue
            if letter is None:
                self._try(self._finish)
                return
            if not self._try(partial(self._write, letter)):
                self._lost += 1

    def _try(self, act: Callable[[], None]) -> bool:
        """Do something with the files, unless that has failed before; whether it was done."""
        if self._failure:
            return False
        try:
            act()
        except Exception as error:  # noqa: BLE001 - a full disk, say: the play is worth more
            self._give_up(error)
            return False
        return True

    def _give_up(self, error: Exception) -> None:
        """Write no more, and say so; what is there can be read."""
        segment, self._segment = self._segment, None
        if segment is not None:
            with suppress(OSError):
                segment.file.truncate(segment.whole)
            with suppress(OSError):
                segment.file.close()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        self._failure = f"cannot keep what the policy is shown in {self._folder}: {reason}"
        self._tell_failed(RecordingError(self._failure, "make room there, or choose another --out"))

    def _write(self, kept: Kept) -> None:
        if self._segment is not None and time.monotonic() - self._segment.began > SEGMENT_S:
            self._finish()
        if self._segment is None:
            self._segment = self._open(kept)
        self._segment.append(self._segment.writer.record(kept))

    def _open(self, kept: Kept) -> _Segment:
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"{self._count:06d}{SUFFIX}"
        self._count += 1
        writer = RecordWriter(picture_of(kept.request))
        segment = _Segment(path, time.monotonic(), path.open("wb", buffering=0), writer)
        self._segment = segment  # what fails from here on is closed by ``_give_up``
        segment.append(MAGIC)
        return segment

    def _finish(self) -> None:
        """Complete the segment that is being written, and remove what is too old."""
        if self._segment is None:
            return
        self._segment.append(LAST)
        self._segment.file.close()
        self._kept.append((time.monotonic(), self._segment.path))
        self._segment = None
        while self._keep_s is not None and self._kept:
            ended, path = self._kept[0]
            if time.monotonic() - ended <= self._keep_s:
                break
            del self._kept[0]
            path.unlink(missing_ok=True)


def kept_decisions(folder: Path, *, goes_on: bool = False) -> Iterator[Kept]:
    """The decisions that are kept in a session's folder, in order.

    Args:
        folder: The session's.
        goes_on: The session is still playing: its last segment has no end yet, and its oldest
            may go at any time.

    Raises:
        ReplayError: One line about all that is damaged or missing, after what can be read.
    """
    paths = _segments(folder / FOLDER)
    troubles: list[ReplayError] = []
    before: Path | None = None
    for path in paths:
        if before is not None and int(path.stem) != int(before.stem) + 1:
            troubles.append(ReplayError(f"between {before} and {path.name} a file is missing"))
        before = path
        try:
            yield from read_kept(path)
        except CutOff as error:
            if not (goes_on and path == paths[-1]):
                troubles.append(error)
        except ReplayError as error:
            troubles.append(error)
        except OSError as error:
            if not (goes_on and isinstance(error, FileNotFoundError)):
                troubles.append(ReplayError(f"cannot read {path}: {error.strerror or error}"))
    if troubles:
        raise joined(troubles)


def _segments(folder: Path) -> list[Path]:
    """Files of decisions, oldest first.

    Raises:
        ReplayError: The folder cannot be read, or is of another version.
    """
    try:
        names = sorted(path for path in folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ReplayError(
            f"cannot read the folder {folder}: {error.strerror or error}",
            "replay as the user that played",
        ) from error
    found = [path for path in names if path.suffix == SUFFIX and path.stem.isdecimal()]
    if not found and any(path.suffix in OLD_SUFFIXES for path in names):
        raise ReplayError(
            f"what is kept in {folder} is of another version of NitroPilot",
            "replay it with the version that played",
        )
    return found


def joined(troubles: list[ReplayError]) -> ReplayError:
    """Several of them as one; the fix is the first one's that has any."""
    return ReplayError(
        "; ".join(str(one) for one in troubles), next((o.hint for o in troubles if o.hint), "")
    )


def remove_decisions(folder: Path) -> None:
    """Remove those of a session's folder."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
