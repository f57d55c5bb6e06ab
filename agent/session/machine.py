"""``SessionMachine``: which state a session is in, and what it holds of its game meanwhile.

The session's thread and whoever controls the session from another one share it; all that
either of them decides is decided under its one lock.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from nitropilot.agent.cancelling import Cancellation
from nitropilot.agent.errors import NotPossibleNow
from nitropilot.agent.play.people import refuse_to_play
from nitropilot.agent.session.plan import ending_of
from nitropilot.agent.session.states import SessionState, check_transition
from nitropilot.agent.values import Restart

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent.play.loop import PlayLoop
    from nitropilot.agent.target.controls import Controls
    from nitropilot.agent.target.game import Game
    from nitropilot.agent.values import End

log = logging.getLogger("nitropilot.session")


class SessionMachine:
    """The states of one session.  Thread-safe.

    Args:
        session: Its id.
        changed: Called in each new state, with the lock held; must not wait.
        wanted: See below.
        replaces: Whether it goes on in the place of one that has failed.

    Attributes:
        id: As given.
        condition: The lock; whoever waits for it is woken by every change.
        game: What is played; None until it is there.
        loop: What plays; None until then.
        ending: How the session is to end; None until that is settled.
        cancelled: Set from then on: whoever takes hold of the game for the session gives up.
        step_epoch: The epoch in which one chunk alone is to be played; None before there is one.
        wanted: What people want, as far as they have said: ``playing``, ``paused``, ``takeover``,
            or ``stopped``: neither this session nor one in its place.
        restart: What becomes of the play after a failure.
    """

    def __init__(
        self,
        session: str,
        changed: Callable[[], None],
        wanted: SessionState = SessionState.PLAYING,
        replaces: bool = False,
        people_only: bool = False,
    ) -> None:
        self.id = session
        self.condition = threading.Condition()
        self.game: Game | None = None
        self.loop: PlayLoop | None = None
        self.ending: tuple[SessionState, End] | None = None
        self.cancelled = Cancellation()
        self.step_epoch: int | None = None
        self.wanted = wanted
        self.restart: Restart | None = None
        self._replaces = replaces
        self._people_only = people_only
        self._called_off = ""
        self._state = SessionState.IDLE
        self._tell_changed = changed

    @property
    def state(self) -> SessionState:
        """Where the session is now."""
        return self._state

    @property
    def controls(self) -> Controls:
        """The pad and the pauser of an attached session.

        Raises:
            NotPossibleNow: It has no game yet.
        """
        if self.game is None:
            raise NotPossibleNow("the session has no game yet", "start it")
        return self.game.controls

    def require_attached(self) -> None:
        """Raise ``NotPossibleNow`` while the session attaches, and once it is to end."""
        if self._state is SessionState.ATTACHING:
            raise NotPossibleNow("the session is still attaching to its game", "wait a moment")
        if self.ending is not None:
            raise NotPossibleNow(f"the session is over: {self.ending[1].reason}")

    def require_going(self) -> None:
        """Raise ``NotPossibleNow`` once the play is to end, here and in this session's place."""
        if self.about_to_go_on:
            return
        if self._state is not SessionState.ATTACHING or self.ending is not None:
            self.require_attached()

    @property
    def about_to_go_on(self) -> bool:
        """Whether it has failed and a session is to go on in its place."""
        return self.restart is not None and self.restart.pending

    @property
    def plays_on(self) -> bool:
        """Whether the agent plays, or will by itself: in this session or in its place."""
        if self._state.ended:
            return self.about_to_go_on
        if self._state is SessionState.ATTACHING and self._replaces:
            return self.wanted is SessionState.PLAYING
        return self._state is SessionState.PLAYING

    def require_wanted(self) -> None:
        """Raise ``NotPossibleNow`` once a session that attaches is to end."""
        self.cancelled.check()

    def enter(self, state: SessionState) -> None:
        """Go into another state.

        Raises:
            NotPossibleNow: No way leads there from here.
        """
        with self.condition:
            check_transition(self._state, state)
            log.info("session %s: %s -> %s", self.id, self._state, state)
            self._state = state
            self.condition.notify_all()
            self._tell_changed()

    def announce(self, state: SessionState) -> bool:
        """Go there once attached; False where that is not for this session, or not now, to say."""
        if not self._replaces or self._state is not SessionState.ATTACHING or self.ending:
            return False
        if self._people_only and state is SessionState.PLAYING:
            refuse_to_play()
        self.wanted = state
        return True

    def arm(self) -> int:
        """The agent plays; the epoch of its controls.

        Raises:
            NotPossibleNow: The session is not attached, or there is no agent.
            ControllerError: The game's hand is gone, and nothing has changed.
        """
        if self._people_only:
            refuse_to_play()
        self.controls.check()
        self.enter(SessionState.PLAYING)
        self.wanted = SessionState.PLAYING
        return self.controls.arm()

    def let_go(self, state: SessionState) -> None:
        """Go into a state in which the agent presses nothing.  No effect when it is this one.

        A session that goes on in another's place goes there once it has attached.

        Raises:
            NotPossibleNow: The session is not attached.
            ControllerError: The pad or the game could not be let go; the session fails.
        """
        with self.condition:
            if self.announce(state):
                return
            self.require_attached()
            if self._state is state:
                return
            self.enter(state)
            self.wanted = state
            try:
                self.controls.disarm()
            except Exception as error:
                self.end_with(*ending_of(error))
                if state is SessionState.PAUSED:
                    self.call_off("paused")
                raise

    def end_with(self, state: SessionState, end: End) -> None:
        """Note how the session is to end; the first who does decides."""
        with self.condition:
            if self.ending is None:
                self.ending = (state, end)
                self.cancelled.set()
            else:
                log.info("session %s, while ending: %s", self.id, end.reason)
            self.condition.notify_all()

    def finish(self, state: SessionState, restart: Restart | None) -> None:
        """Enter the last state, with what becomes of the play then."""
        with self.condition:
            if restart is not None and restart.pending and self.wanted is SessionState.STOPPED:
                restart = Restart("cancelled", reason=self._called_off)
            self.restart = restart
            self.enter(state)

    def settle(self, restart: Restart) -> bool:
        """Say what becomes of the play, if that is still open; whether it was."""
        with self.condition:
            if self.restart is None or not self.restart.pending:
                return False
            self.restart = restart
            self.condition.notify_all()
            self._tell_changed()
            return True

    def wait_settled(self, timeout: float) -> bool:
        """Wait until it is said what becomes of the play; False after ``timeout`` seconds."""
        with self.condition:
            return self.condition.wait_for(
                lambda: self.restart is None or not self.restart.pending, timeout
            )

    def call_off(self, why: str) -> bool:
        """Nothing is to go on in this session's place; whether something was about to.

        No effect on a session that goes on itself.

        Args:
            why: For whoever looks.
        """
        with self.condition:
            if self.ending is None:
                return False
            if self.restart is None:  # it may still be on its way to fail
                self.wanted, self._called_off = SessionState.STOPPED, why
            return self.settle(Restart("cancelled", reason=why))
