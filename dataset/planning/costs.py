"""What it costs to extract so much video, from what was measured.

    core-hours = videos x set-up / 3600 + hours / speed

A video's set-up (looking for the controller, drawing its states) is the same however long the video
is; from there on its cost grows with its length.  ``python -m benchmarks.dataset.scaling`` measures
both.
"""

from __future__ import annotations

from typing import NamedTuple


class Cost(NamedTuple):
    """What one core needs.

    Attributes:
        setup_s: Seconds for each video, however long it is.
        speed: Seconds of video that are read in one second from there on.
    """

    setup_s: float
    speed: float

    def core_hours(self, hours: float, videos: int) -> float:
        """For so many hours in so many videos."""
        return videos * self.setup_s / 3600 + hours / self.speed


class Paper(NamedTuple):
    """A run on paper.

    Attributes:
        core_hours: Of work.
        days: That it takes.
        price: What the cores cost meanwhile, in the currency of the core-hour's price.
    """

    core_hours: float
    days: float
    price: float


def on_paper(
    hours: float, videos: int, cost: Cost, cores: int, kept_busy: float, core_hour: float
) -> Paper:
    """What a run would take.

    Args:
        hours: Of video.
        videos: How many they are in.
        cost: What was measured.
        cores: That read at once.
        kept_busy: Share of its time that a core reads, of those that read at once: measured.
        core_hour: The price of one.
    """
    work = cost.core_hours(hours, videos)
    paid = work / kept_busy
    return Paper(work, paid / cores / 24, paid * core_hour)


MEASURED = Cost(6.5, 8.2)
"""At 640 x 360 and 30 frames a second, on one core: two videos, see benchmarks/README.md."""
