"""``Pacer``: ticks at a fixed rate, sleeping most of the wait and spinning the rest.

A sleep wakes up late by what the scheduler likes (0.1 to 1 ms on an idle Linux
machine), so the last ``SPIN_S`` before a tick are waited out busily.  Ticks are
absolute times: a late one does not shift those after it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SPIN_S = 0.001


class Pacer:
    """Yields ticks ``1 / hz`` apart.

    Args:
        hz: Ticks per second.
    """

    def __init__(self, hz: float) -> None:
        self.period = 1.0 / hz

    def ticks(self, count: int) -> Iterator[tuple[int, float]]:
        """``(index, due)`` for each of ``count`` ticks, yielded when it is due.

        ``due`` is in seconds of ``time.perf_counter``.  The first tick is due at
        once; after the last one the iterator waits until its period is over.
        """
        start = time.perf_counter()
        for index in range(count):
            due = start + index * self.period
            wait_until(due)
            yield index, due
        wait_until(start + count * self.period)


def wait_until(due: float) -> None:
    """Return as close after ``due`` (seconds of ``time.perf_counter``) as possible."""
    remaining = due - time.perf_counter()
    if remaining > SPIN_S:
        time.sleep(remaining - SPIN_S)
    while time.perf_counter() < due:
        pass
