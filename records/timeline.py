"""How pictures and actions lie in time: one convention for playing, recording and training.

Time is cut into ticks, ``1 / hz`` apart.  Tick ``n`` lasts from its own moment to that of the
next; action ``n`` is on the pad meanwhile.  A picture belongs to the tick in which it was taken:
not to the next one, however near.

A policy of shift ``s`` and horizon ``T`` that is shown the picture of tick ``n`` answers with the
actions of ticks ``n + s`` to ``n + s + T - 1``.  That is how the published policies were trained
(``action_shift`` of their ``modality_cfg``), so whatever plays or trains them has to count alike.
Shift 1 is the least that can be played without a delay: a picture taken at a tick's end, and the
next tick's action.  A larger one leaves ``s - 1`` ticks in which the policy may think.

A policy of several context frames was shown pictures ``frame_spacing`` ticks apart.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


@dataclass(frozen=True)
class TickGrid:
    """Tick ``n`` begins at ``origin + n / hz``, in seconds of whatever clock ``origin`` is of."""

    origin: float
    hz: float

    @property
    def period(self) -> float:
        """Seconds from one tick to the next."""
        return 1.0 / self.hz

    def due(self, tick: int) -> float:
        """When a tick begins."""
        return self.origin + tick / self.hz

    def running(self, moment: float) -> int:
        """The tick that lasts at ``moment``: the one a picture of that moment belongs to."""
        return math.floor((moment - self.origin) * self.hz)

    def after(self, moment: float) -> int:
        """The first tick that begins at ``moment`` or later."""
        return math.ceil((moment - self.origin) * self.hz)


@dataclass(frozen=True)
class Timeline:
    """Which actions a policy's answer is, by the tick of the picture it was shown.

    Attributes:
        shift: From the picture's tick to that of the first action.  0 and less is a policy that
            begins with what is over by the time it can be played.
        horizon: Actions in an answer.
        spacing: Ticks from one context frame to the next.

    Raises:
        ValueError: There is no action in an answer, or context frames run backwards.
    """

    shift: int
    horizon: int
    spacing: int = 1

    def __post_init__(self) -> None:
        if self.horizon < 1 or self.spacing < 0:
            raise ValueError(
                f"a horizon of {self.horizon} and a spacing of {self.spacing} are no timeline: "
                "at least 1 and 0 are needed"
            )

    def actions(self, picture: int) -> range:
        """The ticks of the actions that belong to a picture of tick ``picture``."""
        return range(picture + self.shift, picture + self.shift + self.horizon)

    def context(self, picture: int, frames: int) -> list[int]:
        """The ticks of ``frames`` context frames, the oldest first and ``picture`` last."""
        return [picture - self.spacing * back for back in reversed(range(frames))]

    @property
    def lead(self) -> int:
        """Ticks that pass from the end of the picture's tick to the first action's."""
        return max(self.shift - 1, 0)

    @property
    def stale(self) -> int:
        """Actions that are over when the picture's tick ends, which is the soonest to play."""
        return max(1 - self.shift, 0)

    def lay(self, planned: list[T], fresh: list[T], count: int, rest: T) -> tuple[list[T], list[T]]:
        """What a game that stands still while it is thought about plays next.

        Between the picture's tick and an answer's first action lie ``lead`` ticks: the last ones of
        the answer before, or rest where there is none.

        Args:
            planned: What was left for these ticks.
            fresh: The new answer, all of it.
            count: How many ticks are to be played before the next answer.
            rest: What a tick has that nothing is there for.

        Returns:
            What is played now, and what is left for the ticks after the next picture.
        """
        queue = (planned or [rest] * self.lead) + fresh[self.stale :]
        return queue[:count], queue[count:][: self.lead]


class ContextRing(Generic[T]):
    """The pictures of the last ticks, to pick context frames from.

    Args:
        timeline: Says how far apart context frames are.
        frames: How many a policy looks at.
    """

    def __init__(self, timeline: Timeline, frames: int) -> None:
        self._timeline = timeline
        self._frames = frames
        self._ticks: list[int] = []
        self._pictures: list[T] = []

    def __len__(self) -> int:
        """How many pictures are kept."""
        return len(self._ticks)

    def clear(self) -> None:
        """What comes next is not a later part of the same play."""
        self._ticks.clear()
        self._pictures.clear()

    def drop_last(self) -> None:
        """Forget the newest picture."""
        del self._ticks[-1:], self._pictures[-1:]

    def add(self, tick: int, picture: T) -> None:
        """Keep a picture; the ticks of one play only grow."""
        if self._ticks and tick < self._ticks[-1]:
            self.clear()
        self._ticks.append(tick)
        self._pictures.append(picture)
        oldest = tick - self._timeline.spacing * self._frames
        while self._ticks[0] < oldest:
            del self._ticks[0], self._pictures[0]

    def context(self) -> list[T]:
        """The newest picture and those ``spacing`` ticks apart before it, the oldest first.

        A picture counts for a tick that it is less than half a spacing away from.  What is
        before one that is not there is left out.
        """
        return list(self._pick())[::-1]

    def _pick(self) -> Iterator[T]:
        newest = self._ticks[-1]
        for wanted in reversed(self._timeline.context(newest, self._frames)):
            place = bisect_left(self._ticks, wanted)
            near = [p for p in (place - 1, place) if 0 <= p < len(self._ticks)]
            best = min(near, key=lambda p: abs(self._ticks[p] - wanted))
            if 2 * abs(self._ticks[best] - wanted) >= max(self._timeline.spacing, 1):
                return
            yield self._pictures[best]
