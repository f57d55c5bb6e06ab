"""``Held``: a launched game whose time is ours, in one of three tracks.

In **lockstep** the game stands at its own pictures and goes on by exactly 1/60 s, with the pad's
state as it is at that moment: nothing depends on the machine or on how long anybody thinks.  In the
**paused** track it runs for 1/60 s at its own speed and is frozen in between.  In **realtime** it
just runs; a step lasts until the next 1/60 s is over.

Whatever track: a hand (``controller.hand``) holds the game, so that nothing is left of it when this
process is killed.  In the paused and realtime tracks the hand presses and freezes as well; in
lockstep this process writes the two pages itself, once a step.  Nothing above knows the difference.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import TYPE_CHECKING

from nitropilot import controller
from nitropilot.controller.clock.clock_page import STEP_S
from nitropilot.controller.errors import ControllerError
from nitropilot.controller.pads.chooser import NO_PAD
from nitropilot.simulator.environments.errors import NoEpisode, NotPlayable

if TYPE_CHECKING:
    from nitropilot.agent.target.launch import LaunchedGame
    from nitropilot.controller.clock.clock_page import ClockPage
    from nitropilot.controller.pads.pad_page import PadPage
    from nitropilot.controller.state import GamepadState

FIRST_PICTURE_S = 120.0
"""How long a game may load until it stands at its first picture."""
LAPSE_S = 1.0
"""How long a state stays pressed while the game runs and nobody asks for the next step."""
NO_LIMIT_S = 1e9
"""A game that was launched for an environment may stand as long as anybody thinks: whoever asked
for it beats, and the game ends with them."""
_EPOCH = 1


class Held(ABC):
    """One launched game, held.

    Args:
        launched: The game; who gave it also closes it.
    """

    freeze = ""
    """How it is held still, in words."""

    def __init__(self, launched: LaunchedGame) -> None:
        if launched.clock is None or launched.page is None:
            raise NotPlayable(
                "a task's game needs a pad and a clock of ours", "play it on Linux, with a compiler"
            )
        self._launched = launched
        self._clock: ClockPage = launched.clock
        self._pad: PadPage = launched.page
        self._undo = ExitStack()
        self._counts = False

    @property
    def pictures(self) -> int:
        """How many it has shown."""
        return self._clock.status().pictures

    def alive(self) -> bool:
        """Whether the game still runs."""
        return self._launched.process.poll() is None

    @abstractmethod
    def step(self, state: GamepadState) -> int:
        """Play with that pad until 1/60 s of game time is over; how many such times it were.

        Raises:
            NoEpisode: The pad was let go while game time ran: the episode is void.
            ControllerError: The game has ended, hangs or cannot be held.
        """

    def begin(self) -> None:
        """The episode begins: from now on a lapse voids it."""
        self._counts = True

    def close(self) -> None:
        """Let go of the game.  Safe to call twice."""
        self._undo.close()

    def _take(self, hand: controller.Hand) -> controller.Hand:
        self._undo.callback(hand.close)
        return hand

    def _protected(self) -> list[int]:
        display = self._launched.display
        return [display.process.pid] if display is not None else []


class LockstepHeld(Held):
    """Steps by the picture."""

    freeze = "lockstep"

    def __init__(self, launched: LaunchedGame) -> None:
        super().__init__(launched)
        self._clock.wait_ready(FIRST_PICTURE_S, self.alive)
        self._guard = self._new_guard()

    def step(self, state: GamepadState) -> int:
        """As ``Held``; the state is taken once, at the gate, and so it cannot lapse."""
        try:
            self._guard.check()
        except ControllerError:  # it was held up for too long; the game stands all the same
            self._guard = self._new_guard()
        self._pad.write(state)
        self._clock.step(alive=self.alive)
        return 1

    def _new_guard(self) -> controller.Hand:
        """A hand that neither presses nor freezes: it outlives us, should we be killed."""
        pid = self._launched.process.pid
        return self._take(controller.Hand.start(pid, pad=NO_PAD, protect=self._protected()))


class PausedHeld(Held):
    """Runs for a sixtieth of a second, and is frozen."""

    freeze = "clock and process"

    def __init__(self, launched: LaunchedGame) -> None:
        super().__init__(launched)
        self._hand = self._take(
            controller.Hand.start(
                launched.process.pid, pad="sdl", page=self._pad.path, clock=self._clock.path,
                protect=self._protected(), freeze_limit=NO_LIMIT_S,
            )
        )  # fmt: skip
        self._undo.enter_context(self._hand.computing())
        self._hand.arm(_EPOCH)
        self._hand.freeze(_EPOCH)
        self._until = self._clock.virtual_time()

    def step(self, state: GamepadState) -> int:
        """As ``Held``; what one step is too long, the next one is shorter."""
        hand, lapses, cut = self._hand, self._hand.lapses, self._hand.cut_freezes
        hand.check()
        self._until += STEP_S
        hand.hold(_EPOCH, state, LAPSE_S)
        since = time.monotonic()
        hand.thaw()
        while (left := self._until - self._clock.virtual_time()) > 0:
            time.sleep(left)
        hand.freeze(_EPOCH)
        late = time.monotonic() - since > LAPSE_S
        if self._counts and (late or (hand.lapses, hand.cut_freezes) != (lapses, cut)):
            raise lapsed()
        return 1


class RealtimeHeld(Held):
    """Runs."""

    freeze = "none"

    def __init__(self, launched: LaunchedGame) -> None:
        super().__init__(launched)
        self._hand = self._take(
            controller.Hand.start(
                launched.process.pid, pad="sdl", page=self._pad.path, protect=self._protected()
            )
        )
        self._hand.arm(_EPOCH)
        self._over = self._pressed = time.monotonic()

    def begin(self) -> None:
        """As ``Held``; its first step is over a sixtieth of a second from now."""
        super().begin()
        self._over = self._pressed = time.monotonic()

    def step(self, state: GamepadState) -> int:
        """As ``Held``; who comes late has missed the steps that are over meanwhile."""
        self._hand.check()
        lapses, now = self._hand.lapses, time.monotonic()
        if self._counts and now - self._pressed > LAPSE_S:
            raise lapsed()
        self._hand.hold(_EPOCH, state, LAPSE_S)
        self._pressed = now
        steps = max(1, int((now - self._over) / STEP_S) + 1)
        self._over += steps * STEP_S
        time.sleep(max(self._over - time.monotonic(), 0.0))
        if self._counts and self._hand.lapses != lapses:
            raise lapsed()
        return steps


TRACKS: dict[str, type[Held]] = {
    "lockstep": LockstepHeld, "paused": PausedHeld, "realtime": RealtimeHeld,
}  # fmt: skip


def lapsed() -> NoEpisode:
    """What voids an episode."""
    return NoEpisode(
        f"the pad was let go while the game ran: {LAPSE_S:g} s passed without a step, or this "
        "process or the game's hand stood still",
        "the episode is void: call reset",
    )
