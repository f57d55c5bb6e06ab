"""``Schedule``: which action is for which tick, in real-time mode.

Ticks are the moments at which the pad is set, ``1 / action_hz`` apart on one grid for a
whole stretch of play.  ``records.timeline`` says which ticks a chunk's actions are for; what
is for a tick that is over is dropped, never played late.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.agent.play.joining import fade, reach

if TYPE_CHECKING:
    from nitropilot.agent.values import ChunkRow
    from nitropilot.engines.base import Array

SENT_KEPT = 4
"""Sent actions that ``plan`` still tells of.  A chunk of shift 0 begins with its frame's tick,
whose action has been sent: the chunk has to contain it."""


@dataclass(frozen=True, eq=False)
class Planned:
    """An action to be sent.

    Attributes:
        action: ``A`` raw channels.
        row: The chunk that it is from.
        number: Which of the chunk's actions it is.
    """

    action: Array
    row: ChunkRow
    number: int


class Schedule:
    """What is to be sent; used from one thread."""

    def __init__(self) -> None:
        self._planned: dict[int, Planned] = {}
        self._sent: deque[tuple[int, Array]] = deque(maxlen=SENT_KEPT)

    @property
    def end(self) -> int | None:
        """The first tick that nothing is planned for; None when nothing is planned."""
        return max(self._planned) + 1 if self._planned else None

    @property
    def planned(self) -> list[tuple[int, Planned]]:
        """What is planned, in the order of the ticks."""
        return sorted(self._planned.items(), key=lambda one: one[0])

    @property
    def length(self) -> int:
        """For how many ticks something is planned."""
        return len(self._planned)

    @property
    def rows(self) -> set[int]:
        """Numbers of the chunks that something is planned of."""
        return {planned.row.number for planned in self._planned.values()}

    def plan(self) -> dict[int, Array]:
        """The raw actions by tick, as they are now, and the last ones that were sent."""
        return dict(self._sent) | {tick: one.action for tick, one in self._planned.items()}

    def clear(self) -> None:
        """Plan nothing any more."""
        self._planned.clear()
        self._sent.clear()

    def put(self, row: ChunkRow, start: int, now: int, fading: int = 0) -> tuple[int, int]:
        """Plan a chunk's actions in place of those that were planned for the same ticks.

        Args:
            row: The chunk.
            start: Tick of its first action.
            now: The next tick that will be sent; what is for an earlier one is dropped.
            fading: Over how many ticks from ``now`` to cross-fade with what was planned.

        Returns:
            How many actions were dropped, and how many were cross-faded.
        """
        actions = row.decision.chunk.actions
        dropped = min(max(now - start, 0), len(actions))
        first = start + dropped
        fading = reach(self._planned, first, min(fading, len(actions) - dropped))
        for number in range(dropped, len(actions)):
            action, tick = actions[number], start + number
            if tick - first < fading:
                action = fade(self._planned[tick].action, action, tick - first, fading)
            self._planned[tick] = Planned(action, row, number)
        return dropped, fading

    def take(self, tick: int) -> Planned | None:
        """What is for ``tick``, to be sent now; what was for earlier ticks is forgotten."""
        for late in [planned for planned in self._planned if planned < tick]:
            del self._planned[late]
        return self._planned.pop(tick, None)

    def sent(self, tick: int, action: Array) -> None:
        """An action was sent: perhaps of an older plan, where the newer one came too late."""
        self._sent.append((tick, action))
