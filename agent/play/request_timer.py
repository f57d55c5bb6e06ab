"""``RequestTimer``: when the next inference has to be requested, in real-time mode.

It is planned backwards.  The next chunk should take over at some tick; its inference
begins just so early that it is ready for that tick even if it takes as long as the slower
ones of the last inferences.  Later would be too late, and earlier would only make the
picture behind the action older.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from nitropilot.agent.play.stats import percentile

if TYPE_CHECKING:
    from nitropilot.records.timeline import TickGrid

PREPARE_S = 0.002
"""How long before a tick its action is settled: time to read it without hurry."""
DELAYS = 32
"""Inferences that the next one's time is estimated from."""
DELAY_RANK = 95.0
"""The percentile of them that counts."""


class RequestTimer:
    """When to request the next inference, and for which tick.

    Args:
        period: Ticks from one takeover to the next, as far as the policy can follow.
        ahead: Ticks that pass between a frame's and its first action's in any case.

    Attributes:
        at: When to request it, in seconds of ``time.perf_counter``; infinity for not at all.
        target: The tick at which the chunk of that request is to take over.
        delay: Seconds from a frame to its chunk, as far as is known; on the slow side.
    """

    def __init__(self, period: int, ahead: int = 0) -> None:
        self.period = period
        self._ahead = ahead
        self.at = math.inf
        self.target = 0
        self.delay = 0.0
        self._delays: deque[float] = deque(maxlen=DELAYS)

    def learn(self, seconds: float) -> None:
        """Note how long a frame took to become a chunk."""
        self._delays.append(seconds)
        self.delay = percentile(list(self._delays), DELAY_RANK) or 0.0

    def begin(self, now: float) -> None:
        """Request at once: a new stretch of play."""
        self.at, self.target = now, 0

    def again(self, moment: float) -> None:
        """Request again at ``moment``: there was nothing to see."""
        self.at = moment

    def follow(self, now: float, grid: TickGrid, end: int | None) -> None:
        """Plan the request after the one whose chunk has just come.

        Args:
            now: The time.
            grid: Times of the ticks.
            end: The first tick that nothing is planned for; None when that is the next.
        """
        lead = max(self.delay, self._ahead * grid.period) + PREPARE_S
        wanted = self.target + self.period
        if end is not None:
            wanted = min(wanted, end)  # no hole between this chunk and the next
        self.target = max(wanted, grid.after(now + lead))
        self.at = max(grid.due(self.target) - lead, now)

    def requested(self, now: float, grid: TickGrid) -> int:
        """The request is made now; the tick at which its chunk can be expected to take over."""
        self.at = math.inf
        self.target = max(self.target, grid.after(now + self.delay))
        return self.target
