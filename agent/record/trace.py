"""``TraceWriter``: what a session did, as JSON lines.

The first line is ``{"type": "header", ...}`` (versions, game, policy, engine, pad,
settings), then one ``{"type": "chunk", ...}`` a chunk and ``{"type": "event", ...}``
in between, and last ``{"type": "end", "state", "reason", ...}``.  Times are seconds
since the header's ``started`` on the monotonic clock.  A chunk holds

    i          number of the chunk
    frame      when its frame was grabbed
    frozen     when the freeze began; null when nothing was frozen
    seconds    {"freeze", "grab", "preprocess", ...}, the engine's parts included
    actions    T x A raw channels, as the policy gave them
    due, sent  for each action played: when it was due, when it was sent
    states     for each: [left x, left y, right x, right y, left trigger,
               right trigger, buttons as a number (``controller.Button``)]

Paused mode plays the first actions of a chunk, one after the other.  In real-time mode
``frozen`` is null, and a chunk, which is written when its last action was played or
when it is clear that none will be, also says

    ready      when the chunk was there
    start      when its first action was for; the others follow ``1 / action_hz`` apart
    rows       which of its actions were played: numbers of rows of ``actions``
    dropped    how many of its first actions were for times past when it was ready
    fixed      how many of its first actions had to be those of the chunk before,
               and ``pulled`` how many after them were drawn towards it
    faded      how many actions were cross-faded with those of the chunk before, for
               engines that cannot fix any; ``states`` are then the mixture

Events of real-time mode: ``gap`` (``ticks`` in a row without an action, over now) and
``mode`` (the play goes on in another mode).

The file is written as ``NAME.part`` and renamed when complete (invariant 6).
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from nitropilot.agent.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nitropilot.agent.values import ChunkRow
    from nitropilot.controller.state import GamepadState

DIGITS = 6


class TraceWriter:
    """Writes one trace.  Used from one thread.

    Args:
        path: The finished file's path.
        header: What the first line says besides type and time.

    Raises:
        RecordingError: The file cannot be written.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self.origin = time.perf_counter()
        self._part = path.with_name(path.name + ".part")
        self._file: IO[str] | None = None
        try:
            self._file = self._part.open("w", encoding="utf-8")
        except OSError as error:
            raise self._failed(error) from error
        self.write("header", started=datetime.now(UTC).isoformat(), **header)

    def at(self, moment: float) -> float:
        """A ``time.perf_counter`` moment as seconds since the start of the trace."""
        return round(moment - self.origin, DIGITS)

    def write(self, kind: str, **values: Any) -> None:
        """Append one line and hand it to the operating system.

        Raises:
            RecordingError: The disk is full, or the file went away.
        """
        if self._file is None:
            return
        try:
            self._file.write(json.dumps({"type": kind, **values}, separators=(",", ":")) + "\n")
            self._file.flush()
        except OSError as error:
            raise self._failed(error) from error

    def event(self, what: str, **values: Any) -> None:
        """Append something that happened now."""
        self.write("event", t=self.at(time.perf_counter()), what=what, **values)

    def chunk(self, row: ChunkRow) -> None:
        """Append a chunk that is over.

        Raises:
            RecordingError: As ``write``.
        """
        actions = row.decision.chunk.actions
        self.write(
            "chunk",
            i=row.number,
            frame=self.at(row.decision.frame.time),
            frozen=None if row.frozen is None else self.at(row.frozen),
            seconds={name: round(value, DIGITS) for name, value in row.seconds.items()},
            actions=np.round(actions.astype(float), 5).tolist(),
            due=[self.at(moment) for moment in row.due],
            sent=[self.at(moment) for moment in row.sent],
            states=[state_row(state) for state in row.states],
            **{name: self.at(moment) for name, moment in row.moments.items()},
            **row.facts,
        )

    def close(self, **values: Any) -> None:
        """Write the last line and give the file its name.  Safe to call twice.

        Raises:
            RecordingError: The trace is not complete; the ``.part`` file is what there is.
        """
        if self._file is None:
            return
        self.write("end", t=self.at(time.perf_counter()), **values)
        try:
            self._file.close()
            self._part.replace(self.path)
        except OSError as error:
            raise self._failed(error) from error
        self._file = None

    def _failed(self, error: OSError) -> RecordingError:
        """Give the file up; the error that says so."""
        if self._file is not None:
            with suppress(OSError):  # what could not be written before cannot be now
                self._file.close()
            self._file = None
        return RecordingError(
            f"cannot write the trace {self._part}: {error.strerror}",
            "make room there, or choose another --out",
        )


def state_row(state: GamepadState) -> list[float]:
    """A pad state as a row of numbers (see the module's docstring)."""
    sticks = [*state.left, *state.right, state.left_trigger, state.right_trigger]
    return [*(round(value, 4) for value in sticks), int(state.buttons)]
