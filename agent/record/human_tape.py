"""``HumanTape``: what a human does while the agent does not play, for the recording.

While the agent plays, each action that is sent is a row of the recording.  A human sends
nothing through us, or only changes; so it is noted when their pad changed, and the recording goes
on at its own pace: a row for each tick, with what was pressed in that very tick, however late
the row is written.  A tick's picture is of its end, so its row is the pad at that end: the
recording is told of a tick when it begins, for the picture, and given the row when it is over.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from nitropilot.agent.values import PadSample, new_stretch
from nitropilot.controller.state import NO_BUTTONS
from nitropilot.records.timeline import TickGrid

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent.record.switch import RecordingSwitch
    from nitropilot.controller.state import GamepadState

LATE_S = 0.25
"""Further behind than this, the tape begins anew in place of catching up."""
MOST_CHANGES = 1024
"""Changes that are kept: four seconds of a pad that is read 250 times a second."""


class HumanTape:
    """Puts a human's pad into a recording, once for each of its frames.

    ``see`` may be called from any thread, the rest from the session's own.

    Args:
        recording: Where it goes, while that is switched on.
        clock: Seconds, as ``time.perf_counter``.
        counts: Whether the pad means anything to the game just now; where it does not, what was
            seen of it is forgotten, and not recorded as held until it means something again.
    """

    def __init__(
        self,
        recording: RecordingSwitch,
        clock: Callable[[], float] = time.perf_counter,
        counts: Callable[[], bool] = lambda: True,
    ) -> None:
        self._recording = recording
        self._counts = counts
        self._clock = clock
        self._lock = threading.Lock()
        self._changes: deque[tuple[float, GamepadState]] = deque(maxlen=MOST_CHANGES)
        self._grid: TickGrid | None = None
        self._stretch = self._tick = 0

    def see(self, state: GamepadState) -> None:
        """The human's pad is in this state now."""
        with self._lock:
            self._changes.append((self._clock(), state))

    def begin(self) -> None:
        """What is recorded from now on does not go on from what was before."""
        self._grid = None

    def tick(self, idle: float) -> float:
        """Record the ticks that are over, if any are.

        Nothing is recorded before their pad was seen: what is done with a keyboard is not
        known here.

        Args:
            idle: Seconds to wait when there is nothing to record.

        Returns:
            Seconds to wait until the next call.
        """
        if not self._counts():
            with self._lock:
                self._changes.clear()
        if not self._changes or not self._recording.state.enabled:
            self.begin()
            return idle
        now = self._clock()
        grid = self._grid
        if grid is None or now - grid.due(self._tick + 1) > LATE_S:
            grid = self._grid = TickGrid(now, self._recording.hz)
            self._stretch, self._tick = new_stretch(), 0
            self._pressed_until(now)  # what was tapped before is none of this stretch
            self._recording.expect(now)
        while (end := grid.due(self._tick + 1)) <= now:
            state, due = self._pressed_until(end), grid.due(self._tick)
            self._recording.put(
                PadSample(state, due, "human", stretch=self._stretch, tick=self._tick)
            )
            self._tick += 1
            self._recording.expect(end)
        return max(grid.due(self._tick + 1) - self._clock(), 0.0)

    def _pressed_until(self, moment: float) -> GamepadState:
        """The pad at that moment, with what was pressed since the moment before it, if let go too.

        Forgets what led to it.  A pad that was first seen later is as it was seen first.
        """
        with self._lock:
            state = self._changes[0][1]
            tapped = NO_BUTTONS
            while len(self._changes) > 1 and self._changes[1][0] <= moment:
                self._changes.popleft()
                state = self._changes[0][1]
                tapped |= state.buttons
            return replace(state, buttons=state.buttons | tapped)
