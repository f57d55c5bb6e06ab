"""The traces of ended sessions take no more than so much of the disk: the oldest go first."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from nitropilot.agent.record.decisions import FOLDER as DECISIONS
from nitropilot.agent.record.decisions import remove_decisions
from nitropilot.agent.record.limits import size_of
from nitropilot.agent.record.trace import being_written

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger("nitropilot.traces")

NAMES = "*/trace.jsonl*"
"""In the folder of all sessions: complete ones, cut-off ones, and those of older versions."""


def prune_traces(sessions: Path, most: float) -> None:
    """Remove the oldest traces, until all of them together take at most ``most`` bytes.

    With a trace go the frames that were kept beside it.  None is removed of a session that goes
    on, in whatever process; and nothing else: recordings, videos and what games wrote stay.

    Args:
        sessions: The folder with one folder a session.
        most: Bytes.
    """
    found = []
    for path in sessions.glob(NAMES):
        with suppress(OSError):
            status = path.lstat()
            size = status.st_size + size_of(path.parent / DECISIONS)
            found.append((status.st_mtime, size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= most:
            return
        if path.suffix == ".part" and being_written(path):
            continue
        with suppress(OSError):  # somebody else removes it, or uses it: the next one then
            path.unlink()
            remove_decisions(path.parent)
            total -= size
            log.info("%s was removed: older traces make room for new ones", path)
            path.parent.rmdir()  # only if nothing else is left of that session
