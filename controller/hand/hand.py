"""``Hand``: the near end of the process that presses, freezes and lets go.

The other end is ``controller.hand.main``.  This process beats as long as it runs at all; a hand
that has died or stands still is ended, and what it had frozen runs again by the ledger.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import psutil

from nitropilot.controller.errors import ControllerError, HandError, ProcessGone
from nitropilot.controller.hand.link import Link
from nitropilot.controller.hand.protocol import (
    FREEZE_LEASE,
    FREEZE_LEASE_S,
    FREEZE_LIMIT,
    FREEZE_LIMIT_S,
    Sent,
    error_of,
    named,
    pack,
)
from nitropilot.controller.ledger.entry import called
from nitropilot.controller.ledger.heal import heal_all
from nitropilot.controller.pads import own_pads
from nitropilot.controller.processes import State, state
from nitropilot.controller.state import GamepadState, Limits
from nitropilot.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from nitropilot.controller.hand.leases import Step

ANSWER_S = 2.0
"""Any answer but that to a freeze or a thaw comes within this, or the hand stands still."""
FREEZE_S = 12.0
"""A game that will not stop is given up after 5 s, and so is one that will not run."""
_log = logging.getLogger(__name__)


class Hand:
    """Holds one game; make it with ``start``.  Thread-safe.

    Attributes:
        pid: Of the hand's process.
        game: Process id of the game.
        pad_name: Kind of its pad.
        reports: Takes a ``Sent`` for every state of a plan, and None when there is reason to
            look what has become of the hand or the epoch.
        lapses: How often this process was silent for so long that the pad went neutral.
        cut_freezes: How many freezes have ended by themselves.
    """

    def __init__(self, game: psutil.Process) -> None:
        self.game = game.pid
        self.pad_name = ""
        self.reports: Mailbox[Sent | None] = Mailbox()
        self.lapses = self.cut_freezes = 0
        self._game = game
        self._frozen = False
        self._freeze_ended = ""
        self._trouble: ControllerError | None = None
        self._link = Link.start(self._heard, self._died)
        self.pid = self._link.pid

    @classmethod
    def start(
        cls,
        pid: int,
        *,
        pad: str = "auto",
        page: Path | None = None,
        clock: Path | None = None,
        protect: Collection[int] = (),
        freeze_lease: float = FREEZE_LEASE_S,
        freeze_limit: float = FREEZE_LIMIT_S,
        stays: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> Self:
        """Take hold of a game; returns when the hand holds it.

        Args:
            pid: Root of the game's process tree.
            pad: Kind of virtual pad, as ``open_gamepad`` takes it.
            page: The pad page of a game that was launched with one.
            clock: Its clock page, as well.
            protect: Ids of processes that must keep running, such as an X server.
            freeze_lease, freeze_limit: Seconds until a freeze ends that nothing renews, and any.
            stays: Whether it lasts while this process beats: for a game that ends with us.
            check: Called again and again meanwhile; raises when the game is not wanted any more.

        Raises:
            GameTaken: Another process of ours holds it.
            PadUnavailable, PauseRefused, ProcessGone: It cannot be held.
            HandError: The hand's process did not come up.
        """
        try:
            game = psutil.Process(pid)
        except psutil.NoSuchProcess:
            raise _gone(pid) from None
        hand = cls(game)
        try:
            hand._begin(
                check, game=pid, pad=pad, page=named(page), clock=named(clock),
                protect=[*protect], owner=os.getpid(), owner_name=called(),
                lease=freeze_lease, limit=freeze_limit, stays=stays,
            )  # fmt: skip
            # It was the same process before and after the hand looked: no reused id.
            if not game.is_running():
                raise _gone(pid)
        except BaseException:
            hand.close()
            raise
        return hand

    @property
    def frozen(self) -> bool:
        """Whether the game stands still because of us, as far as is known here."""
        return self._frozen

    @property
    def freeze_ended(self) -> str:
        """Why the last freeze ended by itself (``FREEZE_LEASE`` or ``FREEZE_LIMIT``), or ""."""
        return self._freeze_ended

    def game_alive(self) -> bool:
        """Whether the game's root process has not ended."""
        return state(self._game) is not State.GONE

    def stopped_by_others(self) -> bool:
        """Whether the game stands still although this hand did not stop it."""
        return not self._frozen and state(self._game) is State.STOPPED

    def check(self) -> None:
        """Do nothing while the hand holds the game.

        Raises:
            ControllerError: It has ended, the pad failed, or a freeze lasted too long.
        """
        if self._trouble is not None:
            raise self._trouble
        if not self._link.alive:
            raise self._link.gone()
        if self._freeze_ended == FREEZE_LIMIT:
            raise HandError(
                "the game was frozen for too long, so it was let go",
                "the policy may be too slow or hang; stop the session and start it again",
            )

    def arm(self, epoch: int) -> None:
        """Begin an epoch: only what names it counts from now on."""
        self._link.send("arm", epoch)

    def limit(self, limits: Limits) -> None:
        """What plans may not press, from the next state on."""
        self._link.send("limits", int(limits.buttons), [*limits.axes])

    def play(
        self,
        epoch: int,
        stretch: int,
        serial: int,
        steps: Sequence[Step],
        period: float,
        *,
        tail: float = 0.0,
        thaw: bool = False,
    ) -> None:
        """Hand over a plan: see ``Plan``.

        Args:
            epoch, stretch, serial, steps, period, tail: As of ``Plan``.
            thaw: Whether the game is to run again once the first state is there for it to see.

        Raises:
            HandError: The hand is gone.
        """
        if thaw:
            self._frozen = False
        packed = [(step.number, step.due, pack(step.state)) for step in steps]
        self._link.send("play", epoch, stretch, serial, thaw, period, packed, tail)

    def extend(self, epoch: int) -> None:
        """The plan is still wanted; without that it ends ``PLAN_S`` after it was handed over."""
        self._link.send("extend", epoch)

    def hold(self, epoch: int, state: GamepadState, seconds: float) -> bool:
        """Press one state now, for so long; False when ``epoch`` is over.

        Raises:
            ControllerError: The pad did not take it, or the hand is gone.
        """
        held: bool = self._link.ask("hold", epoch, seconds, pack(state), timeout=ANSWER_S)
        return held

    def pass_on(self, state: GamepadState, again: bool = False) -> None:
        """Press what a human does: see ``PadLeases.pass_on``."""
        self._link.send("pass", pack(state), again)

    def release(self) -> None:
        """Neutral pad, running game, no epoch; returns when that is so.

        Raises:
            ControllerError: The pad or the game could not be let go.  A hand that does not
                answer is ended, which lets go.
        """
        self._frozen = False
        self._ask_or_end("release", timeout=FREEZE_S)
        self.reports.put(None)

    def freeze(self, epoch: int) -> bool:
        """Stop the game; False when ``epoch`` is over, and the game runs on.

        Raises:
            PauseFailed, PauseRefused, ProcessGone: It could not be stopped.
            HandError: The hand is gone.
        """
        self._freeze_ended = ""
        self._frozen = True
        try:
            self._frozen = self._ask_or_end("freeze", epoch, timeout=FREEZE_S)
        except BaseException:
            self._frozen = False
            raise
        return self._frozen

    def thaw(self) -> None:
        """Let the game run; harmless when it does."""
        self._ask_or_end("thaw", timeout=FREEZE_S)
        self._frozen = False

    @contextmanager
    def computing(self) -> Iterator[None]:
        """For a block, the engine computes: a freeze goes on, up to its limit."""
        self._link.computing = True
        try:
            yield
        finally:
            self._link.computing = False

    def close(self) -> None:
        """Neutral pad, running game, no hand.  Safe to call twice."""
        self._link.close()
        self._frozen = False
        own_pads.forget(self.pid)

    def _begin(self, check: Callable[[], None], **facts: Any) -> None:
        ready = self._link.begin(facts, check)
        self.pad_name = ready["pad"]
        self._own(ready)

    def _ask_or_end(self, word: str, *rest: Any, timeout: float) -> Any:
        try:
            return self._link.ask(word, *rest, timeout=timeout)
        except HandError:
            self._link.kill()
            raise

    def _own(self, facts: dict[str, Any]) -> None:
        slots = facts["slots"]
        own_pads.adopt(self.pid, set(facts["nodes"]), None if slots is None else set(slots))

    def _heard(self, message: list[Any]) -> None:
        word, *rest = message
        if word == "sent":
            self.reports.put(Sent(*rest))
        elif word == "lapsed":
            self.lapses = rest[0]
            _log.warning("this process was silent for too long: the pad was let go")
            self.reports.put(None)
        elif word == "thawed":
            self._freeze_ended, self._frozen = rest[0], False
            self.cut_freezes += 1
            _log.warning("a freeze ended by itself (%s)", rest[0])
        elif word == "own":
            self._own(rest[0])
        elif word == "failed":
            self._trouble = error_of(*rest[1:])
            self.reports.put(None)

    def _died(self) -> None:
        self._frozen = False
        own_pads.forget(self.pid)
        for line in heal_all():
            _log.warning("after the end of the game's hand: %s", line)
        self.reports.put(None)


def _gone(pid: int) -> ProcessGone:
    return ProcessGone(f"process {pid} is not running", "start the game and choose it again")


__all__ = ["FREEZE_LEASE", "FREEZE_LIMIT", "Hand", "Sent"]
