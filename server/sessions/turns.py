"""``Turns``: who computes next on an engine that sessions and ``/predict`` share."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nitropilot.server.errors import ShuttingDown

if TYPE_CHECKING:
    from collections.abc import Iterator


class Turns:
    """A lock that is fair: first those who play, as a game may stand still for them, then others.

    Within each of both, whoever came first goes first.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._players: deque[object] = deque()
        self._others: deque[object] = deque()
        self._taken = self._over = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._players) + len(self._others)

    @contextmanager
    def take(self, *, plays: bool) -> Iterator[None]:
        """Hold the lock for a block.

        Args:
            plays: Whether a game waits for it.

        Raises:
            ShuttingDown: The daemon ends.
        """
        line, me = self._players if plays else self._others, object()
        with self._changed:
            line.append(me)
            self._changed.wait_for(lambda: self._over or self._next() is me)
            line.remove(me)
            if self._over:
                raise ShuttingDown("the daemon is ending", "start it again")
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()

    def stop(self) -> None:
        """Refuse who waits and who comes; whoever computes goes on."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def wait_free(self, deadline: float) -> bool:
        """After ``stop``: whether nobody computes, at the latest at ``time.monotonic`` so much."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._taken, max(deadline - time.monotonic(), 0.0)
            )

    def _next(self) -> object:
        """Whose turn it is; None while somebody computes."""
        if self._taken:
            return None
        return (self._players or self._others)[0]
