"""``Stepping``: what a hand does with messages that let game time go on by so much and no more."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from nitropilot.controller.errors import ClockFailed
from nitropilot.controller.hand.outbox import say
from nitropilot.controller.hand.protocol import failure, unpack
from nitropilot.controller.hand.stepper import Stepper

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.controller.clock.clock_page import ClockPage
    from nitropilot.controller.hand.beginning import Beginning
    from nitropilot.controller.hand.freezer import Freezer
    from nitropilot.controller.hand.leases import PadLeases
    from nitropilot.controller.ledger.entry import Entry

ASKED = ("stand", "step", "run")


class Stepping:
    """For the thread of the leases, as ``HandProcess`` is.

    Args:
        begin: What the hand holds.
        clock: The game's, if it is ours.
        entry: Of the hand.
        leases: What is on the pad.
        freezer: Stops the game.
        post: Puts a message of our own into the hand's inbox, from any thread.

    Attributes:
        does: What to call for each word.
    """

    def __init__(
        self,
        begin: Beginning,
        clock: ClockPage | None,
        entry: Entry,
        leases: PadLeases,
        freezer: Freezer,
        post: Callable[[tuple[Any, ...]], None],
    ) -> None:
        self._begin, self._clock, self._entry = begin, clock, entry
        self._leases, self._freezer, self._post = leases, freezer, post
        self._stepper: Stepper | None = None
        self.does: dict[str, Callable[..., object]] = {
            "stand": self._stand, "step": self._step, "run": self._run, "ran": self._ran,
        }  # fmt: skip

    def renew(self) -> None:
        """The daemon lives; if that is heard too late, the game has nothing pressed."""
        if self._stepper is not None and not self._stepper.renew():
            self._leases.rest()

    def let_go(self) -> None:
        """A game that goes by steps runs by itself."""
        if self._stepper is not None:
            self._stepper.let_go()

    def close(self) -> None:
        """The same, and nothing more can be asked for."""
        if self._stepper is not None:
            self._stepper.close()

    def _stand(self, number: int, epoch: int, timeout: float) -> None:
        if self._clock is None:
            raise ClockFailed("a game without a clock of ours has no steps", "choose another way")
        if epoch != self._leases.epoch:
            say("done", number, False)
            return
        if self._stepper is None:
            # Its clock goes on by its own lease: another hand may come in time.
            self._entry.note(its_clock="")
            self._stepper = Stepper(self._begin.game, self._clock, self._begin.lease)
        self._stepper.stand(timeout, _answer(number))

    def _step(
        self, number: int, epoch: int, count: int, timeout: float, state: list[float]
    ) -> None:
        if self._stepper is None:
            raise ClockFailed("the game does not go by steps", "let it stand first")
        if self._leases.step(epoch, unpack(state)):
            self._leases.tick(time.perf_counter())  # so long it lasts
            self._stepper.step(count, timeout, _answer(number))
        else:
            say("done", number, False)

    def _run(
        self, number: int, epoch: int, until: float, seconds: float, state: list[float]
    ) -> None:
        if self._clock is None:
            raise ClockFailed("a game without a clock of ours has no time to run to", "thaw it")
        now = time.perf_counter()
        if not self._leases.hold(epoch, unpack(state), seconds, now):
            say("done", number, False)
            return
        self._leases.runs(now)
        self._freezer.run(
            until,
            lambda error, stood: self._post(("ran", number, error, stood, time.perf_counter())),
        )

    def _ran(self, number: int, error: BaseException | None, stood: bool, at: float) -> None:
        kept = self._leases.kept(at)
        if error is None:
            self._leases.freezing()
            say("done", number, stood and kept)
        else:
            say("failed", number, *failure(error))


def _answer(number: int) -> Callable[[BaseException | None], None]:
    def done(error: BaseException | None) -> None:
        if error is None:
            say("done", number, True)
        else:
            say("failed", number, *failure(error))

    return done
