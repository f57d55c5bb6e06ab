"""``HumanTape``: what a human does while the agent does not play, for the recording.

While the agent plays, each action that is sent is a row of the recording.  A human sends
nothing through us, or only changes; so their pad is looked at as often as the agent acts,
and the recording goes on at its own pace.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from nitropilot.agent.values import PadSample, new_stretch
from nitropilot.controller.state import NO_BUTTONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent.record.switch import RecordingSwitch
    from nitropilot.controller.state import GamepadState

LATE_TICKS = 3.0
"""Further behind than so many frames, the tape begins anew in place of catching up."""


class HumanTape:
    """Puts a human's pad into a recording, once for each of its frames.

    ``see`` may be called from any thread, the rest from the session's own.

    Args:
        recording: Where it goes, while that is switched on.
        clock: Seconds, as ``time.perf_counter``.
    """

    def __init__(
        self,
        recording: RecordingSwitch,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._recording = recording
        self._clock = clock
        self._lock = threading.Lock()
        self._state: GamepadState | None = None
        self._tapped = NO_BUTTONS
        self._due = 0.0
        self._stretch = self._tick = 0

    def see(self, state: GamepadState) -> None:
        """The human's pad is in this state now."""
        with self._lock:
            self._state = state
            self._tapped |= state.buttons

    def tick(self, idle: float) -> float:
        """Record the frame that is due, if one is.

        Nothing is recorded before their pad was seen: what is done with a keyboard is not
        known here.

        Args:
            idle: Seconds to wait when there is nothing to record.

        Returns:
            Seconds to wait until the next call.
        """
        if self._state is None or not self._recording.state.enabled:
            return idle
        now, period = self._clock(), 1 / self._recording.hz
        if now - self._due > LATE_TICKS * period:
            self._due, self._stretch, self._tick = now, new_stretch(), 0
        if now >= self._due:
            state = self._since_last()
            self._recording.put(
                PadSample(state, sent=now, source="human", stretch=self._stretch, tick=self._tick)
            )
            self._tick += 1
            self._due += period
        return max(self._due - self._clock(), 0.0)

    def _since_last(self) -> GamepadState:
        """The pad as it is, with what was pressed since the last frame and let go already."""
        with self._lock:
            assert self._state is not None
            state = replace(self._state, buttons=self._state.buttons | self._tapped)
            self._tapped = NO_BUTTONS
            return state
