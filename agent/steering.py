"""``Steering``: what people ask of a session beside playing, pausing and ending.

A toggle, a single chunk, a panic, which controls the agent may use, and how a human with a
pad of their own takes the game over.  ``Session`` is the one class that builds on this.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.errors import AgentError, NotPossibleNow
from agent.paused import PausedLoop
from agent.states import SessionState

if TYPE_CHECKING:
    import threading

    from agent.game import Game
    from agent.guards import MenuGuard
    from agent.loop import PlayLoop
    from controller.state import GamepadState

NEVER = -1
"""No grant."""
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


class Steering(ABC):
    """The part of a session that people steer it with.  Thread-safe.

    Attributes:
        takeover_default: How a human takes over, unless ``set_takeover`` says otherwise.
    """

    game: Game | None
    loop: PlayLoop | None
    takeover_default = TakeoverSettings()
    _takeover_settings: TakeoverSettings | None = None
    _changed: threading.Condition
    _step_grant = NEVER
    _stepper: PlayLoop | None = None

    @property
    @abstractmethod
    def state(self) -> SessionState:
        """Where the session is now."""

    @abstractmethod
    def play(self) -> None:
        """Let the agent play."""

    @abstractmethod
    def stop(self, reason: str = "stopped on request") -> None:
        """End the session."""

    @abstractmethod
    def _let_go_for(self, state: SessionState) -> None: ...

    @abstractmethod
    def _require_attached(self) -> None: ...

    @abstractmethod
    def _enter(self, state: SessionState) -> None: ...

    @abstractmethod
    def _game(self) -> Game: ...

    def pause(self) -> None:
        """Stop pressing, let the game run.  No effect when already paused.

        Raises:
            NotPossibleNow: The session has not attached yet, or has ended.
            ControllerError: The pad or the game could not be let go; the session fails.
        """
        self._let_go_for(SessionState.PAUSED)

    def takeover(self) -> None:
        """The human plays now: neutral pad at once, until ``play``.

        Raises:
            NotPossibleNow: The session is not attached.
            ControllerError: The pad or the game could not be let go; the session fails.
        """
        self._let_go_for(SessionState.TAKEOVER)

    @property
    def guard(self) -> MenuGuard:
        """What holds back the agent; its limits apply from the next action on.

        Raises:
            NotPossibleNow: The session has not attached yet, or never has.
        """
        if self.loop is None:
            raise NotPossibleNow("the session is not attached to its game", "wait a moment")
        return self.loop.guard

    def limit(self, controls: tuple[str, ...]) -> None:
        """Let the agent use only these controls: see ``MenuGuard.limit``.

        Raises:
            NotPossibleNow: The session is not attached.
            AgentError: A name is unknown.
        """
        with self._changed:
            self._require_attached()
            self.guard.limit(controls)

    @property
    def takeover_settings(self) -> TakeoverSettings:
        """How a human takes over.

        Until it is set it is ``takeover_default``, but touching a pad means nothing to a game
        on a private display: whoever touches one does not see that game.
        """
        if self._takeover_settings is not None:
            return self._takeover_settings
        launched = self.game.launched if self.game is not None else None
        seen = launched is None or launched.display is None
        return replace(self.takeover_default, pad=self.takeover_default.pad and seen)

    def set_takeover(self, settings: TakeoverSettings) -> None:
        """How a human takes over from now on.

        Raises:
            NotPossibleNow: The session is over.
        """
        with self._changed:
            if self.state is not SessionState.ATTACHING:
                self._require_attached()
            self._takeover_settings = settings

    def toggle(self) -> None:
        """Pause when the agent plays, play when it does not.

        Raises:
            NotPossibleNow, ControllerError: As ``play`` and ``pause``.
        """
        with self._changed:
            if self.state is SessionState.PLAYING:
                self.pause()
            else:
                self.play()

    def step(self) -> None:
        """Play one chunk, chosen while the game is frozen, and pause again.

        Raises:
            NotPossibleNow: The agent plays, or the session is not attached.
        """
        with self._changed:
            self._require_attached()
            if self.state is SessionState.PLAYING:
                raise NotPossibleNow("the agent is playing", "pause it first")
            self._enter(SessionState.PLAYING)
            self._step_grant = self._game().controls.arm()

    def panic(self) -> None:
        """Neutral pad, running game, autoplay off.  A session that still attaches ends.

        Nothing happens to a session that has ended.

        Raises:
            ControllerError: The pad or the game could not be let go; the session fails.
        """
        with self._changed:
            attached = self.loop is not None and self.state not in (
                SessionState.IDLE, SessionState.ATTACHING,
            )  # fmt: skip
            if not attached or self.state.ended:
                self.stop("panic")
                return
            try:
                self.pause()
            except NotPossibleNow:  # it is ending, which lets go as well
                self.stop("panic")
        self._game().controls.disarm()  # also what a human holds: paused is not at rest

    def hand_over(self) -> bool:
        """As ``takeover``, if the agent plays; whether it did.  Never undoes a pause."""
        with self._changed:
            if self.state is not SessionState.PLAYING:
                return False
            self.takeover()
            return True

    def hand_back(self) -> bool:
        """As ``play``, if a human has taken over; whether one had.  Never undoes a pause."""
        with self._changed:
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
        game = self.game
        if game is None or game.page is None or self.state not in _HUMANS:
            return False
        return game.controls.pass_on(state)

    def _play_round(self, loop: PlayLoop) -> None:
        """Play for a moment, or the one chunk that was asked for."""
        grant = self._game().controls.grant
        if grant != self._step_grant:
            loop.play_round()
            return
        if not loop.rest():
            return
        stepper = self._step_loop(loop)
        before = loop.stats.chunks
        stepper.play_round()
        loop.waiting_for = stepper.waiting_for
        if loop.stats.chunks == before:
            return  # there was nothing to see
        with self._changed:
            if self._game().controls.grant == grant and self.state is SessionState.PLAYING:
                self.pause()

    def _step_loop(self, loop: PlayLoop) -> PlayLoop:
        """What plays single chunks: one loop for all of them, so that noise goes on."""
        if isinstance(loop, PausedLoop):
            return loop
        if self._stepper is None:
            self._stepper = PausedLoop(loop.parts)
        return self._stepper
