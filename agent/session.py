"""``Session``: one game being played, from attaching to the end, in a thread of its own.

The states are in ``agent.states``.  Whatever happens in the thread, its last act is
to release the pad, let the game run and say why it ended; ``pause``, ``takeover``
and ``stop`` do the first two at once, from the caller's thread.
"""

from __future__ import annotations

import logging
import threading
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import GameExited, NotPossibleNow
from agent.loop import PausedLoop, PlaySettings
from agent.opening import press_opening
from agent.states import SessionState, check_transition
from agent.stats import PlayStats
from agent.trace import TraceWriter
from agent.video import VideoRecorder
from nitropilot import NitroPilotError, __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.game import Game
    from engines.base import Engine

log = logging.getLogger("nitropilot.session")

IDLE_CHECK_S = 0.25
"""How often a session that is not playing looks whether its game is still there."""


@dataclass(frozen=True)
class End:
    """Why a session ended: a stable code, a line for people, and the fix if there is one."""

    code: str
    reason: str
    hint: str = ""


@dataclass(frozen=True)
class SessionPlan:
    """What a session is to do.

    Attributes:
        open_game: Finds or launches the game, given the file for its output.
        open_engine: Loads the policy; called before the game is touched.
        folder: Takes the trace, the video and the game's output; made if missing.
        settings: How to play.
        record: Write a video too.
        autoplay: Play as soon as attached; otherwise start paused.
        before_play: Called with the game, in play and armed, before the first chunk.
    """

    open_game: Callable[[Path], Game]
    open_engine: Callable[[], Engine]
    folder: Path
    settings: PlaySettings = field(default_factory=PlaySettings)
    record: bool = False
    autoplay: bool = True
    before_play: Callable[[Game], None] | None = None


class Session:
    """Plays one game.  Create, ``start``, then ``wait`` or look at ``state``.

    Attributes:
        id: Short random name.
        stats: Measurements so far.
        end: Why it ended; None before that.
    """

    def __init__(self, plan: SessionPlan) -> None:
        self.id = uuid.uuid4().hex[:8]
        self.plan = plan
        self.created = datetime.now().astimezone()
        self.stats = PlayStats()
        self.end: End | None = None
        self.game: Game | None = None
        self.engine: Engine | None = None
        self.loop: PausedLoop | None = None
        self._trace: TraceWriter | None = None
        self._video: VideoRecorder | None = None
        self._state = SessionState.IDLE
        self._stop: End | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(
            target=self._run, name=f"nitropilot-session-{self.id}", daemon=True
        )

    @property
    def state(self) -> SessionState:
        """Where the session is now."""
        return self._state

    @property
    def trace_path(self) -> Path:
        """The trace; complete once the session has ended."""
        return self.plan.folder / "trace.jsonl"

    @property
    def video_path(self) -> Path | None:
        """The video, when recording; complete once the session has ended."""
        return self.plan.folder / "video.mp4" if self.plan.record else None

    def start(self) -> None:
        """Begin attaching, in the session's own thread."""
        self._enter(SessionState.ATTACHING)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; whether it came within ``timeout`` seconds."""
        self._thread.join(timeout)
        return self._state.ended

    def play(self) -> None:
        """Let the agent play (again).  No effect when it does.

        Raises:
            NotPossibleNow: The session has not attached yet, or has ended.
        """
        with self._changed:
            if self._state is SessionState.PLAYING:
                return
            self._enter(SessionState.PLAYING)
            if self.game is not None:
                self.game.controls.arm()

    def pause(self) -> None:
        """Stop pressing, let the game run.  No effect when already paused.

        Raises:
            NotPossibleNow: The session has not attached yet, or has ended.
        """
        self._let_go_for(SessionState.PAUSED)

    def takeover(self) -> None:
        """The human plays now: neutral pad at once, until ``play``.

        Raises:
            NotPossibleNow: The session is not attached.
        """
        self._let_go_for(SessionState.TAKEOVER)

    def stop(self, reason: str = "stopped on request") -> None:
        """Neutral pad and running game at once; the session then ends.  Safe to call twice."""
        with self._changed:
            if self._stop is None:
                self._stop = End("stopped", reason)
            self._changed.notify_all()
            if self._state is SessionState.IDLE:
                self._finish(SessionState.STOPPED, self._stop)
        if self.game is not None:
            self.game.controls.disarm()

    def _let_go_for(self, state: SessionState) -> None:
        with self._changed:
            if self._state is state:
                return
            self._enter(state)
            if self.game is not None:
                self.game.controls.disarm()

    def _enter(self, state: SessionState) -> None:
        with self._changed:
            check_transition(self._state, state)
            log.info("session %s: %s -> %s", self.id, self._state, state)
            self._state = state
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._attach()
            while self._until_playing():
                assert self.loop is not None
                self.loop.play_chunk()
            state, end = SessionState.STOPPED, End("stopped", "stopped")
        except GameExited as error:
            state, end = SessionState.STOPPED, End(error.code, str(error), error.hint)
        except NitroPilotError as error:
            state, end = SessionState.FAILED, End(error.code, str(error), error.hint)
        except Exception as error:  # the thread's outermost frame: the game must be let go
            log.exception("session %s failed unexpectedly", self.id)
            state = SessionState.FAILED
            end = End("unexpected", f"{type(error).__name__}: {error}", "please report this")
        if self._stop is not None:
            state, end = SessionState.STOPPED, self._stop
        self._finish(state, end)

    def _attach(self) -> None:
        """Load the policy, take hold of the game, open the files, and get into play."""
        self.plan.folder.mkdir(parents=True, exist_ok=True)
        self.engine = self.plan.open_engine()
        self._raise_if_stopped()
        self.game = game = self.plan.open_game(self.plan.folder / "game.log")
        self._trace = TraceWriter(self.trace_path, self._header(game, self.engine))
        if self.video_path is not None:
            self._video = VideoRecorder(
                self.video_path, game.another_grabber, self.plan.settings.action_hz
            )
        self.loop = PausedLoop(
            game, self.engine, self.plan.settings, self.stats, self._trace, self._video
        )
        self.engine.warm_up()
        grant = game.controls.arm()
        self._raise_if_stopped()
        press_opening(game, grant)
        if self.plan.before_play is not None:
            self.plan.before_play(game)
        self._raise_if_stopped()
        game.controls.disarm()
        if self.plan.autoplay:
            self.play()
        else:
            self._enter(SessionState.PAUSED)

    def _raise_if_stopped(self) -> None:
        if self._stop is not None:
            raise NotPossibleNow(self._stop.reason)

    def _until_playing(self) -> bool:
        """Wait until there is a chunk to play (True) or the session is to end (False)."""
        waited = False
        while True:
            with self._changed:
                if self._stop is not None:
                    return False
                if self._state is SessionState.PLAYING:
                    break
                waited = True
                self._changed.wait(IDLE_CHECK_S)
            assert self.game is not None
            if not self.game.controls.pauser.alive():
                self.game.check(self.stats.running_seconds)
        if waited and self.loop is not None:
            self.loop.forget()
        return True

    def _finish(self, state: SessionState, end: End) -> None:
        """Let go of everything, then say that it is over."""
        end = self._let_go(end)
        self.end = end
        log.info("session %s ended: %s", self.id, end.reason)
        self._close_files(state, end)
        self._enter(state)

    def _let_go(self, end: End) -> End:
        if self.game is None:
            return end
        try:
            self.game.close()
        except NitroPilotError as error:
            log.error("session %s: %s", self.id, error.line())
            return End(end.code, f"{end.reason}; and letting go: {error}", error.hint)
        return end

    def _close_files(self, state: SessionState, end: End) -> None:
        try:
            if self._video is not None:
                self._video.close()
        except NitroPilotError as error:
            log.error("session %s: %s", self.id, error.line())
        if self._trace is not None:
            video = (
                {"frames": self._video.frames, "repeated": self._video.repeated}
                if self._video
                else None
            )
            self._trace.close(
                state=state, code=end.code, reason=end.reason, video=video, **self.stats.summary()
            )

    def _header(self, game: Game, engine: Engine) -> dict[str, object]:
        settings = self.plan.settings
        return {
            "nitropilot": __version__,
            "session": self.id,
            "game": {"window": game.window.handle, "pid": game.window.pid,
                     "executable": game.window.executable, "title": game.window.title},
            "policy": {"name": engine.spec.name, "fingerprint": engine.spec.fingerprint,
                       "random": engine.spec.is_random},
            "engine": {"name": engine.info.name, "device": engine.info.device,
                       "precision": engine.info.precision},
            "pad": game.controls.pad.name,
            "mode": "paused",
            "action_hz": settings.action_hz,
            "actions_per_chunk": settings.actions_per_chunk or engine.spec.horizon,
            "seed": settings.seed,
        }  # fmt: skip
