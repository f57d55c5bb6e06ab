"""The play loop in paused mode: freeze, grab, infer, thaw, play the chunk, again.

The game is frozen from before the grab until its chunk is ready, so the policy's
thinking takes no game time and every chunk starts from the picture it was made for.
Any error leaves the loop at once; the session then releases the pad and the game.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agent.controls import NO_GRANT
from agent.errors import AgentError, GameExited, RecordingError
from agent.guards import MenuGuard
from agent.mapping import pad_states
from agent.pacing import Pacer
from agent.trace import state_row
from capture.errors import WindowMinimised, WindowVanished
from controller.errors import ProcessGone
from controller.state import NEUTRAL, NO_BUTTONS, Button, GamepadState
from policy.actions import decode
from policy.observation import observe

if TYPE_CHECKING:
    from agent.game import Game
    from agent.stats import PlayStats
    from agent.trace import TraceWriter
    from agent.video import VideoRecorder
    from capture import Frame
    from engines.base import ActionChunk, Array, Engine

log = logging.getLogger("nitropilot.session")

HOLD_S = 0.1
"""How long the game runs with a neutral pad before another look for a usable frame."""
PAD_GRACE_S = 3.0
"""How long a game may run before it should have opened its pad."""
MAX_HZ = 1000.0


@dataclass(frozen=True)
class PlaySettings:
    """How to play.

    Attributes:
        action_hz: Actions a second.
        actions_per_chunk: How many actions of a chunk are played before the next
            look (None: all of them).
        allowed: Menu buttons that the player allows.
        game: Name of a game the policy is conditioned on.
        cfg_scale: Classifier-free guidance; 1 switches it off.
        seed: Seed of the noise; None draws a fresh one.
    """

    action_hz: float = 60.0
    actions_per_chunk: int | None = None
    allowed: Button = NO_BUTTONS
    game: str | None = None
    cfg_scale: float = 1.0
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.action_hz <= MAX_HZ:
            raise AgentError(f"action_hz is {self.action_hz}", f"use 1 to {MAX_HZ:g}")
        if self.actions_per_chunk is not None and self.actions_per_chunk < 1:
            raise AgentError(f"actions_per_chunk is {self.actions_per_chunk}", "use 1 or more")
        if not math.isfinite(self.cfg_scale):
            raise AgentError(f"cfg_scale is {self.cfg_scale}", "use a number; 1 is off")


class PausedLoop:
    """Plays one chunk at a time; used from one thread.

    Args:
        game: What to play.
        engine: What decides.
        settings: How.
        stats: Takes the measurements.
        trace: Takes the record of every chunk.
        video: Takes every sent action, when recording.

    Attributes:
        waiting_for: Why nothing is being played just now, or why the game may not
            see what is played; or "".
    """

    def __init__(
        self,
        game: Game,
        engine: Engine,
        settings: PlaySettings,
        stats: PlayStats,
        trace: TraceWriter,
        video: VideoRecorder | None = None,
    ) -> None:
        self.game = game
        self.engine = engine
        self.settings = settings
        self.stats = stats
        self.trace = trace
        self.video = video
        self.guard = MenuGuard(settings.allowed)
        self.waiting_for = ""
        self._pacer = Pacer(settings.action_hz)
        self._rng = np.random.default_rng(settings.seed)
        self._past: deque[Array] = deque(maxlen=engine.spec.frames)
        self._grant = NO_GRANT

    def play_chunk(self) -> None:
        """One round.  Returns early, having played nothing, when the controls were let go.

        Raises:
            GameExited: The game has ended.
            NitroPilotError: The game, the window, the pad or the engine failed.
        """
        grant = self.game.controls.grant
        if grant != self._grant:  # the agent did not play before: nothing to continue
            self._past.clear()
            self._grant = grant
        try:
            self._play_timed(grant)
            self.game.check(self.stats.running_seconds)
        except WindowVanished:
            self._hold(grant)
            self.game.find_again()
            self.trace.event("window changed", window=self.game.window.handle)
        except ProcessGone as error:
            raise GameExited(f"the game ended ({self.game.describe()})") from error

    def _play_timed(self, grant: int) -> None:
        began = time.perf_counter()
        try:
            self._play_chunk(grant, began)
        finally:
            self.stats.playing_seconds += time.perf_counter() - began

    def _play_chunk(self, grant: int, began: float) -> None:
        if not self.game.controls.freeze(grant):
            return
        frozen = time.perf_counter()
        try:
            frame = self._usable_frame()
            seen = time.perf_counter()
            chunk = self._decide(frame) if frame is not None else None
        finally:
            self.stats.frozen_seconds += time.perf_counter() - frozen
        if frame is None or chunk is None:
            self._hold(grant)
            return
        self.game.controls.thaw()
        seconds = {"freeze": frozen - began, "grab": seen - frozen, **chunk.seconds}
        self._play(frame, frozen, chunk, seconds, grant)

    def _usable_frame(self) -> Frame | None:
        """The newest frame; None, with ``waiting_for`` set, when there is nothing to see."""
        try:
            frame = self.game.grab()
        except WindowMinimised as error:
            self._wait_for(error.line())
            return None
        if frame.black:
            self._wait_for(
                "the picture is black; if it stays so, switch the game from exclusive "
                "fullscreen to windowed or borderless"
            )
            return None
        settled = self.stats.running_seconds > PAD_GRACE_S
        self._wait_for(self.game.pad_warning if settled else "")
        self.stats.frames += 1
        return frame

    def _wait_for(self, what: str) -> None:
        """Say it once: in the trace, in the log and to whoever looks."""
        if what == self.waiting_for:
            return
        self.waiting_for = what
        self.trace.event("waiting" if what else "seeing", reason=what)
        if what:
            log.warning("%s", what)

    def _hold(self, grant: int) -> None:
        """Let the game run for a moment with nothing pressed."""
        self.game.controls.send(NEUTRAL, grant)
        self.game.controls.thaw()
        time.sleep(HOLD_S)

    def _decide(self, frame: Frame) -> ActionChunk:
        """Frame to chunk; noise is drawn here so that every engine gets the same."""
        spec = self.engine.spec
        began = time.perf_counter()
        self._past.append(observe(frame.pixels, spec.image_size)[0])
        missing = spec.frames - len(self._past)
        context = np.stack([np.zeros_like(self._past[0])] * missing + list(self._past))
        observed = time.perf_counter()
        chunk = self.engine.infer(
            context,
            self.engine.draw_noise(self._rng),
            dropped=missing,
            game=self.settings.game,
            cfg_scale=self.settings.cfg_scale,
        )
        self.stats.chunks += 1
        self.stats.inference.append(time.perf_counter() - began)
        chunk.seconds.setdefault("preprocess", observed - began)
        return chunk

    def _play(
        self,
        frame: Frame,
        frozen: float,
        chunk: ActionChunk,
        seconds: dict[str, float],
        grant: int,
    ) -> None:
        """Send the chunk's actions on time, then write down what happened."""
        states = self._states(chunk)
        due_times: list[float] = []
        sent_times: list[float] = []
        try:
            for step, due in self._pacer.ticks(len(states)):
                if not self.game.controls.send(states[step], grant):
                    break
                sent = time.perf_counter()
                self.stats.sent += 1
                self.stats.lateness.append(sent - due)
                due_times.append(self.trace.at(due))
                sent_times.append(self.trace.at(sent))
                self._record(states[step], f"chunk {self.stats.chunks}  action {step + 1}")
        finally:
            self.trace.write(
                "chunk",
                i=self.stats.chunks - 1,
                frame=self.trace.at(frame.time),
                frozen=self.trace.at(frozen),
                seconds={name: round(value, 6) for name, value in seconds.items()},
                actions=np.round(chunk.actions.astype(float), 5).tolist(),
                due=due_times,
                sent=sent_times,
                states=[state_row(state) for state in states[: len(sent_times)]],
            )

    def _record(self, state: GamepadState, caption: str) -> None:
        """Show what was sent in the video; one that fails does not end the play."""
        if self.video is None:
            return
        try:
            self.video.add(state, caption)
        except RecordingError as error:
            log.warning("the recording ends here: %s", error.line())
            self.trace.event("recording ended", reason=error.line())
            self.video = None

    def _states(self, chunk: ActionChunk) -> list[GamepadState]:
        decoded = decode(chunk.actions, old_layout=self.engine.spec.old_layout)
        wanted = pad_states(decoded)[: self.settings.actions_per_chunk]
        return [self.guard.filter(state) for state in wanted]
