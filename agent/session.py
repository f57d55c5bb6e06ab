"""``Session``: one game being played, from attaching to the end, in a thread of its own.

The states are in ``agent.states``.  Whatever happens in the thread, its last act is
to release the pad, let the game run and say why it ended; ``pause``, ``takeover``
and ``stop`` do the first two at once, from the caller's thread.
"""

from __future__ import annotations

import logging
import threading
import uuid
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from agent.errors import NotPossibleNow
from agent.human_tape import HumanTape
from agent.loop import Parts
from agent.modes import choose_mode, fall_back, open_loop
from agent.observing import Watch
from agent.opening import press_opening
from agent.plan import End, SessionPlan, ending_of
from agent.recording import RecordingSwitch
from agent.states import SessionState, check_transition
from agent.stats import PlayStats
from agent.steering import Steering
from agent.trace import TraceWriter, header
from agent.video import VideoRecorder
from nitropilot import NitroPilotError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.game import Game
    from agent.loop import PlayLoop
    from agent.modes import ModeChoice
    from engines.base import Engine

__all__ = ["End", "Session", "SessionPlan"]

log = logging.getLogger("nitropilot.session")

IDLE_CHECK_S = 0.25
"""How often a session that is not playing looks whether its game is still there."""


class Session(Steering):
    """Plays one game.  Create, ``start``, then ``wait`` or look at ``state``.

    Attributes:
        id: Short random name.
        stats: Measurements so far.
        end: Why it ended; None before that.
        mode: What the game does while the policy thinks, and why; None before that is known.
        recording: Starts and stops recordings.
        tape: Told what a human does on a pad of their own.
    """

    def __init__(self, plan: SessionPlan) -> None:
        self.id = uuid.uuid4().hex[:8]
        self.plan = plan
        self.created = datetime.now().astimezone()
        self.stats = PlayStats()
        self.watch = Watch(self, plan.observer)
        self.end: End | None = None
        self.game: Game | None = None
        self.engine: Engine | None = None
        self.mode: ModeChoice | None = None
        self.loop: PlayLoop | None = None
        self.recording = RecordingSwitch(plan.recording)
        self.tape = HumanTape(self.recording, plan.settings.action_hz)
        self._trace: TraceWriter | None = None
        self._video: VideoRecorder | None = None
        self._state = SessionState.IDLE
        self._ending: tuple[SessionState, End] | None = None
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
        """The video, when drawing one; complete once the session has ended."""
        return self.plan.folder / "video.mp4" if self.plan.record else None

    def start(self) -> None:
        """Begin attaching, in the session's own thread."""
        self._enter(SessionState.ATTACHING)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; whether it came within ``timeout`` seconds."""
        with self._changed:
            ended = self._changed.wait_for(lambda: self._state.ended, timeout)
        if ended and self._thread.is_alive():  # it has nothing left to do
            self._thread.join()
        return ended

    def play(self) -> None:
        """Let the agent play (again).  No effect when it does.

        Raises:
            NotPossibleNow: The session has not attached yet, or has ended.
        """
        with self._changed:
            self._require_attached()
            if self._state is not SessionState.PLAYING:
                self._enter(SessionState.PLAYING)
                self._game().controls.arm()

    def stop(self, reason: str = "stopped on request") -> None:
        """Neutral pad and running game at once; the session then ends.  Safe to call twice."""
        with self._changed:
            self._end_with(SessionState.STOPPED, End("stopped", reason))
            if self._state is SessionState.IDLE:
                self._finish()
        if self.game is not None:
            try:
                self.game.controls.disarm()
            except Exception:  # the session's thread tries again and says so in its end
                log.exception("session %s could not let go at once", self.id)

    def _let_go_for(self, state: SessionState) -> None:
        with self._changed:
            self._require_attached()
            if self._state is state:
                return
            self._enter(state)
            try:
                self._game().controls.disarm()
            except Exception as error:
                self._end_with(*ending_of(error))
                raise

    def _require_attached(self) -> None:
        if self._state is SessionState.ATTACHING:
            raise NotPossibleNow("the session is still attaching to its game", "wait a moment")
        if self._ending is not None:
            raise NotPossibleNow(f"the session is over: {self._ending[1].reason}")

    def _game(self) -> Game:
        """The game of an attached session."""
        if self.game is None:
            raise NotPossibleNow("the session has no game yet", "start it")
        return self.game

    def _enter(self, state: SessionState) -> None:
        with self._changed:
            check_transition(self._state, state)
            log.info("session %s: %s -> %s", self.id, self._state, state)
            self._state = state
            self._changed.notify_all()
            self.watch.changed()

    def _end_with(self, state: SessionState, end: End) -> None:
        """Note how the session is to end; the first who does decides."""
        with self._changed:
            if self._ending is None:
                self._ending = (state, end)
            else:
                log.info("session %s, while ending: %s", self.id, end.reason)
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            loop = self._attach()
            while self._until_playing():
                self._play_round(loop)
                if loop.starved:
                    self.mode, loop = fall_back(loop)
                    self.loop = loop
                    self.watch.changed()
        except NitroPilotError as error:
            self._end_with(*ending_of(error))
        except Exception as error:  # the thread's outermost frame: the game must be let go
            log.exception("session %s failed unexpectedly", self.id)
            self._end_with(*ending_of(error))
        self._finish()

    def _attach(self) -> PlayLoop:
        """Load the policy, take hold of the game, open the files, and get into play."""
        self.plan.make_folder()
        self.engine = self.plan.open_engine()
        self.engine.warm_up()
        self.mode = choose_mode(self.plan.settings, self.engine)
        self.watch.changed()
        self._raise_if_stopped()
        self.game = game = self.plan.open_game(self.plan.folder / "game.log")
        how = self.plan.settings
        self._trace = TraceWriter(
            self.trace_path, header(self.id, how, game, self.engine, self.mode)
        )
        if self.video_path is not None:
            self._video = VideoRecorder(self.video_path, game.another_grabber, how.action_hz)
        self.recording.attach(self.id, game, self.engine, how.action_hz)
        game.controls.on_release = self.watch.released
        parts = Parts(game, self.engine, how, self.stats, self._trace, self._video, self.recording)
        parts.watch = self.watch
        self.loop = open_loop(self.mode, parts)
        grant = game.controls.arm()
        self._raise_if_stopped()
        press_opening(game, grant)
        if self.plan.before_play is not None:
            self.plan.before_play(game)
        game.controls.disarm()
        with self._changed:
            self._raise_if_stopped()
            self._enter(SessionState.PLAYING if self.plan.autoplay else SessionState.PAUSED)
            if self.plan.autoplay:
                game.controls.arm()
        return self.loop

    def _raise_if_stopped(self) -> None:
        if self._ending is not None:
            raise NotPossibleNow("stopped while attaching")

    def _until_playing(self) -> bool:
        """Wait until there is a chunk to play (True) or the session is to end (False)."""
        while True:
            with self._changed:
                if self._ending is not None:
                    return False
                if self._state is SessionState.PLAYING:
                    return True
                self._changed.wait(self.tape.tick(IDLE_CHECK_S))
            if not self._game().controls.pauser.alive():
                self._game().check_running()

    def _finish(self) -> None:
        """Let go of everything, then say that it is over."""
        assert self._ending is not None
        state, end = self._ending
        if self.game is not None and (trouble := self._attempt(self.game.close)):
            state = SessionState.FAILED
            end = replace(end, reason=f"{end.reason}; and letting go: {trouble}")
        if self.loop is not None and (trouble := self._attempt(self.loop.close)):
            end = replace(end, reason=f"{end.reason}; and {trouble}")
        if self._stepper is not None:
            self._attempt(self._stepper.close)
        video = self._close_video()
        self._attempt(lambda: self.recording.close(end.reason))
        if trouble := self._attempt(lambda: self._close_trace(state, end, video)):
            end = replace(end, reason=f"{end.reason}; and the trace: {trouble}")
        # An engine that still computes is left alone: freeing it would crash.
        if self.engine is not None and not (self.loop and self.loop.computing):
            self._attempt(self.engine.close)
        log.info("session %s ended: %s", self.id, end.reason)
        self.end = end
        self._enter(state)

    def _attempt(self, act: Callable[[], object]) -> str:
        """Do one of the last things, whatever it raises; why it did not work, or ""."""
        try:
            act()
        except NitroPilotError as error:
            log.error("session %s, at its end: %s", self.id, error.line())
            return str(error)
        except Exception as error:
            log.exception("session %s, at its end", self.id)
            return f"{type(error).__name__}: {error}"
        return ""

    def _close_video(self) -> dict[str, object] | None:
        """Finish the video; what the trace says of it."""
        if self._video is None:
            return None
        trouble = self._attempt(self._video.close)
        facts = {"frames": self._video.frames, "repeated": self._video.repeated}
        return facts | ({"error": trouble} if trouble else {})

    def _close_trace(self, state: SessionState, end: End, video: dict[str, object] | None) -> None:
        if self._trace is not None:
            self._trace.close(
                state=state, code=end.code, reason=end.reason, video=video, **self.stats.summary()
            )
