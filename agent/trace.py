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

The file is written as ``NAME.part`` and renamed when complete (invariant 6).
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from agent.errors import RecordingError
from nitropilot import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.game import Game
    from agent.loop import PlaySettings
    from controller.state import GamepadState
    from engines.base import Engine

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


def header(session: str, settings: PlaySettings, game: Game, engine: Engine) -> dict[str, object]:
    """What the first line says of a session."""
    return {
        "nitropilot": __version__,
        "session": session,
        "game": {"window": game.window.handle, "pid": game.window.pid,
                 "executable": game.window.executable, "title": game.window.title},
        "policy": {"name": engine.spec.name, "fingerprint": engine.spec.fingerprint,
                   "random": engine.spec.is_random},
        "engine": {"name": engine.info.name, "device": engine.info.device,
                   "precision": engine.info.precision},
        "pad": game.controls.pad.name,
        "mode": "paused",
        "action_hz": settings.action_hz,
        "actions_per_chunk": settings.actions_per_chunk or engine.spec.horizon,
        "seed": settings.seed,
    }  # fmt: skip
