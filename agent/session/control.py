"""``SessionControl``: what people ask of a session, from any thread.

Play, pause, end; a toggle, a single chunk, a panic; which controls the agent may use; and how
a human with a pad of their own takes the game over.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nitropilot.agent.errors import AgentError, NotPossibleNow
from nitropilot.agent.session.states import SessionState
from nitropilot.agent.values import End

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent.events import EventQueue
    from nitropilot.agent.pad.guards import MenuGuard
    from nitropilot.agent.record.human_tape import HumanTape
    from nitropilot.agent.session.machine import SessionMachine
    from nitropilot.controller.state import GamepadState

log = logging.getLogger("nitropilot.session")

MAX_IDLE_S = 3600.0
_HUMANS = (SessionState.TAKEOVER, SessionState.PAUSED)
"""States in which a human may play."""


@dataclass(frozen=True)
class TakeoverSettings:
    """How a human takes over with a pad of their own.

    Attributes:
        pad: Whether touching a physical pad does it.
        idle_seconds: The agent plays again when the pad was left alone for so long;
            None: only on request.
    """

    pad: bool = True
    idle_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.idle_seconds is not None and not 0 < self.idle_seconds <= MAX_IDLE_S:
            raise AgentError(
                f"idle_seconds is {self.idle_seconds}", f"use more than 0, up to {MAX_IDLE_S:g}"
            )


class SessionControl:
    """Controls one session.  Thread-safe.

    Args:
        machine: The session's states.
        tape: Told what a human does on a pad of their own.
        events: Takes what an observer is told.
        finish: Ends a session that was never started, and so has no thread to do it.

    Attributes:
        tape: As given.
        events: As given.
        takeover_default: How a human takes over, unless ``set_takeover`` says otherwise.
    """

    def __init__(
        self,
        machine: SessionMachine,
        tape: HumanTape,
        events: EventQueue,
        finish: Callable[[], None],
    ) -> None:
        self.tape = tape
        self.events = events
        self.takeover_default = TakeoverSettings()
        self._machine = machine
        self._finish = finish
        self._takeover_settings: TakeoverSettings | None = None

    @property
    def id(self) -> str:
        """The session's."""
        return self._machine.id

    @property
    def state(self) -> SessionState:
        """Where the session is now."""
        return self._machine.state

    def play(self) -> None:
        """Let the agent play (again).  No effect when it does.

        Raises:
            NotPossibleNow: The session has not attached yet, or has ended.
        """
        with self._machine.condition:
            self._machine.require_attached()
            if self.state is not SessionState.PLAYING:
                self._machine.arm()

    def pause(self) -> None:
        """Stop pressing, let the game run.  No effect when already paused.

        Raises:
            NotPossibleNow: The session has not attached yet, or has ended.
            ControllerError: The pad or the game could not be let go; the session fails.
        """
        self._machine.let_go(SessionState.PAUSED)

    def takeover(self) -> None:
        """The human plays now: neutral pad at once, until ``play``.

        Raises:
            NotPossibleNow: The session is not attached.
            ControllerError: The pad or the game could not be let go; the session fails.
        """
        self._machine.let_go(SessionState.TAKEOVER)

    def stop(self, reason: str = "stopped on request") -> None:
        """Neutral pad and running game at once; the session then ends.  Safe to call twice."""
        with self._machine.condition:
            self._machine.end_with(SessionState.STOPPED, End("stopped", reason))
            if self.state is SessionState.IDLE:
                self._finish()
        if self._machine.game is not None:
            try:
                self._machine.controls.disarm()
            except Exception:  # the session's thread tries again and says so in its end
                log.exception("session %s could not let go at once", self.id)

    @property
    def guard(self) -> MenuGuard:
        """What holds back the agent; its limits apply from the next action on.

        Raises:
            NotPossibleNow: The session has not attached yet, or never has.
        """
        if self._machine.loop is None:
            raise NotPossibleNow("the session is not attached to its game", "wait a moment")
        return self._machine.loop.guard

    def limit(self, controls: tuple[str, ...]) -> None:
        """Let the agent use only these controls: see ``MenuGuard.limit``.

        Raises:
            NotPossibleNow: The session is not attached.
            AgentError: A name is unknown.
        """
        with self._machine.condition:
            self._machine.require_attached()
            self.guard.limit(controls)

    @property
    def takeover_settings(self) -> TakeoverSettings:
        """How a human takes over.

        Until it is set it is ``takeover_default``, but touching a pad means nothing to a game
        on a private display: whoever touches one does not see that game.
        """
        if self._takeover_settings is not None:
            return self._takeover_settings
        game = self._machine.game
        launched = game.launched if game is not None else None
        seen = launched is None or launched.display is None
        return replace(self.takeover_default, pad=self.takeover_default.pad and seen)

    def set_takeover(self, settings: TakeoverSettings) -> None:
        """How a human takes over from now on.

        Raises:
            NotPossibleNow: The session is over.
        """
        with self._machine.condition:
            if self.state is not SessionState.ATTACHING:
                self._machine.require_attached()
            self._takeover_settings = settings

    def toggle(self) -> None:
        """Pause when the agent plays, play when it does not.

        Raises:
            NotPossibleNow, ControllerError: As ``play`` and ``pause``.
        """
        with self._machine.condition:
            if self.state is SessionState.PLAYING:
                self.pause()
            else:
                self.play()

    def step(self) -> None:
        """Play one chunk, chosen while the game is frozen, and pause again.

        Raises:
            NotPossibleNow: The agent plays, or the session is not attached.
        """
        with self._machine.condition:
            self._machine.require_attached()
            if self.state is SessionState.PLAYING:
                raise NotPossibleNow("the agent is playing", "pause it first")
            self._machine.step_epoch = self._machine.arm()

    def panic(self) -> bool:
        """Neutral pad, running game, autoplay off.  A session that still attaches ends.

        Nothing happens to a session that has ended.

        Returns:
            Whether there was something to let go: not of a session that was paused or over.

        Raises:
            ControllerError: The pad or the game could not be let go; the session fails.
        """
        with self._machine.condition:
            busy = self.state is not SessionState.PAUSED and self._machine.ending is None
            attached = self._machine.loop is not None and self.state not in (
                SessionState.IDLE, SessionState.ATTACHING,
            )  # fmt: skip
            if not attached or self.state.ended:
                self.stop("panic")
                return busy
            try:
                self.pause()
            except NotPossibleNow:  # it is ending, which lets go as well
                self.stop("panic")
        self._machine.controls.disarm()  # also what a human holds: paused is not at rest
        return busy

    def hand_over(self) -> bool:
        """As ``takeover``, if the agent plays; whether it did.  Never undoes a pause."""
        with self._machine.condition:
            if self.state is not SessionState.PLAYING:
                return False
            self.takeover()
            return True

    def hand_back(self) -> bool:
        """As ``play``, if a human has taken over; whether one had.  Never undoes a pause."""
        with self._machine.condition:
            if self.state is not SessionState.TAKEOVER:
                return False
            self.play()
            return True

    def pass_on(self, state: GamepadState) -> bool:
        """Give what a human does on a pad of their own to the game; whether it took it.

        Only a game with the preloaded pad needs that: it sees no other one.  Nothing is
        passed on while the agent plays.

        Raises:
            PadFailed: The pad did not take it.
        """
        game = self._machine.game
        if game is None or game.page is None or self.state not in _HUMANS:
            return False
        return game.controls.pass_on(state)
