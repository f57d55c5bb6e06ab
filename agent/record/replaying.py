"""Compute a session's chunks again, from what its policy was shown, and compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.agent.errors import ReplayError
from nitropilot.agent.record.decisions import FOLDER, kept_decisions
from nitropilot.agent.record.trace import read_trace
from nitropilot.policy.actions import decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.engines.base import Array, Engine, Request


@dataclass(frozen=True)
class Session:
    """What a trace says of a session.

    Attributes:
        folder: With the trace and what was kept beside it.
        header: The trace's first line.
        actions: The policy's actions of each chunk, by its number: ``T x A``.
    """

    folder: Path
    header: dict[str, Any]
    actions: dict[int, Array]


@dataclass(frozen=True)
class Replayed:
    """A chunk that was computed again.

    Attributes:
        number: The chunk's.
        error: Largest difference between the actions, relative to the largest of them.
        buttons: Of all decisions on buttons, the share that is the same.
        actions: As they come out now, ``T x A``.
    """

    number: int
    error: float
    buttons: float
    actions: Array


def read_session(path: Path) -> Session:
    """Read a trace: the file, complete or cut off, or the folder that it lies in.

    Raises:
        ReplayError: There is none, or it is damaged, or of a version that kept no frames.
    """
    found = path
    if path.is_dir():
        names = ("trace.jsonl.gz", "trace.jsonl.gz.part")
        found = next((path / name for name in names if (path / name).is_file()), path / names[0])
    try:
        lines = list(read_trace(found))
    except (OSError, ValueError) as error:
        raise ReplayError(f"cannot read the trace {found}: {error}") from error
    if not lines or lines[0].get("type") != "header":
        raise ReplayError(f"{found} is no trace of a session")
    actions = {
        line["i"]: np.array(line["actions"], np.float32)
        for line in lines if line["type"] == "chunk"
    }  # fmt: skip
    return Session(found.parent, lines[0], actions)


def replay(session: Session, engine: Engine) -> Iterator[Replayed]:
    """Compute the kept chunks again, in order.

    Raises:
        ReplayError: The policy is another one, or no frame is there any more.
    """
    was, now = session.header["policy"], engine.spec
    if was["fingerprint"] != now.fingerprint:
        raise ReplayError(
            f"the trace is of policy {was['name']} ({was['fingerprint'][:12]}), and this one is "
            f"{now.name} ({now.fingerprint[:12]})",
            "name the policy that played with --policy",
        )
    count = 0
    for number, request in kept_decisions(session.folder):
        if number in session.actions:
            count += 1
            yield _again(session, engine, number, request)
    if not count:
        raise ReplayError(
            f"no frames are kept in {session.folder / FOLDER}",
            "they are for traces.frames_minutes, or all of them with play --trace-frames",
        )


def _again(session: Session, engine: Engine, number: int, request: Request) -> Replayed:
    header, before = session.header, session.actions[number]
    asked = replace(
        request, game=header.get("game_condition"), cfg_scale=header.get("cfg_scale", 1.0)
    )
    actions = engine.infer_batch([asked])[0].actions
    old_layout = engine.spec.old_layout
    pressed = [decode(a, old_layout=old_layout).buttons for a in (before, actions)]
    return Replayed(
        number,
        float(np.abs(actions - before).max() / max(float(np.abs(before).max()), 1e-6)),
        float((pressed[0] == pressed[1]).mean()),
        actions,
    )
