"""``SessionControl``: what people ask of a session, from any thread.

Play, pause, end; a toggle, a single chunk, a panic; which controls the agent may use; and how
a human with a pad of their own takes the game over.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from nitropilot.agent.errors import NotPossibleNow
from nitropilot.agent.session.states import SessionState
from nitropilot.agent.values import End
from nitropilot.controller.errors import ControllerError, HandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent.events import EventQueue
    from nitropilot.agent.pad.guards import MenuGuard
    from nitropilot.agent.record.human_tape import HumanTape
    from nitropilot.agent.session.machine import SessionMachine
    from nitropilot.agent.session.takeover import TakeoverSettings
    from nitropilot.controller.state import GamepadState

log = logging.getLogger("nitropilot.session")

_HUMANS = (SessionState.TAKEOVER, SessionState.PAUSED)
"""States in which a human may play."""


class SessionControl:
    """Controls one session.  Thread-safe.

    Args:
        machine: The session's states.
        guard: What holds back the agent.
        tape: Told what a human does on a pad of their own.
        events: Takes what an observer is told.
        takeover: How a human takes over, unless ``set_takeover`` says otherwise.
        said: What was said of that before.
        finish: Ends a session that was never started, and so has no thread to do it.

    Attributes:
        guard: As given; its limits apply from the next action on.
        tape: As given.
        events: As given.
        takeover_said: What was said last of how a human takes over; None for nothing.
    """

    def __init__(
        self,
        machine: SessionMachine,
        guard: MenuGuard,
        tape: HumanTape,
        events: EventQueue,
        takeover: TakeoverSettings,
        said: TakeoverSettings | None,
        finish: Callable[[], None],
    ) -> None:
        self.guard = guard
        self.tape = tape
        self.events = events
        self.takeover_said = said
        self._machine = machine
        self._takeover = takeover
        self._finish = finish

    @property
    def id(self) -> str:
        """The session's."""
        return self._machine.id

    @property
    def state(self) -> SessionState:
        """Where the session is now."""
        return self._machine.state

    @property
    def plays_on(self) -> bool:
        """Whether the agent plays, or will by itself: in this session or in its place."""
        return self._machine.plays_on

    def play(self) -> None:
        """Let the agent play (again).  No effect when it does.

        Raises:
            NotPossibleNow: The session has not attached yet, or has ended.
        """
        with self._machine.condition:
            if self._machine.announce(SessionState.PLAYING):
                return
            self._machine.require_attached()
            if self.state is not SessionState.PLAYING:
                self._machine.arm()

    def pause(self) -> None:
        """Stop pressing, let the game run.  No effect when already paused.

        Of a session that has failed nothing goes on by itself then.

        Raises:
            NotPossibleNow: The session has not attached yet, or has ended for good.
            ControllerError: The pad or the game could not be let go; the session fails.
        """
        if not self._machine.call_off("paused"):
            self._machine.let_go(SessionState.PAUSED)

    def takeover(self) -> None:
        """The human plays now: neutral pad at once, until ``play``.

        Raises:
            NotPossibleNow: The session is not attached.
            ControllerError: The pad or the game could not be let go; the session fails.
        """
        self._machine.let_go(SessionState.TAKEOVER)

    def stop(self, reason: str = "stopped on request") -> None:
        """Neutral pad and running game at once; the session then ends.  Safe to call twice.

        Nothing goes on in its place.
        """
        with self._machine.condition:
            self._machine.end_with(SessionState.STOPPED, End("stopped", reason))
            self._machine.call_off(reason)
            if self.state is SessionState.IDLE:
                self._finish()
        if self._machine.game is not None:
            try:
                self._machine.controls.disarm()
            except Exception:  # the session's thread tries again and says so in its end
                log.exception("session %s could not let go at once", self.id)

    def limit(self, controls: tuple[str, ...]) -> None:
        """Let the agent use only these controls: see ``MenuGuard.limit``.

        Raises:
            NotPossibleNow: The session is over.
            AgentError: A name is unknown.
        """
        with self._machine.condition:
            self._machine.require_going()
            self.guard.limit(controls)

    @property
    def takeover_settings(self) -> TakeoverSettings:
        """How a human takes over.

        Until it is set it is the daemon's setting, but touching a pad means nothing to a game
        on a private display: whoever touches one does not see that game.
        """
        if self.takeover_said is not None:
            return self.takeover_said
        game = self._machine.game
        launched = game.launched if game is not None else None
        seen = launched is None or launched.display is None
        return replace(self._takeover, pad=self._takeover.pad and seen)

    def set_takeover(self, settings: TakeoverSettings) -> None:
        """How a human takes over from now on.

        Raises:
            NotPossibleNow: The session is over.
        """
        with self._machine.condition:
            self._machine.require_going()
            self.takeover_said = settings

    def toggle(self) -> None:
        """Pause when the agent plays or would go on by itself, play when it does not.

        Raises:
            NotPossibleNow, ControllerError: As ``play`` and ``pause``.
        """
        with self._machine.condition:
            if self._machine.plays_on:
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
            self._machine.wanted = SessionState.PAUSED

    def panic(self) -> bool:
        """Neutral pad, running game, autoplay off.  A session that still attaches ends.

        Of one that has failed nothing goes on by itself.

        Returns:
            Whether there was something to let go, now or soon: not of one that was paused or over.

        Raises:
            ControllerError: The pad or the game could not be let go; the session fails.
        """
        with self._machine.condition:
            busy = self.state is not SessionState.PAUSED and self._machine.ending is None
            busy = busy or self._machine.plays_on
            attached = self._machine.loop is not None and self.state not in (
                SessionState.IDLE, SessionState.ATTACHING,
            )  # fmt: skip
            if not attached or self.state.ended:
                self.stop("panic")
                return busy
            try:
                self._machine.controls.check()
                self.pause()
            except NotPossibleNow:  # it is ending, which lets go as well
                self.stop("panic")
            except HandError:  # what it held went with the hand, or goes now
                self.stop("panic")
                return busy
            except ControllerError:
                self.stop("panic")
                raise
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

    def pass_on(self, state: GamepadState, again: bool = False) -> bool:
        """Give what a human does on a pad of their own to the game; whether it took it.

        Only a game with the preloaded pad needs that: it sees no other one.  Nothing is
        passed on while the agent plays.

        Raises:
            PadFailed: The pad did not take it.
        """
        game = self._machine.game
        if game is None or game.page is None or self.state not in _HUMANS:
            return False
        return game.controls.pass_on(state, again)
