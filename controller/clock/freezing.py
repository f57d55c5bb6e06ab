"""``ClockFreezer``: freezes a launched game so that its clocks do not count how long it stood."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from nitropilot.controller.errors import ClockFailed

if TYPE_CHECKING:
    from nitropilot.controller.clock.clock_page import ClockPage


class FreezeWay(StrEnum):
    """How a game is held still; which one works is a fact of the game."""

    BOTH = "clock and process"
    """Its processes are stopped, and its clocks with them: continuous time, and no cost."""
    CLOCK = "clock"
    """Its clocks stand, and it goes on drawing the same moment."""
    PROCESS = "process"
    """Its processes are stopped, and its clocks jump afterwards."""


class Stops(Protocol):
    """What stops the game's processes, as ``controller.pausing.pauser.Pauser`` does."""

    def freeze(self) -> None:
        """Stop them; on an error they run."""

    def thaw(self) -> None:
        """Let them run."""


class ClockFreezer:
    """Freezes and thaws one game, in one way.

    Args:
        way: Which.
        processes: Stops them; None where the way needs none.
        page: The game's clock; None where the way needs none.

    Raises:
        ClockFailed: The way needs what is not given.
    """

    def __init__(self, way: FreezeWay, processes: Stops | None, page: ClockPage | None) -> None:
        self._processes = processes if way is not FreezeWay.CLOCK else None
        self._page = page if way is not FreezeWay.PROCESS else None
        self._scale = 1.0
        missing = [
            what
            for what, given, not_needed_by in (
                ("its processes", self._processes, FreezeWay.CLOCK),
                ("a clock of ours", self._page, FreezeWay.PROCESS),
            )
            if given is None and way is not not_needed_by
        ]
        if missing:
            raise ClockFailed(
                f"a game without {missing[0]} cannot be frozen by {way}", "choose another way"
            )

    def freeze(self) -> None:
        """Hold the game still.

        Raises:
            ControllerError: Its processes could not be stopped; it runs on, and so do its clocks.
        """
        at = time.monotonic_ns()
        if self._processes is not None:
            self._processes.freeze()
        if self._page is not None:
            self._page.freeze(at)

    def thaw(self) -> None:
        """Let it run, from the moment at which it was frozen.

        Raises:
            ControllerError: Its processes still stand; its clocks run all the same.
        """
        if self._page is not None:
            self._page.run(self._scale)
        if self._processes is not None:
            self._processes.thaw()

    def set_scale(self, scale: float) -> None:
        """How fast its time runs from the next ``thaw`` on."""
        self._scale = scale
