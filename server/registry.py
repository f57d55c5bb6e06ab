"""``SessionRegistry``: the daemon's sessions, by id."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from agent import PlaySettings, Session, SessionPlan, Target, open_game, parse_buttons
from agent.errors import NotPossibleNow
from server.errors import SessionNotFound
from server.paths import new_session_folder

if TYPE_CHECKING:
    from server.pool import EnginePool
    from server.schemas import SessionRequest

MAX_ENDED = 50
"""Ended sessions that stay visible; the oldest are forgotten (their files stay)."""
CLOSE_TIMEOUT_S = 20.0


class SessionRegistry:
    """Creates, finds and ends sessions.  Thread-safe.

    Args:
        pool: Where sessions get their engines.
    """

    def __init__(self, pool: EnginePool) -> None:
        self.pool = pool
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def create(self, request: SessionRequest) -> Session:
        """Start a session; it attaches in its own thread.

        Raises:
            NotPossibleNow: The game is being played by another session.
            NoPolicy, CheckpointError, EngineUnavailable: There is nothing to play with.
        """
        self.pool.get(request.policy)
        with self._lock:
            self._refuse_second(request)
            session = Session(self._plan(request))
            self._sessions[session.id] = session
            self._forget_old()
        session.start()
        return session

    def get(self, session_id: str) -> Session:
        """The session with that id.

        Raises:
            SessionNotFound: There is none.
        """
        with self._lock:
            session = self._sessions.get(session_id)
        if session is None:
            raise SessionNotFound(
                f"there is no session {session_id!r}", "list them with GET /api/v1/sessions"
            )
        return session

    def all(self) -> list[Session]:
        """All sessions, oldest first."""
        with self._lock:
            return list(self._sessions.values())

    def close(self) -> None:
        """End every session: pads neutral and games running first, then wait."""
        for session in self.all():
            session.stop("the daemon ended")
        for session in self.all():
            session.wait(CLOSE_TIMEOUT_S)

    def _plan(self, request: SessionRequest) -> SessionPlan:
        target = Target(
            window=request.window,
            pid=request.pid,
            process=request.process,
            launch=request.launch,
            headless=request.headless,
        )
        settings = PlaySettings(
            action_hz=request.action_hz,
            actions_per_chunk=request.actions_per_chunk,
            allowed=parse_buttons(request.allow),
            game=request.game,
            cfg_scale=request.cfg_scale,
            seed=request.seed,
        )
        return SessionPlan(
            open_game=lambda log: open_game(target, pad=request.pad, log=log),
            open_engine=partial(self.pool.get, request.policy),
            folder=new_session_folder(),
            settings=settings,
            record=request.record,
            autoplay=request.autoplay,
        )

    def _refuse_second(self, request: SessionRequest) -> None:
        """Two agents on one game would fight over its pad and its pauses."""
        for session in self._sessions.values():
            if session.state.ended or session.game is None:
                continue
            window = session.game.window
            if request.window == window.handle or (request.pid and request.pid == window.pid):
                raise NotPossibleNow(
                    f"session {session.id} already plays this game", "delete that session first"
                )

    def _forget_old(self) -> None:
        ended = [s.id for s in self._sessions.values() if s.state.ended]
        for session_id in ended[:-MAX_ENDED]:
            del self._sessions[session_id]
