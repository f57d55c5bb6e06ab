"""``SessionRegistry``: the daemon's sessions, by id."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from nitropilot import capture
from nitropilot.agent import Session, SessionPlan, open_game
from nitropilot.agent.errors import NotPossibleNow
from nitropilot.agent.fair_play.judging import refuse_protected
from nitropilot.agent.play.people import Nobody
from nitropilot.agent.record.limits import GIB
from nitropilot.agent.session.steps import open_with_steps
from nitropilot.agent.session.takeover import TakeoverSettings
from nitropilot.agent.values import Restart
from nitropilot.controller.pads.chooser import NO_PAD
from nitropilot.server.errors import SessionNotFound
from nitropilot.server.events import Hub
from nitropilot.server.improving.history import accepted
from nitropilot.server.jobs.jobs import Jobs
from nitropilot.server.options.play import FROM_SETTINGS
from nitropilot.server.sessions.metrics import totals_of
from nitropilot.server.sessions.restarts import Restarter, RestartHistory
from nitropilot.server.sessions.side_by_side import side_by_side
from nitropilot.server.store.paths import new_session_folder, sessions_folder
from nitropilot.server.store.policies import PolicyCatalogue
from nitropilot.server.store.recordings import RecordingStore
from nitropilot.server.store.settings_store import SettingsStore
from nitropilot.server.store.traces import prune_traces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.agent import Game
    from nitropilot.agent.cancelling import Cancellation
    from nitropilot.capture import Window
    from nitropilot.engines import Engine
    from nitropilot.server.schemas.models import SessionRequest
    from nitropilot.server.sessions.pool import EnginePool

MAX_ENDED = 20
"""Ended sessions that stay visible; the oldest are forgotten (their files stay)."""
CLOSE_TIMEOUT_S = 20.0
"""How long the end waits for all sessions together."""


class SessionRegistry:
    """Creates, finds and ends sessions.  Thread-safe.

    Args:
        pool: Where sessions get their engines.
        settings: What they get that their request does not name; None reads the usual file.

    Attributes:
        settings: As given.
        recordings: What they record.
        policies: What could be played with.
        jobs: Long work beside the play.
        restarts: Begins failed sessions again.
        forgotten: What sessions did that are remembered no more.
        events: Tells clients what the sessions do.
    """

    def __init__(self, pool: EnginePool, settings: SettingsStore | None = None) -> None:
        self.pool = pool
        self.settings = settings or SettingsStore()
        self.recordings = RecordingStore(lambda: self.settings.current)
        self.policies = PolicyCatalogue()
        self.jobs = Jobs()
        self.restarts = Restarter(lambda: self.settings.current.restarts, self._create)
        self.forgotten: Counter[str] = Counter()
        self.events = Hub(self.all)
        self._sessions: dict[str, Session] = {}
        self._chosen: dict[str, Window] = {}
        self._lock = threading.Lock()
        self._closing = False

    def create(self, request: SessionRequest) -> Session:
        """Start a session; it attaches in its own thread.

        Raises:
            CaptureError: No window, or several windows, are what was asked for.
            ProtectedGame: The game has an anti-cheat system, or is online only.
            NotPossibleNow: The game is being played by another session.
            CheckpointError, EngineUnavailable: There is nothing to play with.
        """
        request = self._with_defaults(request)
        return self._create(RestartHistory(request))

    def _create(self, history: RestartHistory, failed: Session | None = None) -> Session:
        """A session, or one in place of another that has failed."""
        request = history.request
        pid = failed.game.window.pid if failed is not None and failed.game else None
        if pid is not None and request.launch is None:  # its window may be another by now
            request = request.model_copy(update={"window": None, "process": None, "pid": pid})
        window = None
        if request.launch is None:
            window = capture.find_window(
                handle=request.window, pid=request.pid, process=request.process
            )
            refuse_protected(window.pid)
        if not request.only_record:
            asked = request.steps if isinstance(request.steps, int) else None
            self.pool.get(request.policy, steps=asked).close()
        with self._lock:
            self._refuse(window)
        plan = self._plan(history, request, window, failed)  # a panic must not wait for a disk
        try:
            session = self._admit(plan, window, failed)
        except BaseException:
            with suppress(OSError):
                plan.folder.rmdir()
            raise
        session.start()
        return session

    def _admit(self, plan: SessionPlan, window: Window | None, failed: Session | None) -> Session:
        """A session is one of ours from here on, unless something came in between."""
        with self._lock:
            self._refuse(window)
            if failed is not None:  # with all that people have said meanwhile
                said = failed.plan_to_go_on()
                plan = replace(said, open_game=plan.open_game, folder=plan.folder)
            session = Session(plan)
            # Under the lock: who calls it off either comes before this or finds the new session.
            if failed and not failed.machine.settle(Restart("begun", session=session.id)):
                raise NotPossibleNow("the restart was called off")
            self._sessions[session.id] = session
            if window is not None:
                self._chosen[session.id] = window
            self._forget_old()
        return session

    def _refuse(self, window: Window | None) -> None:
        """Raise ``NotPossibleNow`` if no session may begin, or not with that window."""
        if self._closing:
            raise NotPossibleNow("the daemon is ending")
        if window is not None:
            self._refuse_second(window)

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

    def steer(self, session_id: str, act: Callable[[Session], object]) -> Session:
        """Have a session do something; the one it was done to: see ``steered``.

        Raises:
            SessionNotFound: There is none.
            NitroPilotError: As ``act``.
        """
        while True:
            session = self.steered(session_id)
            try:
                act(session)
            except NotPossibleNow:
                if self.steered(session_id) is session:
                    raise
            if self.steered(session_id) is session:  # else it was begun again at this moment
                return session

    def steered(self, session_id: str) -> Session:
        """The session that an id means to whoever steers: after failures, the one that goes on.

        Raises:
            SessionNotFound: There is none.
        """
        session = self.get(session_id)
        with self._lock:
            while session.restart and session.restart.session in self._sessions:
                session = self._sessions[session.restart.session]
        return session

    def all(self) -> list[Session]:
        """All sessions, oldest first."""
        with self._lock:
            return list(self._sessions.values())

    def stop(self) -> None:
        """Neutral pads and running games now; every session then ends, and none begins."""
        with self._lock:
            self._closing = True
        side_by_side(self.all(), lambda session: session.stop("the daemon ended"), "stop")
        self.pool.stop()

    def close(self) -> None:
        """End every session and wait for it, then free the policies."""
        self.stop()
        deadline = time.monotonic() + CLOSE_TIMEOUT_S
        for session in self.all():
            session.wait(max(deadline - time.monotonic(), 0.0))
        self.jobs.close()
        self.pool.close()

    def _plan(
        self,
        history: RestartHistory,
        request: SessionRequest,
        window: Window | None,
        failed: Session | None,
    ) -> SessionPlan:
        kept = self.settings.current.traces
        prune_traces(sessions_folder(), kept.max_total_gb * GIB)
        open_it = partial(_open, request, window)
        if failed is not None:
            plan = failed.plan_to_go_on()
            return replace(plan, open_game=open_it, folder=new_session_folder())
        takeover, alone = self.settings.current.takeover, request.only_record
        back = None if alone else takeover.resume_after_s
        return SessionPlan(
            open_game=open_it,
            open_engine=Nobody if alone else partial(self._open_engine, request),
            policy_file="" if alone else request.policy_file,
            people_only=alone,
            folder=new_session_folder(),
            settings=request.play_settings(),
            record=request.draw,
            recording=self.recordings.plan(request.record or alone),
            keep_decisions_s=None if request.trace_frames else kept.frames_minutes * 60,
            autoplay=request.autoplay,
            takeover=TakeoverSettings(takeover.enabled or alone, back),
            after_failure=partial(self.restarts.decide, history),
            observer=self.events,
        )

    def _open_engine(self, request: SessionRequest) -> Engine:
        policy = request.policy or self.pool.default
        return open_with_steps(
            lambda steps: self.pool.get(policy, steps=steps),
            request.steps, policy, request.play_settings(),
        )  # fmt: skip

    def _with_defaults(self, request: SessionRequest) -> SessionRequest:
        """The request, with the settings for all that it does not name."""
        settings = self.settings.current
        defaults = {name: getattr(settings.play, name) for name in FROM_SETTINGS}
        defaults["record"] = settings.recording.record
        missing = {k: v for k, v in defaults.items() if k not in request.model_fields_set}
        taken = None if request.only_record else accepted(request.process)
        # A restart is to get the same one.
        missing["policy"] = request.policy or taken or self.pool.default
        return request.model_copy(update=missing)

    def _refuse_second(self, wanted: Window) -> None:
        """Two agents on one game would fight over its pad and its pauses."""
        for session in self._sessions.values():
            if session.state.ended:
                continue
            game = session.game
            taken = game.window if game is not None else self._chosen.get(session.id)
            if taken is None:
                continue
            # Handles are used again at once: a game that was started anew may have the old one's.
            same = taken.handle == wanted.handle and None in (taken.pid, wanted.pid)
            if same or (taken.pid and taken.pid == wanted.pid):
                raise NotPossibleNow(
                    f"session {session.id} already plays this game", "delete that session first"
                )

    def _forget_old(self) -> None:
        sessions = self._sessions.values()
        ended = [s.id for s in sessions if s.state.ended and not s.control.plays_on]
        for session_id in ended[:-MAX_ENDED]:
            self.forgotten.update(totals_of(self._sessions[session_id]))
            del self._sessions[session_id]
            self._chosen.pop(session_id, None)


def _open(
    request: SessionRequest, window: Window | None, *, log: Path, cancelled: Cancellation
) -> Game:
    """Take hold of the game; one that is not installed fails the session, not the request."""
    target = request.target(window.handle if window is not None else None)
    if window is not None:
        target = replace(target, pid=window.pid)
    pad = NO_PAD if request.only_record else request.pad
    return open_game(target, pad=pad, log=log, cancelled=cancelled)
