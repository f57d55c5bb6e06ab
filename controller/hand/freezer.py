"""``Freezer``: stops the game and lets it run, in a thread of its own, on a lease.

A freeze may take seconds and must never hold up the pad, so it does not happen in the thread
that sends.  What is stopped is in the ledger before it is stopped.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.controller.errors import ClockLapsed
from nitropilot.controller.hand.protocol import (
    FREEZE_LEASE,
    FREEZE_LEASE_S,
    FREEZE_LIMIT,
    FREEZE_LIMIT_S,
)
from nitropilot.mailbox import Mailbox

if TYPE_CHECKING:
    from nitropilot.controller.clock.freezing import ClockFreezer

LOOK_S = 0.25
"""So often it is looked whether somebody else lets a stopped game run."""
Done = Callable[[BaseException | None], None]
Ran = Callable[[BaseException | None, bool], None]


@dataclass(frozen=True)
class _Run:
    """Until when a game is to run; whom to tell; whether it had stood until then."""

    until: float
    done: Ran
    stood: bool


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
        self._jobs: Mailbox[Callable[[], None] | None] = Mailbox()
        self._run: _Run | None = None
        self._since = self._until = 0.0
        self._thread = threading.Thread(target=self._work, name="nitropilot-freezer", daemon=True)
        self._thread.start()

    def freeze(self, done: Done) -> None:
        """Stop the game; ``done`` gets the error, or None, in the freezer's thread."""
        self._jobs.put(lambda: done(self._attempt(self._stop)))

    def thaw(self, done: Done) -> None:
        """Let the game run."""
        self._jobs.put(lambda: done(self._attempt(self._game.thaw)))

    def run(self, until: float, done: Ran) -> None:
        """Let the game run until that virtual time, and stop it.

        Args:
            until: In seconds, of a game whose clock is ours.
            done: Gets the error or None, and whether the game had stood until it was to run; in
                the freezer's thread.
        """
        self._jobs.put(lambda: self._begin_run(_Run(until, done, self._game.stands)))

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
                job = self._jobs.get(timeout=self._pause())
            except queue.Empty:
                self._look()
                continue
            self._cut_run()
            if job is None:
                self._attempt(self._game.thaw)
                return
            job()

    def _pause(self) -> float | None:
        """Seconds until it is to be looked what has become of the game; None: there is no need."""
        if self._run is not None:
            return max(self._run.until - self._game.virtual_time(), 0.0)
        left = self._left()
        return None if left is None else min(left, LOOK_S)

    def _look(self) -> None:
        if self._run is not None:
            self._end_run(self._run)
        elif self._left() == 0.0:
            self._end()
        else:
            self._game.look()

    def _stop(self) -> None:
        self._since = time.monotonic()
        self._until = self._since + self._lease
        self._game.freeze()

    def _begin_run(self, run: _Run) -> None:
        error = self._attempt(self._game.thaw)
        if error is None:
            self._run = run
        else:
            run.done(error, run.stood)

    def _end_run(self, run: _Run) -> None:
        if self._game.virtual_time() >= run.until:
            self._run = None
            run.done(self._attempt(self._stop), run.stood)

    def _cut_run(self) -> None:
        """Something else is asked for in the middle of it."""
        run, self._run = self._run, None
        if run is not None:
            error = ClockLapsed(
                "the game goes on by itself: it was let go while it was to run for a while",
                "begin the episode again",
            )
            run.done(error, run.stood)

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
