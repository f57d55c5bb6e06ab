"""``Controls``: the only way from the play to the game's hand.

The loop may be deep inside inference when the player hits stop, so letting go must not wait for
it: ``disarm`` works from any thread, releases the pad and resumes the game at once.  Every
``arm`` begins a new epoch, and the hand takes only what names the one that is current: a chunk
computed before a pause is void after it.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from nitropilot.agent.target.pressed import Pressed
from nitropilot.controller.errors import HandError
from nitropilot.controller.hand.leases import NO_EPOCH, Step
from nitropilot.controller.state import NO_LIMITS, GamepadState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nitropilot.controller.hand.hand import Hand, Sent
    from nitropilot.controller.state import Limits

HOLD_S = 0.25
"""How long a single state lasts, unless it is sent again."""
TAIL_S = 0.05
"""How long a chunk's last state may outlast its tick, until the game is frozen for the next."""
LOOK_S = 0.05
"""How often it is looked whether what is waited for will still come."""
THAW_S = 6.0
"""How long a game may take to run again until its first state is given up."""
PLANS = 8
"""Plans that reports may still be of."""
T = TypeVar("T")


class Controls:
    """Pad and pauser behind one switch.  Starts disarmed.

    Args:
        hand: Holds the game; ``close`` sends it away.

    Attributes:
        hand: As given.
        on_release: Called after ``disarm`` has made the pad neutral; must not wait or raise.
    """

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self.on_release: Callable[[], None] | None = None
        self._epochs = itertools.count(1)
        self._serials = itertools.count(1)
        self._stretch = 0
        self._extended = 0.0
        self._epoch = NO_EPOCH
        self._limits = NO_LIMITS
        self._closed = self._following = False
        self._lock = threading.Lock()
        self._plans: dict[int, dict[int, tuple[object, GamepadState]]] = {}
        self._early: dict[int, Sent] = {}
        self._before = (0, 0)

    @property
    def lapses(self) -> int:
        """How often this process was silent for so long that the pad went neutral."""
        return self._before[0] + self.hand.lapses

    @property
    def cut_freezes(self) -> int:
        """How many freezes have ended by themselves, so that the game ran on unwatched."""
        return self._before[1] + self.hand.cut_freezes

    @property
    def epoch(self) -> int:
        """The current epoch; ``NO_EPOCH`` while disarmed."""
        return self._epoch

    @property
    def pad_name(self) -> str:
        """Kind of the pad."""
        return self.hand.pad_name

    def arm(self) -> int:
        """Begin a new epoch: sends and freezes that name it are let through.

        Raises:
            HandError: The hand is gone.
        """
        with self._lock:
            epoch = next(self._epochs)
            if not self._following:
                self.hand.arm(epoch)
            self._epoch = epoch
            return epoch

    def check(self) -> None:
        """Raise what keeps the hand from holding the game: see ``Hand.check``."""
        if not self._following:
            self.hand.check()

    def limit(self, limits: Limits) -> None:
        """What plans may not press, from the next state on: the hand itself holds it back."""
        self._limits = limits
        with suppress(HandError):  # it presses nothing any more, and the next one is told first
            self.hand.limit(limits)

    def send(self, state: GamepadState, epoch: int, seconds: float = HOLD_S) -> bool:
        """Press ``state`` for so long; False when ``epoch`` is over, and nothing was pressed.

        Raises:
            ControllerError: The pad did not take it, or the hand is gone.
        """
        return self._valid(epoch) and self.hand.hold(epoch, state, seconds)

    def pass_on(self, state: GamepadState, again: bool = False) -> bool:
        """Send what a human does, while the agent has no say; False when it has.

        No guard applies to a human.  What is held is sent ``again`` and again; that ends where
        ``disarm`` took it away.
        """
        if self._epoch != NO_EPOCH or self._closed or self._following:
            return False
        self.hand.pass_on(state, again)
        return True

    def freeze(self, epoch: int) -> bool:
        """Freeze the game; False when ``epoch`` is over, and the game runs on.

        Raises:
            HandError: The hand is gone.
            PauseFailed, ProcessGone: The game could not be frozen.
        """
        if not self._valid(epoch):
            return False
        self.hand.check()
        return self.hand.freeze(epoch)

    def thaw(self) -> None:
        """Let the game run.  Harmless when it does."""
        self.hand.thaw()

    def begin_stretch(self) -> None:
        """What was handed over before is of no interest any more."""
        self._stretch += 1
        self._plans.clear()
        self._early.clear()

    def plan(
        self, steps: Sequence[tuple[int, float, T, GamepadState]], period: float, epoch: int
    ) -> None:
        """Hand over what is to be sent, in place of what is left of the plan before.

        Args:
            steps: Number in this stretch, time, tag and state of each.
            period: Seconds from one to the next.
            epoch: Void in any other.
        """
        serial = self._note({number: (tag, state) for number, _, tag, state in steps})
        self.hand.play(
            epoch, self._stretch, serial,
            [Step(number, due, state) for number, due, _, state in steps], period,
        )  # fmt: skip

    def extend(self, epoch: int) -> None:
        """The plan is still wanted: to be called more often than every ``PLAN_S``."""
        now = time.perf_counter()
        if now - self._extended > LOOK_S / 2:
            self._extended = now
            self.hand.extend(epoch)

    def pressed(self, number: int, until: float, epoch: int) -> Pressed[T] | None:
        """What was sent as ``number``, once it was; None when it will not be.

        Args:
            number: In this stretch.
            until: How long to wait, in seconds of ``time.perf_counter``.
            epoch: In another one nothing is sent any more.
        """
        for passed in [early for early in self._early if early < number]:
            del self._early[passed]  # it came too late for who asked
        while self._early.get(number) is None:
            left = until - time.perf_counter()
            if self._epoch != epoch or any(later > number for later in self._early):
                return None
            self.extend(epoch)
            try:
                sent = self.hand.reports.get(min(left, LOOK_S))
            except queue.Empty:
                self.hand.check()
                if left <= 0:
                    return None
                continue
            if sent is not None and sent.stretch == self._stretch and sent.serial in self._plans:
                self._early[sent.number] = sent
        found = self._early.pop(number)
        tag, state = self._plans[found.serial][number]
        return Pressed(tag, state, found.due, found.began, found.at)  # type: ignore[arg-type]

    def play(
        self, states: Sequence[GamepadState], period: float, epoch: int
    ) -> Iterator[tuple[int, Pressed[None]]]:
        """Let a frozen game run with the first state pressed, the others following on time.

        Yields:
            Number and sending of each, as they are sent; ends early when ``epoch`` does, or
            when the rest was not sent because this process was held up.

        Raises:
            ControllerError: The game could not be let run, or the hand is gone.
        """
        self.begin_stretch()
        serial = self._note({number: (None, state) for number, state in enumerate(states)})
        steps, lapses = [Step(number, None, one) for number, one in enumerate(states)], self.lapses
        self.hand.play(
            epoch, self._stretch, serial, steps, period, tail=TAIL_S, thaw=True
        )  # fmt: skip
        due, until = 0.0, time.perf_counter() + THAW_S
        for number in range(len(states)):
            one: Pressed[None] | None = self.pressed(number, until, epoch)
            if one is None:
                if self._epoch != epoch or self.lapses > lapses:
                    return
                continue
            yield number, one
            due = one.due
            until = due + (len(states) - number) * period + TAIL_S
        while (left := due + period - time.perf_counter()) > 0 and self._epoch == epoch:
            self.extend(epoch)
            time.sleep(min(left, LOOK_S))

    def disarm(self) -> None:
        """Neutral pad, running game, and nothing more until ``arm``; from any thread.

        Harmless once closed.

        Raises:
            ControllerError: The pad or the game could not be let go; the hand that did not
                answer is gone with what it held.
        """
        with self._lock:
            self._epoch = NO_EPOCH
            if self._closed:
                return
            if not self._following:  # or nothing is held
                self.hand.release()
        if self.on_release is not None:
            self.on_release()

    def follow(self, take: Callable[[], Hand]) -> None:
        """Go on with another process of the game, whose first one has ended.

        Nobody who lets go, or arms, waits for that.

        Args:
            take: Takes hold of that process, once its pad is free.

        Raises:
            ControllerError: It cannot be held; the game has no pad then.
        """
        with self._lock:
            self._following = True
        try:
            self.hand.close()
            hand = take()
        except BaseException:
            self._following = False
            raise
        with self._lock:
            self._before, self.hand = (self.lapses, self.cut_freezes), hand
            self._following = False
            told: Limits | None = None
            while told is not self._limits:  # somebody may set others meanwhile
                told = self._limits
                hand.limit(told)
            if self._epoch != NO_EPOCH:
                hand.arm(self._epoch)

    def close(self) -> None:
        """Let go of everything for good.  Safe to call twice."""
        self._epoch = NO_EPOCH
        self._closed = True
        self.hand.close()
        self._plans.clear()  # an ended session is kept, but need not keep its pictures

    def _valid(self, epoch: int) -> bool:
        return epoch != NO_EPOCH and epoch == self._epoch and not self._closed

    def _note(self, plan: dict[int, tuple[object, GamepadState]]) -> int:
        serial = next(self._serials)
        self._plans[serial] = plan
        while len(self._plans) > PLANS:
            del self._plans[min(self._plans)]
        return serial
