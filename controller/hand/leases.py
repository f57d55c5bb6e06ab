"""``PadLeases``: what is on the pad, and until when.

Every state that is not neutral is there on leases: the daemon has to beat, and the loop that
planned it has to want it.  Whoever falls silent loses the pad; nobody can keep it by beating
alone.  This part knows no process and no clock of its own: it is told the time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from nitropilot.controller.hand.protocol import (
    ALIVE_S,
    BEAT_S,
    EXPIRY_S,
    FREEZE_LEASE_S,
    HUMAN_S,
    PLAN_S,
)
from nitropilot.controller.state import NEUTRAL, NO_LIMITS, GamepadState, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.controller.pads.gamepad import Gamepad

NO_EPOCH = 0
STAND_MORE_S = 0.05
"""So much longer than its game may stand the state of a step lasts: one that stands until the last
moment is still given it, and not a neutral one in its place."""


@dataclass(frozen=True)
class Step:
    """One state of a plan.

    Attributes:
        number: Its place in the stretch of play; higher ones come later.
        due: When it is to be sent; None: counted from when the game runs again.
        state: What is to be pressed.
    """

    number: int
    due: float | None
    state: GamepadState


@dataclass(frozen=True)
class Plan:
    """States with their times.

    Attributes:
        epoch: Whose plan it is; void in any other epoch.
        stretch: Of play.  In one stretch no number is sent twice, whichever plan names it.
        serial: Of this plan.
        period: Seconds from one state to the next.
        steps: In the order of their times.
        tail: Seconds that the last state may stay after its own period: until a freeze comes.
    """

    epoch: int
    stretch: int
    serial: int
    period: float
    steps: Sequence[Step]
    tail: float = 0.0


class _Holds(Enum):
    NOTHING = "nothing"
    PLAN = "a plan"
    STEP = "the state of a step"
    HUMAN = "what a human does"


class PadLeases:
    """Decides what is on a pad.  For one thread.

    Args:
        pad: The pad.
        sent: Told of each state of a plan once it is on the pad: ``stretch, serial, number, due``,
            and the time at which that was begun.
        lapsed: Told when the daemon's silence has made the pad neutral.
        stands: Seconds of silence for which a game that goes by steps may stand.

    Attributes:
        lapses: How often that was.
    """

    def __init__(
        self,
        pad: Gamepad,
        sent: Callable[[int, int, int, float, float], None],
        lapsed: Callable[[], None],
        stands: float = FREEZE_LEASE_S,
    ) -> None:
        self.lapses = 0
        self._pad = pad
        self._tell_sent = sent
        self._tell_lapsed = lapsed
        self._epoch = NO_EPOCH
        self._limits = NO_LIMITS
        self._holds = _Holds.NOTHING
        self._plan: Plan | None = None
        self._queue: deque[Step] = deque()
        self._last = (-1, -1)
        self._pressed = NEUTRAL
        self._end = self._wanted_until = self._heard = self._renewed = 0.0
        self._stands = stands + STAND_MORE_S
        self._gap = False
        self._frozen = False
        self._silent = False
        self._passed_on = False

    @property
    def epoch(self) -> int:
        """Whose plans count."""
        return self._epoch

    def beat(self, now: float) -> None:
        """The daemon lives."""
        self._heard = now
        self._silent = False

    def arm(self, epoch: int) -> None:
        """Another epoch: what was planned before is void."""
        self._epoch = epoch
        self._passed_on = False
        self.rest()

    def limit(self, limits: Limits) -> None:
        """What plans may not press, from the next state on and in the one that is pressed."""
        self._limits = limits
        if self._holds is _Holds.PLAN and self._plan is not None:
            self._pad.send(limits.mask(self._pressed))

    def play(self, plan: Plan, now: float) -> None:
        """Take a plan in place of what is left of the one before; ignored in another epoch."""
        if plan.epoch != self._epoch or plan.epoch == NO_EPOCH or not plan.steps:
            return
        stretch, number = self._last
        steps = [s for s in plan.steps if stretch != plan.stretch or s.number > number]
        self._plan, self._queue = plan, deque(steps)
        self._holds = _Holds.PLAN
        last = plan.steps[-1].due
        self._end = last + plan.period + plan.tail if last is not None else now + PLAN_S
        self._wanted_until = now + PLAN_S
        if self._frozen and steps and steps[0].due is None:
            # The fresh state is there before the game goes on.
            self._press(self._limits.mask(steps[0].state))

    def runs(self, now: float) -> None:
        """The game runs again: a plan that waited for that begins."""
        self._frozen = False
        if self._plan is None or not self._queue or self._queue[0].due is not None:
            return
        plan = self._plan
        self._queue = deque(
            Step(step.number, now + place * plan.period, step.state)
            for place, step in enumerate(self._queue)
        )
        self._end = now + len(self._queue) * plan.period + plan.tail
        self._wanted_until = now + PLAN_S

    def freezing(self) -> None:
        """The game stops now: what it will not see need not be taken away from it."""
        self._frozen = True

    def extend(self, epoch: int, now: float) -> None:
        """The loop still wants what is left of its plan."""
        if epoch == self._epoch and self._holds is _Holds.PLAN:
            self._wanted_until = max(self._wanted_until, now + PLAN_S)

    def hold(self, epoch: int, state: GamepadState, seconds: float, now: float) -> bool:
        """Press one state, for so long at most; whether the epoch is the current one."""
        if epoch != self._epoch or epoch == NO_EPOCH:
            return False
        self._plan, self._holds = None, _Holds.PLAN
        self._queue.clear()
        self._end = self._wanted_until = now + seconds
        self._renewed, self._gap = now, False
        self._press(state)
        return True

    def kept(self, at: float) -> bool:
        """Whether what ``hold`` pressed last was there for the game to see until ``at``."""
        gap = self._gap or at - self._renewed > EXPIRY_S
        return self._holds is _Holds.PLAN and at <= self._end and not gap

    def step(self, epoch: int, state: GamepadState) -> bool:
        """Press one state for a game that goes by steps; whether the epoch is the current one.

        It stays for as long as the game may stand: who steps it may think, and whoever falls
        silent loses both together.
        """
        if epoch != self._epoch or epoch == NO_EPOCH:
            return False
        self._plan, self._holds = None, _Holds.STEP
        self._queue.clear()
        self._press(state)
        return True

    def pass_on(self, state: GamepadState, now: float, again: bool = False) -> None:
        """Press what a human does, for ``HUMAN_S``; only while there is no epoch.

        What is said ``again`` counts only if nobody has asked for a neutral pad since.
        """
        if self._epoch == NO_EPOCH and (self._passed_on or not again):
            self._passed_on = True
            self._plan = None
            self._queue.clear()
            self._holds = _Holds.HUMAN
            self._wanted_until = now + HUMAN_S
            self._press(state)

    def release(self) -> None:
        """Neutral, and nothing more of this epoch, nor of what a human has held until now."""
        self._epoch = NO_EPOCH
        self._passed_on = False
        self.rest()

    def rest(self) -> None:
        """Neutral; the epoch goes on."""
        self._holds, self._plan = _Holds.NOTHING, None
        self._queue.clear()
        self._press(NEUTRAL)

    def tick(self, now: float) -> float | None:
        """Send what is due and take away what has lapsed; when to be asked again, if at all."""
        if now >= self._alive_until:
            self._fall_silent()
            return None
        if self._holds is _Holds.NOTHING:
            return self._alive_until if self._in_use else None
        if self._holds is _Holds.STEP:
            self._pad.renew(self._alive_until - now)
            return self._alive_until
        if self._holds is _Holds.PLAN and not self._frozen:
            self._send_due(now)
            if now >= min(self._end, self._wanted_until):
                self.rest()
                return self._alive_until
        if self._holds is _Holds.HUMAN and now >= self._wanted_until:
            self.rest()
            return None
        self._gap |= not self._frozen and now - self._renewed > EXPIRY_S
        self._renewed = now
        self._pad.renew()
        return self._next(now)

    @property
    def _alive_until(self) -> float:
        """When silence becomes a lapse."""
        return self._heard + (self._stands if self._holds is _Holds.STEP else ALIVE_S)

    @property
    def _in_use(self) -> bool:
        """Whether anybody plays, so that silence is a lapse whatever is pressed just then."""
        return self._epoch != NO_EPOCH or self._holds is _Holds.HUMAN

    def _fall_silent(self) -> None:
        """Nothing has been heard for too long: neutral, and counted once."""
        if self._in_use and not self._silent:
            self._silent = True
            self.lapses += 1
            self.rest()
            self._tell_lapsed()

    def _send_due(self, now: float) -> None:
        """Of all that is due the last one counts; those before it are late and dropped."""
        step = None
        while self._queue and (due := self._queue[0].due) is not None and due <= now:
            step = self._queue.popleft()
        if step is None or self._plan is None or step.due is None:
            return
        self._last = (self._plan.stretch, step.number)
        if now < step.due + self._plan.period + self._plan.tail and now < self._wanted_until:
            self._press(self._limits.mask(step.state))
            self._tell_sent(self._plan.stretch, self._plan.serial, step.number, step.due, now)

    def _next(self, now: float) -> float:
        moments = [self._alive_until, now + BEAT_S]
        if self._holds is _Holds.HUMAN:
            moments.append(self._wanted_until)
        elif not self._frozen:
            moments += [self._end, self._wanted_until]
            if self._queue and self._queue[0].due is not None:
                moments.append(self._queue[0].due)
        return min(moments)

    def _press(self, state: GamepadState) -> None:
        self._pressed = state
        self._pad.send(state)
