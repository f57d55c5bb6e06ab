"""``Held``: a launched game whose time is ours, in one of three tracks.

In **lockstep** the game stands at its own pictures and goes on by exactly 1/60 s, with the pad's
state as it is at that moment: nothing depends on the machine or on how long anybody thinks.  In the
**paused** track it runs for 1/60 s at its own speed and is frozen in between.  In **realtime** it
just runs; a step lasts until the next 1/60 s is over.

Whatever track: the game's hand (``controller.hand``) presses, steps and freezes, so that nothing is
pressed or stands when this process is killed; here the game's pages are only read.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import TYPE_CHECKING

from nitropilot import controller
from nitropilot.controller.clock.clock_page import STEP_S
from nitropilot.controller.clock.freezing import FreezeWay
from nitropilot.controller.errors import HandError
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
LEASE_S = 10.0
"""How long a game stands when this process has fallen silent; as long as it beats, it may stand
for ever, as it is on a display of its own and ends with us."""
HANDS = 3
"""How often a hand is replaced before a step is given up."""
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

    def _new_hand(self, clock: bool = True) -> controller.StepHand:
        """A hand that holds it, in its first epoch; with its clock as well, if that is wanted."""
        display = self._launched.display
        hand = controller.StepHand.start(
            self._launched.process.pid, pad="sdl", page=self._pad.path,
            clock=self._clock.path if clock else None,
            protect=[display.process.pid] if display is not None else [],
            freeze_lease=LEASE_S, stays=True,
        )  # fmt: skip
        self._undo.callback(hand.close)
        hand.arm(_EPOCH)
        return hand


class LockstepHeld(Held):
    """Steps by the picture."""

    freeze = "lockstep"

    def __init__(self, launched: LaunchedGame) -> None:
        super().__init__(launched)
        self._hand = self._new_hand()
        self._hand.stand(_EPOCH, FIRST_PICTURE_S)

    def step(self, state: GamepadState) -> int:
        """As ``Held``; each is done once, whatever becomes of the hand, while the game stands."""
        before = self._clock.status().steps
        for left in reversed(range(HANDS)):
            try:
                self._hand.check()
                self._hand.step(_EPOCH, state)
                break
            except HandError:
                if not left:
                    raise
                self._hand = self._another_hand()
                if self._clock.status().steps != before:
                    break
        return 1

    def _another_hand(self) -> controller.StepHand:
        """In place of one that is gone; a step that it had begun is over before that one writes."""
        self._clock.wait_ready(alive=self.alive)
        hand = self._new_hand()
        hand.stand(_EPOCH)
        return hand


class PausedHeld(Held):
    """Runs for a sixtieth of a second, and is frozen."""

    freeze = FreezeWay.BOTH.value

    def __init__(self, launched: LaunchedGame) -> None:
        super().__init__(launched)
        self._hand = self._new_hand()
        self._hand.freeze(_EPOCH)
        self._until = self._clock.virtual_time()

    def step(self, state: GamepadState) -> int:
        """As ``Held``; what one step is too long, the next one is shorter."""
        self._until += STEP_S
        if not self._hand.run(_EPOCH, state, self._until, LAPSE_S):
            if self._counts:
                raise lapsed()
            self._until = self._clock.virtual_time()
        return 1


class RealtimeHeld(Held):
    """Runs."""

    freeze = "none"

    def __init__(self, launched: LaunchedGame) -> None:
        super().__init__(launched)
        self._hand = self._new_hand(clock=False)
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
