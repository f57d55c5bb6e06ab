"""``Freezer``: stops the game and lets it run, in a thread of its own, on a lease.

A freeze may take seconds and must never hold up the pad, so it does not happen in the thread
that sends.  What is stopped is in the ledger before it is stopped.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING

from nitropilot.controller.hand.protocol import (
    FREEZE_LEASE,
    FREEZE_LEASE_S,
    FREEZE_LIMIT,
    FREEZE_LIMIT_S,
)
from nitropilot.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.controller.clock.freezing import ClockFreezer

LOOK_S = 0.25
"""So often it is looked whether somebody else lets a stopped game run."""
Job = tuple[str, "Callable[[BaseException | None], None]"]


class Freezer:
    """The thread, and what may be asked of it.

    Args:
        game: Stops the game, and its clock if that is ours.
        ended: Told when a freeze has ended by itself, and why; called in the freezer's thread
            before the game runs.
        lease: Seconds until a freeze ends that nothing renews.
        limit: Seconds until it ends whatever renews it.
    """

    def __init__(
        self,
        game: ClockFreezer,
        ended: Callable[[str], None],
        lease: float = FREEZE_LEASE_S,
        limit: float = FREEZE_LIMIT_S,
    ) -> None:
        self._game = game
        self._tell_ended = ended
        self._lease, self._limit = lease, limit
        self._jobs: Mailbox[Job | None] = Mailbox()
        self._since = self._until = 0.0
        self._thread = threading.Thread(target=self._work, name="nitropilot-freezer", daemon=True)
        self._thread.start()

    def freeze(self, done: Callable[[BaseException | None], None]) -> None:
        """Stop the game; ``done`` gets the error, or None, in the freezer's thread."""
        self._jobs.put(("freeze", done))

    def thaw(self, done: Callable[[BaseException | None], None]) -> None:
        """Let the game run."""
        self._jobs.put(("thaw", done))

    def renew(self) -> None:
        """The engine still computes; from any thread."""
        self._until = time.monotonic() + self._lease
        self._game.renew()

    def close(self) -> None:
        """Let the game run and end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            try:
                left = self._left()
                job = self._jobs.get(timeout=None if left is None else min(left, LOOK_S))
            except queue.Empty:
                if self._left() == 0.0:
                    self._end()
                else:
                    self._game.look()
                continue
            if job is None:
                self._attempt(self._game.thaw)
                return
            act, done = job
            if act == "freeze":
                self._since = time.monotonic()
                self._until = self._since + self._lease
                done(self._attempt(self._game.freeze))
            else:
                done(self._attempt(self._game.thaw))

    def _left(self) -> float | None:
        if not self._game.frozen:
            return None
        return max(min(self._until, self._since + self._limit) - time.monotonic(), 0.0)

    def _end(self) -> None:
        over = time.monotonic() >= self._since + self._limit
        self._tell_ended(FREEZE_LIMIT if over else FREEZE_LEASE)
        self._attempt(self._game.thaw)

    @staticmethod
    def _attempt(act: Callable[[], None]) -> BaseException | None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - told to whoever asked
            return error
        return None
