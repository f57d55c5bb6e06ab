"""What a session is to do, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from nitropilot.agent.errors import GameExited, RecordingError
from nitropilot.agent.play.settings import PlaySettings
from nitropilot.agent.session.states import SessionState
from nitropilot.agent.session.takeover import TakeoverSettings
from nitropilot.agent.values import End, Restart
from nitropilot.errors import NitroPilotError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.agent.cancelling import Cancellation
    from nitropilot.agent.events import Observer
    from nitropilot.agent.record.switch import RecordingPlan
    from nitropilot.agent.session.session import Session
    from nitropilot.agent.target.game import Game
    from nitropilot.engines.base import Engine


class OpenGame(Protocol):
    """``open_game`` of ``agent.target.game``, with all but these given."""

    def __call__(self, *, log: Path, cancelled: Cancellation) -> Game:
        """Find or launch the game, with a file for its output."""
        ...


@dataclass(frozen=True)
class SessionPlan:
    """What a session is to do.

    Attributes:
        open_game: Finds or launches the game; gives up once it is cancelled.
        open_engine: Loads the policy; called before the game is touched.  The session
            closes the engine when it ends.
        policy_file: What it loads, from the root, for the trace; "" for random weights, or for
            a server's policy.
        folder: Takes the trace, the video and the game's output; made if missing.
        settings: How to play.
        record: Write a video too, with the pad drawn on it.
        recording: Where and how recordings of frames and actions are made; None: not at all.
        keep_decisions_s: For so many seconds what the policy was shown is kept, to be replayed;
            None: from the first to the last, 0: not at all.
        autoplay: Play as soon as attached; otherwise start paused.
        taken_over: Instead of that, start as in a human's takeover, which may end by itself.
        people_only: As ``taken_over``, for good: there is no policy (``open_engine`` gives
            ``Nobody``), and the agent never plays.
        takeover: How a human takes over while nobody says how.
        takeover_said: What somebody has said of that; None for nothing.
        restart_of: Id of the session that failed and that this one replaces; or "".
        after_failure: Asked at the end of a session that has failed, with why: what becomes of
            the play.  Must not wait.
        before_play: Called with the game, in play and armed, before the first chunk.
        observer: Is told what the session does, while it does it (``agent.events``).
    """

    open_game: OpenGame
    open_engine: Callable[[], Engine]
    folder: Path
    policy_file: str = ""
    settings: PlaySettings = field(default_factory=PlaySettings)
    record: bool = False
    recording: RecordingPlan | None = None
    keep_decisions_s: float | None = 600.0
    autoplay: bool = True
    taken_over: bool = False
    people_only: bool = False
    takeover: TakeoverSettings = field(default_factory=TakeoverSettings)
    takeover_said: TakeoverSettings | None = None
    restart_of: str = ""
    after_failure: Callable[[Session, End], Restart | None] | None = None
    before_play: Callable[[Game], None] | None = None
    observer: Observer | None = None

    @property
    def begin(self) -> SessionState:
        """Where to go once attached."""
        if self.taken_over or self.people_only:
            return SessionState.TAKEOVER
        return SessionState.PLAYING if self.autoplay else SessionState.PAUSED

    def make_folder(self) -> None:
        """Make the folder for the session's files.

        Raises:
            RecordingError: It cannot be made; or nobody plays but people, who would be recorded
                and for whose recording there is no room.
        """
        if self.people_only and self.recording is not None:
            self.recording.check()
        try:
            self.folder.mkdir(0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RecordingError(
                f"cannot make the folder {self.folder}: {error.strerror}",
                "choose another --out",
            ) from error


def ending_of(error: Exception) -> tuple[SessionState, End]:
    """How a session ends that met ``error``; a game that ended by itself is no failure."""
    if isinstance(error, NitroPilotError):
        state = SessionState.STOPPED if isinstance(error, GameExited) else SessionState.FAILED
        return state, End(error.code, str(error), error.hint)
    reason = f"{type(error).__name__}: {error}"
    return SessionState.FAILED, End("unexpected", reason, "please report this")
