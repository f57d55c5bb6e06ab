"""``StepHand``: the hand of a game that goes on by so much time at once as it is asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.controller.clock.clock_page import STEP_TIMEOUT_S
from nitropilot.controller.hand.hand import FREEZE_S, Hand
from nitropilot.controller.hand.protocol import pack

if TYPE_CHECKING:
    from nitropilot.controller.state import GamepadState


class StepHand(Hand):
    """Holds one game that was launched with a clock of ours.  Thread-safe.

    Either it goes by **steps** of 1/60 s (``stand``, ``step``), or it is frozen, and runs for a
    while (``freeze``, ``run``).  In both ways what is pressed stays pressed while the game stands
    still, however long that is.
    """

    def stand(self, epoch: int, timeout: float = STEP_TIMEOUT_S) -> bool:
        """Let the game go by steps; returns when it stands at its gate.

        Args:
            epoch: False is returned when it is over, and the game runs on.
            timeout: Seconds that it may take until it shows a picture.

        Raises:
            StepHangs: It does not come there.
            ClockLapsed: Another hand held it there, and it went on by itself since.
            ProcessGone: It has ended.
            ClockFailed: Its clock is not ours.
            HandError: The hand is gone.
        """
        stands: bool = self._ask_or_end("stand", epoch, timeout, timeout=timeout + FREEZE_S)
        return stands

    def step(
        self, epoch: int, state: GamepadState, count: int = 1, timeout: float = STEP_TIMEOUT_S
    ) -> bool:
        """Let it do so many steps with that pad; returns when it stands again.

        Args:
            epoch: False is returned when it is over, and no step is done.
            state: Taken once for each step, when that begins.
            count: How many.
            timeout: Seconds that each of them may last.

        Raises:
            StepHangs: One does not end; says which thread hangs.
            ClockLapsed: The game went on by itself: this process was silent for too long, or it
                was let go meanwhile.
            ProcessGone: It has ended.
            ClockFailed: It does not go by steps.
            HandError: The hand is gone.
        """
        done: bool = self._ask_or_end(
            "step", epoch, count, timeout, pack(state), timeout=count * timeout + FREEZE_S
        )
        return done

    def run(self, epoch: int, state: GamepadState, until: float, seconds: float) -> bool:
        """Let a frozen game run until ``until`` with that pad; returns when it is frozen again.

        Args:
            epoch: As for ``step``.
            state: What is pressed, from before the game runs until it runs next.
            until: Seconds of virtual time.
            seconds: How long the state lasts at most, should that moment not come.

        Returns:
            Whether the game had stood until now and has had that pad ever since: not if it was
            let go meanwhile, or had been before.

        Raises:
            PauseFailed, PauseRefused, ProcessGone: It could not be stopped.
            ClockLapsed: It was let go in the middle.
            ClockFailed: Its clock is not ours.
            HandError: The hand is gone.
        """
        kept: bool = self._ask_or_end(
            "run", epoch, until, seconds, pack(state), timeout=seconds + FREEZE_S
        )
        self._frozen |= kept
        return kept
