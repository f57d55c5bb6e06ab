"""``SessionFiles``: the trace, the video and the recordings of one session."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from nitropilot.agent.play.people import Nobody
from nitropilot.agent.record.decisions import FOLDER as DECISIONS
from nitropilot.agent.record.decisions import DecisionLog
from nitropilot.agent.record.recorder import About
from nitropilot.agent.record.switch import RecordingSwitch
from nitropilot.agent.record.trace import TraceWriter
from nitropilot.agent.record.video import VideoRecorder
from nitropilot.errors import NitroPilotError
from nitropilot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.agent.errors import RecordingError
    from nitropilot.agent.play.modes import ModeChoice
    from nitropilot.agent.play.settings import PlaySettings
    from nitropilot.agent.play.stats import PlayStats
    from nitropilot.agent.session.plan import SessionPlan
    from nitropilot.agent.session.states import SessionState
    from nitropilot.agent.target.game import Game
    from nitropilot.agent.values import End
    from nitropilot.engines.base import Engine, EngineInfo

log = logging.getLogger("nitropilot.session")


class SessionFiles:
    """Opened with the game, closed at the session's end.

    Args:
        session: Id of the session.
        plan: What it is to do.

    Attributes:
        recording: Starts and stops recordings.
        trace: Writes the trace, once it is open.
        video: Writes the video, once it is open.
        decisions: Keeps what the policy was shown, once it is open.
    """

    def __init__(self, session: str, plan: SessionPlan) -> None:
        self.recording = RecordingSwitch(plan.recording)
        self.trace: TraceWriter | None = None
        self.video: VideoRecorder | None = None
        self.decisions: DecisionLog | None = None
        self._session = session
        self._plan = plan
        self._engine: Engine | None = None
        self._began_on: EngineInfo | None = None

    @property
    def trace_path(self) -> Path:
        """The trace; complete once the session has ended."""
        return self._plan.folder / "trace.jsonl.gz"

    @property
    def trace_warning(self) -> str:
        """Why the trace, or what is kept beside it for ``replay``, is not all; or ""."""
        parts = [part.warning for part in (self.trace, self.decisions) if part is not None]
        return "; ".join(filter(None, parts))

    @property
    def takers(self) -> tuple[VideoRecorder | None, RecordingSwitch, DecisionLog | None]:
        """Those that take what is played, beside the trace."""
        return self.video, self.recording, self.decisions

    @property
    def video_path(self) -> Path | None:
        """The video, when drawing one; complete once the session has ended."""
        return self._plan.folder / "video.mp4" if self._plan.record else None

    def open(
        self,
        game: Game,
        engine: Engine,
        mode: ModeChoice,
        settings: PlaySettings,
        trace_failed: Callable[[RecordingError], object],
    ) -> TraceWriter:
        """There is a game now: begin what the plan wants.

        Args:
            game: What is played.
            engine: What plays it.
            mode: What the game does meanwhile.
            settings: How it is played.
            trace_failed: Told, once each, that the trace or what is kept beside it cannot be
                written; from any thread.
        """
        header = trace_header(self._session, settings, game, engine, mode, self._plan.policy_file)
        self._engine, self._began_on = engine, engine.info
        self.trace = TraceWriter(self.trace_path, header, trace_failed)
        keep_s = self._plan.keep_decisions_s
        if keep_s != 0 and not self._plan.people_only:
            self.decisions = DecisionLog(self._plan.folder / DECISIONS, keep_s, trace_failed)
        if self.video_path is not None:
            self.video = VideoRecorder(self.video_path, game.another_grabber, settings.hz)
        about = about_recording(self._session, game, engine)
        self.recording.attach(about, game.another_grabber, settings.hz)
        return self.trace

    def close(self, state: SessionState, end: End, stats: PlayStats) -> None:
        """Finish them all; what does not work is logged.

        Args:
            state: The session's last.
            end: Why it ends.
            stats: The figures of the play.
        """
        video = self._close_video()
        if self.decisions is not None:
            attempt(self._session, self.decisions.close)
        attempt(self._session, lambda: self.recording.close(end.reason))
        attempt(self._session, lambda: self._close_trace(state, end, stats, video))

    def _close_trace(
        self, state: SessionState, end: End, stats: PlayStats, video: dict[str, object] | None
    ) -> None:
        if self.trace is not None:
            self.trace.close(
                state=state, code=end.code, reason=end.reason, video=video,
                decisions_left_out=self.decisions.left_out if self.decisions else 0,
                **self._odd_facts(), **stats.summary(),
            )  # fmt: skip

    def _odd_facts(self) -> dict[str, object]:
        """What the trace's last line says only where not all went as it began."""
        facts: dict[str, object] = {}
        if self.decisions is not None and self.decisions.warning:
            facts["decisions_warning"] = self.decisions.warning
        if self._engine is not None and self._engine.info != self._began_on:
            facts["engine"] = engine_facts(self._engine.info)
        return facts

    def _close_video(self) -> dict[str, object] | None:
        """Finish the video; what the trace says of it."""
        if self.video is None:
            return None
        trouble = attempt(self._session, self.video.close)
        facts = {"frames": self.video.frames, "repeated": self.video.repeated}
        return facts | ({"error": trouble} if trouble else {})


def attempt(session: str, act: Callable[[], object]) -> str:
    """Do one of a session's last things, whatever it raises; why it did not work, or ""."""
    try:
        act()
    except NitroPilotError as error:
        log.error("session %s, at its end: %s", session, error.line())
        return str(error)
    except Exception as error:
        log.exception("session %s, at its end", session)
        return f"{type(error).__name__}: {error}"
    return ""


def trace_header(
    session: str, settings: PlaySettings, game: Game, engine: Engine, mode: ModeChoice, file: str
) -> dict[str, object]:
    """What the first line of the trace says of a session, whose policy is of a ``file`` or of
    none.
    """
    return {
        "nitropilot": __version__,
        "session": session,
        "game": {"window": game.window.handle, "pid": game.window.pid,
                 "executable": game.window.executable, "title": game.window.title},
        "policy": {"name": engine.spec.name, "fingerprint": engine.spec.fingerprint,
                   "random": engine.spec.is_random, **({"file": file} if file else {}),
                   **({} if engine.own_steps else {"steps": engine.spec.steps})},
        "engine": engine_facts(engine.described),
        "pad": game.controls.pad_name,
        "mode": mode.mode,
        "mode_reason": mode.reason,
        "action_hz": settings.hz,
        "actions_per_chunk": settings.actions_per_chunk or engine.spec.horizon,
        "action_shift": settings.timeline(engine.spec).shift,
        "seed": settings.seed,
        "game_condition": settings.game,
        "cfg_scale": settings.cfg_scale,
    }  # fmt: skip


def engine_facts(info: EngineInfo) -> dict[str, str]:
    """What runs, where, and why."""
    return {"name": info.name, "device": info.device, "precision": info.precision,
            "reason": info.reason}  # fmt: skip


def about_recording(session: str, game: Game, engine: Engine) -> About:
    """What a recording of a session says of itself; never a window's title."""
    spec, info = engine.spec, engine.info
    facts: dict[str, object] = {"source": "nitropilot"}
    if not isinstance(engine, Nobody):
        facts["engine"] = f"{info.name} on {info.device}"
        facts["policy"] = {
            "name": spec.name, "fingerprint": spec.fingerprint, "random": spec.is_random,
        }  # fmt: skip
    launched = game.launched
    name = game.window.executable if launched is None else launched.recipe.name
    return About(session, name, facts)
