"""The judge of the soak: does something grow, or is it the allocator's mood?

Memory is judged by its slope.  While libraries are loaded, pools filled and heaps find their
size it rises in any case, so the first rounds do not count: rounds, not minutes, because it
is use that fills them.  After that the slope is Theil's and
Sen's (the median of the slopes of all pairs), which single outliers do not move; and one
step is forgiven, because heaps grow by arenas: where a line with a step in it fits much
better, the slope is that of its two parts.  Two steps in a few minutes are a leak, as far as
anybody can tell.

Descriptors and threads are whole numbers with a level of rest, and any rise of it counts, but
for the one thread that a pool has more when for once two requests come at the same time.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUR_S = 3600.0
WARM_UP_ROUNDS = 20
"""So many do not count; without a leak memory is level after 13 to 18, and the daemon's list of
sessions that have ended is full after 20."""
FEWEST_ROUNDS = 2 * WARM_UP_ROUNDS
"""Fewer are no soak."""
MOST_MIB_PER_HOUR = 60.0
"""Steeper is a leak.  Noise of 1 MiB a look is some 20 in four minutes' slope."""
FEWEST_IN_PART = 3
"""Looks on either side of a forgiven step."""
WORTH_A_STEP = 0.85
"""A step is one if with it the looks are off the line by less than this part of before: any
step fits noise a little better, and costs half of the certainty."""
POOL_GROWTH = 1
"""Threads."""
MOST_LATER_MS = 1.0
"""By so much actions may be later at the end without growing late: the machine's moods."""


@dataclass(frozen=True)
class Look:
    """What was counted after one round.

    Attributes:
        seconds: When.
        memory_mib: Resident memory of the daemon.
        descriptors: Open ones.
        threads: Running ones.
        late_p99_ms: How late the long session's actions were.
    """

    seconds: float
    memory_mib: float
    descriptors: int
    threads: int
    late_p99_ms: float


def verdict(looks: Sequence[Look]) -> dict[str, float]:
    """What grows, with by how much: MiB an hour, descriptors, threads, milliseconds.

    Raises:
        ValueError: There are too few looks to judge by.
    """
    if len(looks) < FEWEST_ROUNDS:
        raise ValueError(f"{len(looks)} looks are too few to judge by")
    slope = memory_slope(looks)
    found = {
        "memory_mib_per_hour": slope if slope > MOST_MIB_PER_HOUR else 0.0,
        "descriptors": risen([look.descriptors for look in looks]),
        "threads": max(risen([look.threads for look in looks]) - POOL_GROWTH, 0),
        "late_p99_ms": later([look.late_p99_ms for look in looks]),
    }
    return {name: value for name, value in found.items() if value > 0}


def memory_slope(looks: Sequence[Look]) -> float:
    """MiB an hour after the warm-up."""
    warm = looks[WARM_UP_ROUNDS:]
    return slope_per_hour([look.seconds for look in warm], [look.memory_mib for look in warm])


def slope_per_hour(seconds: Sequence[float], values: Sequence[float]) -> float:
    """The rise of ``values``, one step forgiven."""
    times, heights = np.array(seconds, np.float64), np.array(values, np.float64)
    first, second = np.triu_indices(len(times), 1)
    slopes = (heights[second] - heights[first]) / (times[second] - times[first])

    def fit(step: int) -> tuple[float, float]:
        """How badly a line fits that may step there, and its slope."""
        slope = float(np.median(slopes[(second < step) | (first >= step)]))
        rest = heights - slope * times
        parts = [part for part in (rest[:step], rest[step:]) if len(part)]
        return float(sum(np.abs(part - np.median(part)).sum() for part in parts)), slope

    badness, slope = fit(len(times))
    steps = range(FEWEST_IN_PART, len(times) - FEWEST_IN_PART + 1)
    with_step, slope_beside = min(map(fit, steps), default=(badness, slope))
    return (slope_beside if with_step < WORTH_A_STEP * badness else slope) * HOUR_S


def risen(counts: Sequence[int]) -> float:
    """How much higher the level of rest is in the last third than in the middle one."""
    third = max(len(counts) // 3, 1)
    middle, last = counts[-2 * third : -third], counts[-third:]
    return max(statistics.median_low(last) - statistics.median_low(middle), 0)


def later(values: Sequence[float]) -> float:
    """How much more the last third has than the middle one; 0 unless all of it has more."""
    third = max(len(values) // 3, 1)
    middle, last = values[-2 * third : -third], values[-third:]
    more = statistics.median(last) - statistics.median(middle)
    return more if min(last) > max(middle) and more > MOST_LATER_MS else 0.0
