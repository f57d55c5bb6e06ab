"""``Freshness``: for how many ticks an action was there in time, in real-time mode."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent.play.loop import Parts

SILENT_S = 1.0
"""How long nothing was there to play until that is said."""
STARVED_S = 5.0
STARVED_SHARE = 0.8
"""Below this share of fresh ticks over ``STARVED_S`` paused mode plays better."""
SILENT = (
    f"nothing to play for {SILENT_S:g} s: the policy hangs or is too slow for real time; "
    "paused mode waits for it"
)


class Freshness:
    """Counts ticks.

    Args:
        parts: Whose figures are kept, and whose trace tells of gaps.
        hz: Ticks a second.
        wait_for: Says why nothing is played.
    """

    def __init__(self, parts: Parts, hz: float, wait_for: Callable[[str], None]) -> None:
        self._stats, self._trace = parts.stats, parts.trace
        self._wait_for = wait_for
        self._long = max(SILENT_S * hz, 2)  # the first tick is always too soon
        self._recent: deque[bool] = deque(maxlen=max(round(STARVED_S * hz), 1))
        self._gap = 0

    @property
    def share(self) -> float:
        """Of the last ticks those with an action."""
        return sum(self._recent) / len(self._recent)

    @property
    def poor(self) -> bool:
        """Whether ``STARVED_S`` were counted and too few of their ticks had an action."""
        return len(self._recent) == self._recent.maxlen and self.share < STARVED_SHARE

    def begin(self) -> None:
        """A new stretch of play."""
        self._recent.clear()
        self.end_gap()

    def count(self, ticks: int, fresh: bool) -> None:
        """Note what became of the last ticks with something to see."""
        self._stats.ticks += ticks
        self._stats.fresh += ticks * fresh
        self._recent.extend([fresh] * min(ticks, self._recent.maxlen or ticks))
        if fresh:
            self.end_gap()
            return
        if self._gap < self._long <= self._gap + ticks:
            self._wait_for(SILENT)
        self._gap += ticks

    def end_gap(self) -> None:
        """There is an action again, or nothing to see: the trace tells how many had none."""
        if self._gap:
            self._trace.event("gap", ticks=self._gap)
        self._gap = 0
