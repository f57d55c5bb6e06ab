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


LEASE_MORE_S = 0.5
"""So much later than the freeze itself a clock's lease ends: who thaws in time is not late."""


class Stops(Protocol):
    """What stops the game's processes, as ``controller.pausing.pauser.Pauser`` does."""

    @property
    def frozen(self) -> bool:
        """Whether they stand."""

    def continued_by_others(self) -> bool:
        """Whether they run although they were stopped here."""

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
        lease: Seconds that the clock stands without ``renew``; None for as long as it is.

    Raises:
        ClockFailed: The way needs what is not given.
    """

    def __init__(
        self,
        way: FreezeWay,
        processes: Stops | None,
        page: ClockPage | None,
        lease: float | None = None,
    ) -> None:
        self.way = way
        self._lease = lease
        self._stands = False
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

    @property
    def frozen(self) -> bool:
        """Whether the game is held still."""
        return self._stands if self._processes is None else self._processes.frozen

    @property
    def stands(self) -> bool:
        """Whether it stands, its clock as well, and nobody else has let it run."""
        return self._stands and self.frozen

    def virtual_time(self) -> float:
        """Seconds of the game's time that are over.

        Raises:
            ClockFailed: There is no clock of ours.
        """
        if self._page is None:
            raise ClockFailed(
                "a game without a clock of ours has no virtual time", "freeze it only"
            )
        return self._page.virtual_time()

    def renew(self) -> None:
        """The clock stands for another lease from now; from any thread."""
        if self._page is not None and self._lease is not None and self._stands:
            self._page.lease(self._lease + LEASE_MORE_S)

    def look(self) -> bool:
        """Let the clocks of a game run whose processes somebody else continued.

        Whoever does that wants it to go on, mostly to its end: a game that waits for a moment
        that never comes would not even hear that it is told to quit.

        Returns:
            Whether that has happened just now.
        """
        if not self._stands or self._processes is None or self._page is None:
            return False
        if not self._processes.continued_by_others():
            return False
        self._run_clock()
        return True

    def freeze(self) -> None:
        """Hold the game still; does nothing while it is.

        Raises:
            ControllerError: Its processes could not be stopped; it runs on, and so do its clocks.
        """
        if self.frozen:
            return
        at = time.monotonic_ns()
        if self._processes is not None:
            self._processes.freeze()
        self._stands = True
        if self._page is not None:
            self.renew()
            self._page.freeze(at)

    def thaw(self) -> None:
        """Let it run, from the moment at which it was frozen.

        Raises:
            ControllerError: Its processes still stand; its clocks run all the same.
        """
        self._run_clock()
        if self._processes is not None:
            self._processes.thaw()

    def _run_clock(self) -> None:
        if self._page is not None and self._stands:
            self._page.run(self._scale)
            self._page.lease(None)
        self._stands = False

    def set_scale(self, scale: float) -> None:
        """How fast its time runs from the next ``thaw`` on."""
        self._scale = scale
