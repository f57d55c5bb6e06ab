"""Compute a session's chunks again, from what its policy was shown, and compare.

What is compared are the actions that were kept with every bit beside the picture
(``agent.record.kept``); those of the trace have five digits, and must be the same to that many.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.agent.errors import ReplayError
from nitropilot.agent.record.decisions import FOLDER, joined, kept_decisions
from nitropilot.agent.record.trace import being_written, damaged_trace, read_trace, rounded
from nitropilot.policy.actions import decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.agent.record.kept import Kept
    from nitropilot.engines.base import Array, Engine

NAMES = ("trace.jsonl.gz", "trace.jsonl.gz.part", "trace.jsonl", "trace.jsonl.part")
WORDS = ("policy.name", "policy.fingerprint", "engine.name", "engine.device", "engine.precision")
"""Texts that a header must have."""


@dataclass(frozen=True)
class Session:
    """What a trace says of a session.

    Attributes:
        path: The trace.
        header: Its first line.
        actions: The policy's actions of each chunk, by its number: ``T x A``, to five digits.
        end: Its last line; None where it has none.
        goes_on: Somebody is still writing it.
        lines: How many it has.
    """

    path: Path
    header: dict[str, Any]
    actions: dict[int, NDArray[np.float64]]
    end: dict[str, Any] | None = None
    goes_on: bool = False
    lines: int = 0

    @property
    def folder(self) -> Path:
        """With the trace and what was kept beside it."""
        return self.path.parent

    @property
    def trace(self) -> str:
        """Whether the trace is all there."""
        if self.end is None:
            return "still being written" if self.goes_on else f"cut off after line {self.lines}"
        left_out = self.end.get("left_out")
        return f"full: {left_out} lines were left out" if left_out else "complete"


@dataclass(frozen=True)
class Replayed:
    """A chunk that was computed again.

    Attributes:
        number: The chunk's.
        error: Largest difference between the actions, relative to the largest of them: 0 where
            every bit is the same.
        buttons: Of all decisions on buttons, the share that is the same.
        actions: As they come out now, ``T x A``.
    """

    number: int
    error: float
    buttons: float
    actions: Array


@dataclass
class _Found:
    """What was found of a session while it was replayed."""

    numbers: set[int] = field(default_factory=set)
    troubles: list[ReplayError] = field(default_factory=list)


def read_session(path: Path) -> Session:
    """Read a trace: the file, complete or cut off, or the folder that it lies in.

    Raises:
        ReplayError: There is none, or it is damaged, or people alone played.
    """
    found = path
    try:
        if path.is_dir():
            found = next(
                (path / name for name in NAMES if (path / name).is_file()), path / NAMES[0]
            )
        goes_on = found.suffix == ".part" and being_written(found)
        lines = list(read_trace(found))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ReplayError(
            f"cannot read the trace {found}: {reason}", "name a session's folder, or its trace"
        ) from error
    if not lines or lines[0]["type"] != "header":
        raise ReplayError(
            f"{found} is no trace of a session: it does not begin with a header",
            "name a session's folder, or its trace",
        )
    header = _checked_header(found, lines[0])
    actions = {}
    for number, line in enumerate(lines, 1):
        if line["type"] == "chunk":
            chunk = line.get("i")
            if type(chunk) is not int or chunk < 0:
                raise damaged_trace(found, number, "it says no number of a chunk")
            actions[chunk] = _checked_actions(found, number, line)
    end = lines[-1] if lines[-1]["type"] == "end" else None
    return Session(found, header, actions, end, goes_on and end is None, len(lines))


def replay(session: Session, engine: Engine, only: int | None = None) -> Iterator[Replayed]:
    """Compute the kept chunks again, in order.

    Args:
        session: Which.
        engine: On what.
        only: The one chunk that is wanted; None for all.

    Raises:
        ReplayError: The policy is another one, or no frame is there any more; and, in one line
            after all that can be replayed, what is damaged, cut off or missing.
    """
    _refuse_another(session, engine)
    found = _Found()
    for kept in _kept(session, found):
        if only not in (None, kept.number):
            continue
        _compare_with_trace(session, kept)
        yield _again(session, engine, kept)
        if only is not None:
            return
    if not found.numbers:
        found.troubles.insert(0, _nothing_kept(session))
    elif only is None:
        found.troubles += _missing(session, found)
    if session.end is None and not session.goes_on:
        found.troubles.append(
            ReplayError(
                f"the trace {session.path} has no end after line {session.lines}: the play was "
                "killed or had no room, or it was cut off",
                "copy it again if it was copied; what was there was read",
            )
        )
    if found.troubles:
        raise joined(found.troubles)


def _refuse_another(session: Session, engine: Engine) -> None:
    was, now = session.header["policy"], engine.spec
    if was["fingerprint"] != now.fingerprint:
        raise ReplayError(
            f"the trace is of policy {was['name']} ({was['fingerprint'][:12]}), and this one is "
            f"{now.name} ({now.fingerprint[:12]})",
            "name the policy that played with --policy",
        )


def _kept(session: Session, found: _Found) -> Iterator[Kept]:
    """What is kept; notes what that is, and what is wrong with it."""
    try:
        for kept in kept_decisions(session.folder, goes_on=session.goes_on):
            found.numbers.add(kept.number)
            yield kept
    except ReplayError as error:
        found.troubles.append(error)


def _nothing_kept(session: Session) -> ReplayError:
    said = (session.end or {}).get("decisions_warning")
    return ReplayError(
        f"no frames are kept in {session.folder / FOLDER}" + (f": {said}" if said else ""),
        "" if said else
        "they are for traces.frames_minutes, or all of them with play --trace-frames",
    )  # fmt: skip


def _missing(session: Session, found: _Found) -> Iterator[ReplayError]:
    """What should be kept and is not; of the oldest, all may have made room."""
    if session.end is None:
        return
    if said := session.end.get("decisions_warning"):
        yield ReplayError(str(said))
    first = min(found.numbers)
    gone = sum(number > first and number not in found.numbers for number in session.actions)
    known = session.end.get("decisions_left_out")
    more = gone - (known if type(known) is int else 0)
    if more > 0 and not found.troubles:
        yield ReplayError(
            f"in {session.folder / FOLDER} {more} decisions are missing",
            "copy the session's folder again if it was copied; what was there was read",
        )


def _compare_with_trace(session: Session, kept: Kept) -> None:
    """The trace and what is kept must say the same."""
    said = session.actions.get(kept.number)
    if said is not None and not np.array_equal(said, rounded(kept.actions)):
        raise ReplayError(
            f"chunk {kept.number} of {session.path} and what is kept in "
            f"{session.folder / FOLDER} differ: they are of two plays, or one was changed",
            "copy the session's folder again, as it was written",
        )


def _again(session: Session, engine: Engine, kept: Kept) -> Replayed:
    header, before = session.header, kept.actions
    request = replace(
        kept.request, game=header.get("game_condition"), cfg_scale=header.get("cfg_scale", 1.0)
    )
    actions = engine.infer_batch([request])[0].actions
    old_layout = engine.spec.old_layout
    pressed = [decode(a, old_layout=old_layout).buttons for a in (before, actions)]
    return Replayed(
        kept.number,
        float(np.abs(actions - before).max() / max(float(np.abs(before).max()), 1e-6)),
        float((pressed[0] == pressed[1]).mean()),
        actions,
    )


def _checked_header(path: Path, header: dict[str, Any]) -> dict[str, Any]:
    """A header that has what a replay needs."""
    for word in WORDS:
        part, name = word.split(".")
        value = header.get(part)
        if not isinstance(value, dict) or not isinstance(value.get(name), str):
            raise damaged_trace(path, 1, f"it says no {part}, or not its {name}")
    game, scale = header.get("game_condition"), header.get("cfg_scale", 1.0)
    if not isinstance(game, str | None):
        raise damaged_trace(path, 1, "its game_condition is no name")
    if type(scale) not in (int, float) or not np.isfinite(scale):
        raise damaged_trace(path, 1, "its cfg_scale is no number")
    if not header["policy"]["fingerprint"]:
        raise ReplayError(f"in {path} nobody played but people: no policy has decided anything")
    return header


def _checked_actions(path: Path, number: int, line: dict[str, Any]) -> NDArray[np.float64]:
    """Those of a chunk's line."""
    rows = line.get("actions")
    try:
        found = np.array(rows)
    except ValueError:  # rows of two lengths
        found = np.array(())
    if found.dtype.kind not in "fi" or found.ndim != 2 or not np.isfinite(found).all():
        raise damaged_trace(path, number, "its actions are no rows of as many numbers")
    return found.astype(np.float64)
