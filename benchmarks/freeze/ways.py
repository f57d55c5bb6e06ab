"""Ways to hold a game after a chunk: not at all, by clock and process, by the process alone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.controller.clock.clock_page import STEP_S
from nitropilot.simulator.environments.holding import Held, LockstepHeld

if TYPE_CHECKING:
    from nitropilot.agent.target.launch import LaunchedGame
    from nitropilot.controller.state import GamepadState

CHUNK = 16
"""Ticks from one freeze to the next."""
PRESSED_S = 2.0
"""How long a state lasts that no other follows."""
_EPOCH = 1


@dataclass(frozen=True)
class Way:
    """How a run is held.

    Attributes:
        name: "free", "clock" (the game's clock stands with its process, as in ``play``), "stop"
            (the process alone: the game's clock runs on) or "lockstep".
        delay_ms: How long it stands after each chunk; None: not at all.
    """

    name: str
    delay_ms: int | None = None

    def __str__(self) -> str:
        return self.name if self.delay_ms is None else f"{self.name} {self.delay_ms} ms"

    @property
    def track(self) -> str:
        """Of the environment it is played in."""
        return "lockstep" if self.name == "lockstep" else "paused"

    def hold(self, launched: LaunchedGame) -> Held:
        """Take hold of a game in this way."""
        if self.name == "lockstep":
            return SlowLockstep(launched, (self.delay_ms or 0) / 1e3)
        delay = None if self.delay_ms is None else self.delay_ms / 1e3
        return ChunkHeld(launched, self.name == "clock", delay)


class ChunkHeld(Held):
    """Runs freely; after every chunk it may be frozen for a while.

    Args:
        launched: The game.
        clocked: Whether its clock is frozen with it.
        delay: Seconds that each freeze lasts; None: there is none.
    """

    freeze = "after each chunk"

    def __init__(self, launched: LaunchedGame, clocked: bool, delay: float | None) -> None:
        super().__init__(launched)
        self._clocked, self._delay = clocked, delay
        self._hand = self._new_hand(clock=clocked)
        self._stood = 0.0
        self._frozen_since: float | None = None
        self._ticks = 0
        self._over = self._now()

    def begin(self) -> None:
        """As ``Held``: the first tick begins now."""
        super().begin()
        self._over, self._ticks = self._now(), 0

    def step(self, state: GamepadState) -> int:
        """As ``Held``; who comes late has missed the ticks that are over meanwhile."""
        self._hand.check()
        self._hand.hold(_EPOCH, state, PRESSED_S)
        if self._frozen_since is not None:
            self._hand.thaw()
            self._stood += time.monotonic() - self._frozen_since
            self._frozen_since = None
        steps = max(1, int((self._now() - self._over) / STEP_S) + 1)
        self._over += steps * STEP_S
        while (left := self._over - self._now()) > 0:
            time.sleep(left)
        chunks = self._ticks // CHUNK
        self._ticks += steps
        if self._delay is not None and self._ticks // CHUNK > chunks and self._counts:
            self._hand.freeze(_EPOCH)
            self._frozen_since = time.monotonic()
            time.sleep(self._delay)
        return steps

    def _now(self) -> float:
        """Seconds that the game has played, by the clock that stands with it."""
        if self._clocked:
            return self._clock.virtual_time()
        return time.monotonic() - self._stood


class SlowLockstep(LockstepHeld):
    """Lockstep, and a pause after every chunk."""

    def __init__(self, launched: LaunchedGame, delay: float) -> None:
        super().__init__(launched)
        self._delay, self._ticks = delay, 0

    def step(self, state: GamepadState) -> int:
        """As ``Held``."""
        steps = super().step(state)
        self._ticks += steps
        if self._counts and self._ticks % CHUNK == 0:
            time.sleep(self._delay)
        return steps
