"""Recordings of NitroPilot's own as takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.records.pairs import require_times
from nitropilot.records.reader import read_recording
from nitropilot.training.formats.take import Take

if TYPE_CHECKING:
    from pathlib import Path


def read_own(folder: Path) -> Take:
    """Read one recording.

    Raises:
        RecordsError: It cannot be read, or its frames have no times.
    """
    recorded = read_recording(folder)
    facts = recorded.facts
    require_times(recorded.rows, str(folder))
    return Take(
        folder, str(facts["id"]), str(facts["game"]), float(facts["fps"]), recorded.video,
        recorded.rows,
    )  # fmt: skip
