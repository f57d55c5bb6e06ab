"""Lines of ``episodes.jsonl``: each seals itself and the one before.

A line ends in ``,"previous":"…","digest":"…"}``.  ``digest`` is the SHA-256 of all bytes of the
line before ``,"digest"``, so whoever reads it needs no rule of how JSON is to be spelled.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.benchmark.results.episode import Record, fields_of

if TYPE_CHECKING:
    from nitropilot.simulator.benchmark.results.episode import Attached, Outcome
    from nitropilot.simulator.benchmark.results.run import Run

SEALED = re.compile(rb'(\{.*),"digest":"([0-9a-f]{64})"\}', re.DOTALL)
MOST_LINE = 4 * 2**20
"""Bytes of a line; what is longer is none of ours."""


def sha256(data: bytes) -> str:
    """The digest of some bytes, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def line_of(
    outcome: Outcome, run: Run, number: int, previous: str, trace: Attached | None
) -> bytes:
    """The line of an outcome, with its line feed.

    Args:
        outcome: One that ``run`` asked for.
        run: Whose versions it gets.
        number: Of the line, from 0.
        previous: Digest of the line before.
        trace: Its pad trace.
    """
    task = run.task(outcome.suite, outcome.game, outcome.task)
    policy = run.policy(outcome.policy)
    assert task is not None and policy is not None
    record: dict[str, Any] = {
        "number": number,
        **fields_of(outcome),
        "void": outcome.end.void,
        "game_version": task.game_version,
        "judge_version": task.judge_version,
        "policy_digest": policy.digest,
        "trace": None if trace is None else trace.model_dump(mode="json"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "previous": previous,
    }
    body = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    open_end = body.encode().removesuffix(b"}")
    return open_end + f',"digest":"{sha256(open_end)}"}}\n'.encode()


def record_of(line: bytes) -> Record:
    """Read a line.

    Raises:
        ValueError: It is no line of ours, or was changed.
    """
    sealed = SEALED.fullmatch(line)
    if sealed is None:
        raise ValueError("it is no record, or was cut off")
    if sha256(sealed[1]) != sealed[2].decode():
        raise ValueError("its digest is another: it was changed")
    return Record.of_json(line)
