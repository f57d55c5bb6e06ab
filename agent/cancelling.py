"""Taking hold of a game can be given up at any moment, from another thread."""

from __future__ import annotations

import threading

from nitropilot.agent.errors import NotPossibleNow

POLL_S = 0.1
"""How often whoever waits for something else looks whether that is still wanted."""


class Cancellation(threading.Event):
    """Set once the game is not wanted any more."""

    def check(self) -> None:
        """Raise ``NotPossibleNow`` once the game is not wanted any more."""
        if self.is_set():
            raise NotPossibleNow("stopped while attaching")
