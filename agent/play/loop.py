"""``PlayLoop``: what playing is, whether the game is frozen meanwhile or not.

A loop plays in rounds from the session's thread.  Between two rounds the session
looks whether it is still to play; a round ends soon by itself, and at once when the
controls were let go.  Any error leaves the loop; the session then releases the pad
and the game.  The two loops are ``agent.play.paused`` and ``agent.play.realtime``.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nitropilot.agent.errors import RecordingError
from nitropilot.agent.events import ChunkReady, EventQueue
from nitropilot.agent.pad.mapping import pad_states
from nitropilot.agent.record.kept import Kept
from nitropilot.capture.errors import WindowVanished
from nitropilot.controller.errors import ProcessGone
from nitropilot.controller.state import NEUTRAL
from nitropilot.policy.actions import decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent.pad.guards import MenuGuard
    from nitropilot.agent.play.settings import PlaySettings
    from nitropilot.agent.play.stats import PlayStats
    from nitropilot.agent.record.decisions import DecisionLog
    from nitropilot.agent.record.switch import RecordingSwitch
    from nitropilot.agent.record.trace import TraceWriter
    from nitropilot.agent.record.video import VideoRecorder
    from nitropilot.agent.target.game import Game
    from nitropilot.agent.target.pressed import Pressed
    from nitropilot.agent.values import ChunkRow, Decision, PadSample
    from nitropilot.capture import Window
    from nitropilot.controller.state import GamepadState
    from nitropilot.engines.base import Array, Engine

log = logging.getLogger("nitropilot.session")

HOLD_S = 0.1
"""How long the game runs with a neutral pad before another try to get a usable frame."""
STOP_LOOK_S = 0.02
"""How often to look whether a game that another program stopped runs again."""
PAD_GRACE_S = 3.0
"""How long a game may run before it should have opened its pad."""


@dataclass
class Parts:
    """What a loop plays with.

    Attributes:
        game: What to play.
        engine: What decides.
        settings: How.
        guard: Holds back what the player did not allow.
        stats: Takes the measurements.
        trace: Takes the record of every chunk.
        video: Takes every sent action, when recording; None once that has failed.
        recording: Takes every sent action too, and keeps it while it is switched on.
        decisions: Takes what each chunk was made from, for a later replay.
        events: Takes what an observer is told, if there is one.
        changed: Called when ``waiting_for`` has changed.
    """

    game: Game
    engine: Engine
    settings: PlaySettings
    guard: MenuGuard
    stats: PlayStats
    trace: TraceWriter
    video: VideoRecorder | None = None
    recording: RecordingSwitch | None = None
    decisions: DecisionLog | None = None
    events: EventQueue = field(default_factory=lambda: EventQueue("", None))
    changed: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.guard.enforced_by(self.game.controls.limit)


class PlayLoop(ABC):
    """Plays a game; used from one thread.

    Args:
        parts: What to play with; another loop may go on with them.

    Attributes:
        waiting_for: Why nothing is being played just now, or why the game may not
            see what is played; or "".
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.game = parts.game
        self.engine = parts.engine
        self.settings = parts.settings
        self.stats = parts.stats
        self.trace = parts.trace
        self.guard = parts.guard
        self.waiting_for = ""

    @property
    def video(self) -> VideoRecorder | None:
        """The recording, while there is one."""
        return self.parts.video

    @property
    def window(self) -> Window:
        """The game's window as it was when last looked at."""
        return self.game.grabber.window

    @property
    def starved(self) -> str:
        """Why the session should go on in paused mode; or ""."""
        return ""

    @property
    def computing(self) -> bool:
        """Whether the engine may still be in use, outside of ``play_round``."""
        return False

    def rest(self) -> bool:
        """Let what computes finish; whether the engine is free for others now."""
        return True

    def play_round(self) -> None:
        """Play for a moment.  Returns early when the controls were let go.

        Raises:
            GameExited: The game has ended.
            NitroPilotError: The game, the window, the pad or the engine failed.
        """
        epoch = self.game.controls.epoch
        began = time.perf_counter()
        try:
            try:
                self._round(epoch)
            finally:
                self.stats.playing_seconds += time.perf_counter() - began
                self.stats.pad_lapses = self.game.controls.lapses
                self.stats.freezes_cut = self.game.controls.cut_freezes
            self.game.check(self.stats.running_seconds)
            self._sit_out_stop(epoch)
        except (WindowVanished, ProcessGone):
            self._break_off()
            self._hold(epoch)
            self.game.find_again()
            self.trace.event("window changed", window=self.game.window.handle)

    def idle(self) -> None:
        """Look after the game between two stretches of play, and say if it stands still.

        Raises:
            GameExited: The game has ended.
            ProtectedGame: It has an anti-cheat system by now.
        """
        before = self.game.stopped
        try:
            self.game.look_after()
        except WindowVanished:
            self.game.find_again()
        if before or self.game.stopped:
            self._wait_for(self.game.stopped)

    @abstractmethod
    def close(self) -> None:
        """End what runs beside the play; nothing is played after this.

        Raises:
            NitroPilotError: It did not end.
        """

    @abstractmethod
    def _round(self, epoch: int) -> None:
        """Play for a moment, while ``epoch`` lasts."""

    @abstractmethod
    def _break_off(self) -> None:
        """Nothing that was planned is to be played; the pad rests meanwhile."""

    def _sit_out_stop(self, epoch: int) -> None:
        """Rest while another program has stopped the game, as long as that is tolerated."""
        if not self.game.stopped or not self._rest(epoch):
            return
        self._break_off()
        self._wait_for(self.game.stopped)
        while self.game.stopped and self.game.controls.epoch == epoch:
            time.sleep(STOP_LOOK_S)
            self.game.check_running()

    def _wait_for(self, what: str) -> None:
        """Say it once: in the trace, in the log and to whoever looks."""
        if what == self.waiting_for:
            return
        self.waiting_for = what
        self.trace.event("waiting" if what else "seeing", reason=what)
        self.parts.changed()
        if what:
            log.warning("%s", what)

    def _hold(self, epoch: int) -> None:
        """Let the game run for a moment with nothing pressed."""
        self._rest(epoch)
        self.game.controls.thaw()
        time.sleep(HOLD_S)

    def _rest(self, epoch: int) -> bool:
        """Send a neutral pad; False when the controls were let go."""
        if not self.game.controls.send(NEUTRAL, epoch):
            return False
        self.parts.events.released()
        return True

    def _see(self) -> None:
        """There is something to play again, or still."""
        settled = self.stats.running_seconds > PAD_GRACE_S
        self._wait_for(self.game.pad_warning if settled else "")

    def _tell_chunk(self, row: ChunkRow, late: int = 0) -> None:
        """Tell an observer of a chunk, ``late`` of whose actions were for times past."""
        events, decision = self.parts.events, row.decision
        if not events.observed:
            return
        ready = row.moments.get("ready", time.perf_counter())
        events.put(
            ChunkReady(
                session=events.session,
                number=row.number,
                age=ready - decision.frame.time,
                inference=decision.seconds,
                parts=dict(row.seconds),
                late=late,
                actions=decision.chunk.actions,
                limits=self.guard.limits,
                old_layout=self.engine.spec.old_layout,
            )
        )

    def _count_decision(self, decision: Decision) -> None:
        self.stats.frames += 1
        self.stats.chunks += 1
        self.stats.inference.append(decision.seconds)
        if self.parts.decisions is not None:
            self.parts.decisions.put(
                Kept(self.stats.chunks - 1, decision.request, decision.chunk.actions)
            )

    def _read(self, actions: Array, count: int | None = None) -> list[GamepadState]:
        """Pad states for the first ``count`` of ``n x A`` raw actions."""
        decoded = decode(actions, old_layout=self.engine.spec.old_layout)
        return pad_states(decoded)[:count]

    def _note(self, row: ChunkRow, action: int, pressed: Pressed[Any]) -> None:
        """Write down what the hand has sent of an action."""
        state = self.guard.filter(pressed.state)
        age = pressed.at - row.decision.frame.time
        if not row.sent:
            self.stats.reaction.append(age)
        self.stats.age.append(age)
        self.stats.sent += 1
        self.stats.lateness.append(pressed.at - pressed.due)
        row.due.append(pressed.due)
        row.sent.append(pressed.at)
        row.states.append(state)
        row.rows.append(action)
        self.parts.events.pad(state, row.number, action, pressed.at - pressed.due)

    def _record(self, sample: PadSample) -> None:
        """Show what was sent in the video; one that fails does not end the play."""
        if self.parts.recording is not None:
            self.parts.recording.put(sample)
            if news := self.parts.recording.take_news():
                self.trace.event("recording", reason=news)
        if self.parts.video is None:
            return
        try:
            self.parts.video.put(sample)
        except RecordingError as error:
            log.warning("the recording ends here: %s", error.line())
            self.trace.event("recording ended", reason=error.line())
            self.parts.events.warn(f"the recording ends here: {error}", error.hint)
            self.parts.video = None
