"""``HumanPlay``: from what a human does on a pad of their own to who plays.

Touching the pad takes every game over whose session allows it; what the human does goes on
to games that see no pad but ours; and after a while without a touch the agent plays again,
where that is wanted.  ``HumanThread`` feeds it from the machine's pads.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Protocol

from nitropilot.agent.session.states import SessionState
from nitropilot.calls import Call
from nitropilot.controller.human.reader import touched
from nitropilot.controller.state import NEUTRAL
from nitropilot.errors import NitroPilotError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nitropilot.agent.record.human_tape import HumanTape
    from nitropilot.agent.session.takeover import TakeoverSettings
    from nitropilot.controller.human.reader import HumanPads
    from nitropilot.controller.state import GamepadState

log = logging.getLogger("nitropilot.human")

POLL_S = 0.1
"""How often to look whether the pad was left alone for long enough."""
REPEAT_S = 0.1
"""How often what is held is said again: a game's hand lets go of what nobody repeats."""
GATHER_S = 0.004
"""Pads report up to 1000 times a second; games look 60 times."""
LET_GO_S = 0.05
"""How long to wait for a game that is let go or given back: it takes milliseconds, and seconds
where the game will not run again, in which what is held in other games must be said again."""
_HUMANS = (SessionState.TAKEOVER, SessionState.PAUSED)
"""States in which a human may play."""


class TakeoverTarget(Protocol):
    """The part of a ``SessionControl`` that is used here."""

    @property
    def id(self) -> str:
        """The session's."""

    @property
    def takeover_settings(self) -> TakeoverSettings:
        """How a human takes over."""

    @property
    def state(self) -> SessionState:
        """Where the session is now."""

    @property
    def tape(self) -> HumanTape:
        """Told what the human does."""

    def hand_over(self) -> bool:
        """The human plays, if the agent did."""

    def hand_back(self) -> bool:
        """The agent plays, if a human had taken over."""

    def pass_on(self, state: GamepadState, again: bool = False) -> bool:
        """What the human does, or still does, for a game that sees no other pad."""


class HumanPlay:
    """Decides who plays.  Used from one thread.

    Args:
        sessions: Those there are now.
        seen: Called with a session and the state of the human's pad, each time it changes
            while the human plays: the place where an observer learns of it.
        clock: Seconds.
    """

    def __init__(
        self,
        sessions: Callable[[], Iterable[TakeoverTarget]],
        seen: Callable[[TakeoverTarget, GamepadState], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions = sessions
        self._seen = seen
        self._clock = clock
        self._now = NEUTRAL
        self._last_touch = clock()
        self._since: dict[str, float] = {}
        self._repeated = clock()
        self._asked: dict[str, Call[bool]] = {}

    def feed(self, state: GamepadState) -> None:
        """The pads' state has changed."""
        self._now = state
        touch = touched(state)
        if touch:
            self._last_touch = self._clock()
        for session in self._sessions():
            if session.takeover_settings.pad:
                self._attempt(session, lambda one: self._human(one, state, touch))

    def tick(self) -> None:
        """Hold what is held, and give the game back where the pad was left alone for long."""
        now = self._clock()
        if touched(self._now):  # held still is not left alone
            self._last_touch = now
        if not self._now.is_neutral and now - self._repeated >= REPEAT_S:
            self._repeated = now
            self._repeat()
        taken: dict[str, float] = {}
        for session in self._sessions():
            if session.id in self._asked and self._asked[session.id].over:
                self._attempt(session, self._answered)
            if session.state is not SessionState.TAKEOVER:
                continue
            since = taken[session.id] = self._since.get(session.id, now)
            idle = session.takeover_settings.idle_seconds
            if idle is not None and now - max(self._last_touch, since) >= idle:
                self._attempt(session, lambda one: self._ask(one, lambda: _hand_back(one)))
        self._since = taken
        known = {session.id for session in self._sessions()}
        self._asked = {name: call for name, call in self._asked.items() if name in known}

    def _human(self, session: TakeoverTarget, state: GamepadState, touch: bool) -> None:
        session.tape.see(state)
        if touch and session.state is SessionState.PLAYING:
            self._ask(session, lambda: _hand_over(session))
        self._pass_on(session, state)

    def _ask(self, session: TakeoverTarget, act: Callable[[], bool]) -> None:
        """Let a session's game go, or give it back, in a thread of its own, once at a time."""
        if session.id in self._asked:
            return
        call = self._asked[session.id] = Call(act)
        threading.Thread(target=call.make, name="nitropilot-hand-over", daemon=True).start()
        if call.comes(LET_GO_S):
            del self._asked[session.id]
            call.result()

    def _answered(self, session: TakeoverTarget) -> None:
        """What was asked for is done: the game learns what the human has done meanwhile.

        Not where somebody has said otherwise since: what a panic let go of stays so.
        """
        self._asked.pop(session.id).result()
        if not session.takeover_settings.pad:
            return
        if session.state is SessionState.TAKEOVER:
            self._pass_on(session, self._now)
        elif session.state is SessionState.PLAYING and touched(self._now):
            self._human(session, self._now, touch=True)

    def _pass_on(self, session: TakeoverTarget, state: GamepadState) -> None:
        if session.state not in _HUMANS:
            return
        session.pass_on(state)
        if self._seen is not None:
            self._seen(session, state)

    def _repeat(self) -> None:
        for session in self._sessions():
            if session.takeover_settings.pad and session.state in _HUMANS:
                self._attempt(session, lambda one: one.pass_on(self._now, again=True))

    def _attempt(self, session: TakeoverTarget, act: Callable[[TakeoverTarget], object]) -> None:
        """One session that cannot be let go must not keep the others from it."""
        try:
            act(session)
        except NitroPilotError as error:
            log.warning("session %s, human takeover: %s", session.id, error.line())


def _hand_over(session: TakeoverTarget) -> bool:
    taken = session.hand_over()
    if taken:
        log.info("session %s: a human has taken over", session.id)
    return taken


def _hand_back(session: TakeoverTarget) -> bool:
    given = session.hand_back()
    if given:
        log.info("session %s: the agent plays again", session.id)
    return given


class HumanThread:
    """Reads the pads in a thread of its own until ``close``.

    Args:
        pads: The machine's pads; closed at the end.
        play: What decides.
    """

    def __init__(self, pads: HumanPads, play: HumanPlay) -> None:
        self._pads = pads
        self._play = play
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="nitropilot-human", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread.  Safe to call twice."""
        if not self._ending.is_set():
            self._ending.set()
            self._pads.wake()
        self._thread.join()

    def _work(self) -> None:
        try:
            while not self._ending.is_set():
                state = self._pads.poll(POLL_S)
                if state is not None:
                    self._play.feed(state)
                    time.sleep(GATHER_S)
                self._play.tick()
        except Exception:  # the thread's outermost frame: the daemon goes on without it
            log.exception("a human's pad takes nothing over any more")
        finally:
            self._pads.close()
