"""``TraceWriter``: what a session did, as JSON lines.

The first line is ``{"type": "header", ...}`` (versions, game, policy, engine, pad,
settings), then one ``{"type": "chunk", ...}`` a chunk and ``{"type": "event", ...}``
in between, and last ``{"type": "end", "state", "reason", ...}``.  Times are seconds
since the header's ``started`` on the monotonic clock.  A chunk holds

    i          number of the chunk
    frame      when its frame was grabbed
    frozen     when the freeze began; null when nothing was frozen
    seconds    {"freeze", "grab", "preprocess", ...}, the engine's parts included
    actions    T x A raw channels, as the policy gave them, to five digits (every bit of them is
               in the decisions that are kept: ``agent.record.kept``)
    due, sent  for each action played: when it was due, when it was sent
    rows       which of its actions those are: numbers of rows of ``actions``
    states     for each: [left x, left y, right x, right y, left trigger,
               right trigger, buttons as a number (``controller.Button``)]

Paused mode plays the first actions of a chunk, one after the other; of those that are late only
the last is played.  In real-time mode
``frozen`` is null, and a chunk, which is written when its last action was played or
when it is clear that none will be, also says

    ready      when the chunk was there
    start      when its first action was for; the others follow ``1 / action_hz`` apart
    dropped    how many of its first actions were for times past when it was ready
    fixed      how many of its first actions had to be those of the chunk before,
               and ``pulled`` how many after them were drawn towards it
    faded      how many actions were cross-faded with those of the chunk before, for
               engines that cannot fix any; ``states`` are then the mixture

Events of real-time mode: ``gap`` (``ticks`` in a row without an action, over now) and
``mode`` (the play goes on in another mode).

The file is compressed with gzip, line by line, so that whatever was written can be read after
a crash too (``read_trace``).  It is written as ``NAME.part`` and renamed when complete
(invariant 6).  One that has grown to ``MAX_BYTES`` gets no more lines but the last, in which
``left_out`` says how many are missing.  One that cannot be written is given up, which is told
once: a trace is never worth ending a play for.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from nitropilot.agent.errors import RecordingError, ReplayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.agent.values import ChunkRow
    from nitropilot.controller.state import GamepadState

log = logging.getLogger("nitropilot.session")

DIGITS = 6
MAX_BYTES = 128 * 2**20
"""Where a trace ends: some six hours of real-time play at 60 Hz, 85 MB an hour before it is
compressed to a quarter.  Longer ones are of sessions that somebody forgot."""
GZIP = 31
"""The format of gzip, as zlib calls it."""
MAGIC = b"\x1f\x8b"
PIECE = 2**16


class TraceWriter:
    """Writes one trace.  Used from one thread; raises nothing once it is made.

    Args:
        path: The finished file's path.
        header: What the first line says besides type and time.
        failed: Told, once, that the trace cannot be written and why.

    Attributes:
        path: As given.
        origin: When it began, of ``time.perf_counter``.
        warning: Why nothing is written any more, or "".
    """

    def __init__(
        self,
        path: Path,
        header: Mapping[str, Any],
        failed: Callable[[RecordingError], object] = lambda _error: None,
    ) -> None:
        self.path = path
        self.origin = time.perf_counter()
        self.warning = ""
        self._failed = failed
        self._part = path.with_name(path.name + ".part")
        self._bytes = 0
        self._left_out = 0
        self._file: _Packed | None = None
        try:
            self._file = _Packed(self._part)
        except OSError as error:
            self._give_up(error)
        self.write("header", started=datetime.now(UTC).isoformat(), **header)

    def at(self, moment: float) -> float:
        """A ``time.perf_counter`` moment as seconds since the start of the trace."""
        return round(moment - self.origin, DIGITS)

    def write(self, kind: str, **values: Any) -> None:
        """Append one line and hand it to the operating system."""
        if self._bytes >= MAX_BYTES:
            if not self._left_out:
                self.warning = f"the trace is full: {MAX_BYTES >> 20} MiB"
                log.warning("%s: %s; the play goes on", self.path, self.warning)
            self._left_out += 1
            return
        self._append(kind, values, zlib.Z_SYNC_FLUSH)

    def event(self, what: str, **values: Any) -> None:
        """Append something that happened now."""
        self.write("event", t=self.at(time.perf_counter()), what=what, **values)

    def chunk(self, row: ChunkRow) -> None:
        """Append a chunk that is over."""
        actions = row.decision.chunk.actions
        self.write(
            "chunk",
            i=row.number,
            frame=self.at(row.decision.frame.time),
            frozen=None if row.frozen is None else self.at(row.frozen),
            seconds={name: round(value, DIGITS) for name, value in row.seconds.items()},
            actions=rounded(actions).tolist(),
            due=[self.at(moment) for moment in row.due],
            sent=[self.at(moment) for moment in row.sent],
            rows=row.rows,
            states=[state_row(state) for state in row.states],
            **{name: self.at(moment) for name, moment in row.moments.items()},
            **row.facts,
        )

    def close(self, **values: Any) -> None:
        """Write the last line and give the file its name.  Safe to call twice.

        Without effect on one that was given up: the ``.part`` file is what there is.
        """
        if self._left_out:
            values["left_out"] = self._left_out
        self._append("end", {"t": self.at(time.perf_counter()), **values}, zlib.Z_FINISH)
        if self._file is None:
            return
        try:
            self._file.close()
            self._part.replace(self.path)
        except OSError as error:
            self._give_up(error)
        self._file = None

    def _append(self, kind: str, values: Mapping[str, Any], flush: int) -> None:
        if self._file is None:
            return
        text = json.dumps({"type": kind, **values}, separators=(",", ":")) + "\n"
        try:
            self._bytes += self._file.write(text.encode(), flush)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Write no more, and say so."""
        if self._file is not None:
            with suppress(OSError):  # what could not be written before cannot be now
                self._file.close()
            self._file = None
        self.warning = f"cannot write the trace {self._part}: {error.strerror}"
        self._failed(RecordingError(self.warning, "make room there, or choose another --out"))


class _Packed:
    """A file that is compressed line by line; the quarter of a MiB that this takes ends with it."""

    def __init__(self, path: Path) -> None:
        self._packer = zlib.compressobj(wbits=GZIP)
        self._file = path.open("wb")
        _hold(self._file)

    def write(self, line: bytes, flush: int) -> int:
        """Hand a line to the operating system; how many bytes it took."""
        packed = self._packer.compress(line) + self._packer.flush(flush)
        self._file.write(packed)
        self._file.flush()
        return len(packed)

    def close(self) -> None:
        self._file.close()


def read_trace(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a trace: a complete one, one being written, or one that was cut off.

    Args:
        path: Of ``trace.jsonl.gz``, of its ``.part``, or of a ``trace.jsonl`` of versions that
            did not compress.

    Raises:
        OSError: It cannot be read.
        ReplayError: It is damaged; after the lines before.
    """
    count = 0
    left = b""
    for text in _unpacked(path):
        if isinstance(text, zlib.error):
            raise damaged_trace(path, count + 1, str(text)) from text
        *whole, left = (left + text).split(b"\n")  # what follows the last end was cut off
        for line in whole:
            count += 1
            yield _parsed(path, count, line)


def _unpacked(path: Path) -> Iterator[bytes | zlib.error]:
    """The text of a trace, piece by piece; an error where the rest cannot be unpacked."""
    with path.open("rb") as file:
        piece = file.read(PIECE)
        packed = piece.startswith(MAGIC)
        unpacker = zlib.decompressobj(wbits=GZIP)
        while piece:
            try:
                yield unpacker.decompress(piece) if packed else piece
            except zlib.error as error:
                yield error
                return
            if unpacker.unused_data:
                yield zlib.error("something follows its end")
                return
            piece = file.read(PIECE)


def _parsed(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise damaged_trace(path, number, str(error)) from error
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise damaged_trace(path, number, "it is no object with a type")
    return found


def damaged_trace(path: Path, number: int, why: str) -> ReplayError:
    """What is wrong with a line of a trace."""
    return ReplayError(
        f"cannot read the trace {path}: line {number}: {why}",
        "it was changed or copied badly: take it from where it was written",
    )


def rounded(actions: NDArray[Any]) -> NDArray[np.float64]:
    """Actions as they stand in a trace."""
    return np.round(actions.astype(float), 5)


def being_written(path: Path) -> bool:
    """Whether a ``.part`` file is of a session that goes on, in whatever process."""
    if sys.platform != "win32":  # there, what is open cannot be removed anyway
        import fcntl

        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False  # it is gone
    return False


def _hold(file: IO[bytes]) -> None:
    """Show other processes that the file is being written, for as long as it is open."""
    if sys.platform != "win32":
        import fcntl

        with suppress(OSError):  # some network drives have no locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def state_row(state: GamepadState) -> list[float]:
    """A pad state as a row of numbers (see the module's docstring)."""
    sticks = [*state.left, *state.right, state.left_trigger, state.right_trigger]
    return [*(round(value, 4) for value in sticks), int(state.buttons)]
