"""``Controls``: the only way from the play loop to the pad and the pauser.

The loop may be deep inside inference when the player hits stop, so letting go
must not wait for it: ``disarm`` works from any thread, releases the pad and
resumes the game at once.  Every ``arm`` begins a new epoch, and pad and pauser take
only what belongs to the one that is current: a chunk computed before a pause is void after it.
The pad and the pauser have a lock each, so that a slow freeze never delays a
neutral pad.
"""

from __future__ import annotations

import itertools
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot import controller
from nitropilot.agent.target.fair_play import refuse_protected
from nitropilot.controller.state import NEUTRAL, GamepadState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.controller.pads.gamepad import Gamepad
    from nitropilot.controller.pausing.pauser import Pauser
    from nitropilot.controller.pausing.watchdog import Watchdog


NO_EPOCH = 0


@dataclass(frozen=True)
class Hold:
    """How any process of one game is paused and guarded.

    Attributes:
        page: The pad page that the watchdog makes neutral.
        protect: Processes that must never be paused, such as a private X server.
        freeze_limit: Seconds after which the watchdog ends a freeze on its own.
    """

    page: Path | None
    protect: tuple[int, ...]
    freeze_limit: float

    def take(self, pid: int) -> tuple[controller.Pauser, controller.Watchdog]:
        """The pauser of a process and what is below it, and its watchdog.

        Raises:
            ProtectedGame: It has an anti-cheat system, or is online only.
            ControllerError: It cannot be paused, or not be guarded.
        """
        refuse_protected(pid)
        pauser = controller.Pauser(pid, protect=self.protect)
        watchdog = controller.Watchdog.start(pid, page=self.page, freeze_limit=self.freeze_limit)
        return pauser, watchdog


class Controls:
    """Pad and pauser behind one switch.  Starts disarmed.

    Args:
        pad: The virtual pad; ``close`` closes it.
        pauser: Freezes and thaws the game; ``close`` thaws and closes it.
        watchdog: Told about every freeze; ``close`` dismisses it.

    Attributes:
        on_release: Called after ``disarm`` has made the pad neutral; must not wait or raise.
    """

    def __init__(self, pad: Gamepad, pauser: Pauser, watchdog: Watchdog) -> None:
        self.pad = pad
        self.pauser = pauser
        self.watchdog = watchdog
        self.last_sent = NEUTRAL
        self.on_release: Callable[[], None] | None = None
        self._epochs = itertools.count(1)
        self._epoch = NO_EPOCH
        self._closed = False
        self._pad_lock = threading.Lock()
        self._pause_lock = threading.Lock()

    @property
    def epoch(self) -> int:
        """The current epoch; ``NO_EPOCH`` while disarmed."""
        return self._epoch

    def arm(self) -> int:
        """Begin a new epoch: sends and freezes that name it are let through."""
        self._epoch = next(self._epochs)
        return self._epoch

    def send(self, state: GamepadState, epoch: int) -> bool:
        """Send ``state``; False when ``epoch`` is over, and nothing was sent."""
        with self._pad_lock:
            if not self._valid(epoch):
                return False
            self.pad.send(state)
            self.last_sent = state
            return True

    def pass_on(self, state: GamepadState) -> bool:
        """Send what a human does, while the agent has no say; False when it has.

        No guard applies to a human.
        """
        with self._pad_lock:
            if self._epoch != NO_EPOCH or self._closed:
                return False
            self.pad.send(state)
            self.last_sent = state
            return True

    def freeze(self, epoch: int) -> bool:
        """Freeze the game; False when ``epoch`` is over, and the game runs on.

        Raises:
            WatchdogError: Nobody would resume the game if this process died.
            PauseFailed, ProcessGone: The game could not be frozen.
        """
        with self._pause_lock:
            if not self._valid(epoch):
                return False
            self.watchdog.freezing()
            try:
                self.pauser.freeze()
            except BaseException:
                self.watchdog.thawed()
                raise
            return True

    def thaw(self) -> None:
        """Let the game run.  Harmless when it does."""
        with self._pause_lock:
            self._thaw()

    def disarm(self) -> None:
        """Neutral pad, running game, and nothing more until ``arm``; from any thread.

        Harmless once closed.

        Raises:
            ControllerError: The pad could not be released; it was closed instead,
                which takes the device away from the game.
        """
        self._epoch = NO_EPOCH
        try:
            with self._pad_lock:
                if not self._closed:
                    self._release_pad()
        finally:
            self.thaw()

    def follow(self, pauser: Pauser, watchdog: Watchdog) -> None:
        """Go on with another process of the game, whose first one has ended."""
        with self._pause_lock:
            self.pauser.close()
            before, self.pauser, self.watchdog = self.watchdog, pauser, watchdog
        before.close()

    def close(self) -> None:
        """Let go of everything for good.  Safe to call twice."""
        with ExitStack() as steps:  # the last one first, each whatever became of the others
            steps.callback(self.watchdog.close)
            steps.callback(self._close_pauser)
            steps.callback(self._close_pad)
            steps.callback(self.disarm)

    def _valid(self, epoch: int) -> bool:
        return epoch != NO_EPOCH and epoch == self._epoch and not self._closed

    def _close_pad(self) -> None:
        with self._pad_lock:
            self._closed = True
            self.pad.close()

    def _close_pauser(self) -> None:
        with self._pause_lock:
            self.pauser.close()

    def _release_pad(self) -> None:
        try:
            self.pad.neutral()
        except BaseException:
            self.pad.close()
            raise
        finally:
            self.last_sent = NEUTRAL
        if self.on_release is not None:
            self.on_release()

    def _thaw(self) -> None:
        self.pauser.thaw()
        self.watchdog.thawed()
