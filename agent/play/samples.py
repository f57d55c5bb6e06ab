"""``Samples``: percentiles of as many numbers as a long session brings, in little room and time.

Each number is counted in a bucket that is half a percent wide, as histograms of latencies
usually are; so a percentile is at most that far from the exact one.  To sort hours of samples
whenever somebody asks how it goes would hold up the play.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

WIDTH = math.log(1.005)
SMALLEST = 1e-6
"""Below this, a microsecond, all are alike."""


class Samples:
    """Counts numbers.  One thread may add while others ask."""

    def __init__(self) -> None:
        self._buckets: dict[int, tuple[int, float]] = {}

    def append(self, value: float) -> None:
        """Add a number."""
        place = int(math.log(value / SMALLEST) / WIDTH) if value > SMALLEST else -1
        count, _ = self._buckets.get(place, (0, 0.0))
        self._buckets[place] = (count + 1, value)

    def extend(self, values: Iterable[float]) -> None:
        """Add several."""
        for value in values:
            self.append(value)

    def percentile(self, rank: float) -> float | None:
        """The smallest number that ``rank`` percent do not exceed, or one of its bucket.

        None without any.
        """
        buckets = sorted(self._buckets.copy().items())
        wanted = -(-sum(count for _, (count, _) in buckets) * rank // 100)
        for _, (count, value) in buckets:
            wanted -= count
            if wanted <= 0:
                return value
        return None
