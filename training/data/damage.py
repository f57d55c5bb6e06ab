"""What is done about a recording that cannot be read: a function that the caller passes in."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.records.errors import RecordsError

    OnDamage = Callable[[Path, RecordsError], None]
    """Is told the recording and what is wrong with it; raises, or it is left out."""

log = logging.getLogger("nitropilot.training")


def stop(_folder: Path, error: RecordsError) -> None:
    """Nothing is trained before it is mended or taken away."""
    raise error


class Skipped:
    """Recordings that are left out: counted, and named.

    Attributes:
        folders: Which, with what is wrong, in one line each.
    """

    def __init__(self) -> None:
        self.folders: dict[str, str] = {}

    def __call__(self, folder: Path, error: RecordsError) -> None:
        """Leave one out, and say so."""
        self.folders[str(folder)] = error.line()
        log.warning("left out %s: %s", folder, error.line())
