"""``Limits``: how much room recordings may take."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from nitropilot.agent.errors import RecordingFull

GIB = 1024**3


@dataclass(frozen=True)
class Limits:
    """How much room recordings may take.

    Attributes:
        keep_free: Bytes of the disk to leave free.
        max_total: Bytes that all recordings together may have; None for any number.
    """

    keep_free: int = 2 * GIB
    max_total: int | None = None

    def check(self, root: Path, total: int) -> None:
        """Raise when there is no room for more.

        Args:
            root: The folder of all recordings.
            total: Bytes that they have now.

        Raises:
            RecordingFull: One of the two limits is reached.
        """
        free = shutil.disk_usage(root).free
        if free < self.keep_free:
            raise RecordingFull(
                f"the disk of {root} has {_gib(free)} free, and {_gib(self.keep_free)} are kept "
                "free",
                "delete recordings, or lower recording.keep_free_gb",
            )
        if self.max_total is not None and total >= self.max_total:
            raise RecordingFull(
                f"the recordings in {root} take {_gib(total)} of at most {_gib(self.max_total)}",
                "delete recordings, or raise recording.max_total_gb",
            )


def size_of(folder: Path) -> int:
    """Bytes of the files under a folder."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(place) / name).lstat().st_size
            except OSError:  # gone meanwhile
                continue
    return total


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
