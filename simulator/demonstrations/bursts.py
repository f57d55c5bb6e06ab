"""Bursts of foreign input, so that the script has to find its way back, and the clone sees how.

Noise on what is done and none on what is taught, as in DART (Laskey et al. 2017): where only clean
play is seen, the first slip leads to where nothing was ever taught.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.controller.state import Button, GamepadState

if TYPE_CHECKING:
    import numpy as np

SHORTEST, LONGEST = 6, 24
"""Ticks of a burst; both are possible."""
GAP = 75.0
"""Ticks from a burst to the next, on average."""
PRESS = 0.25
"""Chance of each face button in a burst."""
FACE = (Button.A, Button.B, Button.X, Button.Y)


@dataclass
class Bursts:
    """When somebody else has the pad, and what they do.

    Args:
        rng: Of the episode.
    """

    rng: np.random.Generator

    def __post_init__(self) -> None:
        self._left = 0
        self._until = self._gap()
        self._pad = GamepadState()

    def next(self) -> GamepadState | None:
        """What is pressed in the next tick in place of the script's; None: the script's."""
        if self._left:
            self._left -= 1
            return self._pad
        if self._until:
            self._until -= 1
            return None
        self._left = int(self.rng.integers(SHORTEST, LONGEST + 1)) - 1
        self._until = self._gap()
        x, y = self.rng.uniform(-1.0, 1.0, 2)
        buttons = Button(0)
        for one in FACE:
            if self.rng.random() < PRESS:
                buttons |= one
        self._pad = GamepadState(left=(float(x), float(y)), buttons=buttons)
        return self._pad

    def _gap(self) -> int:
        return 1 + int(self.rng.exponential(GAP))
