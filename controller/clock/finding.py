"""The clock page of a game that is running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.controller.clock.layout import CLOCK_VARIABLE
from nitropilot.controller.pads.page_file import named_in

if TYPE_CHECKING:
    from pathlib import Path


def find_clock(pid: int) -> Path | None:
    """The page of a running game's clock, if NitroPilot launched it and its page is still there.

    Args:
        pid: The game's process.
    """
    return named_in(pid, CLOCK_VARIABLE)
