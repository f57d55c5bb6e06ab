"""``Session``: one game being played, from attaching to the end, in a thread of its own.

The states are in ``agent.session.states``.  Whatever happens in the thread, its last act is
to release the pad, let the game run and say why it ended; ``pause``, ``takeover``
and ``stop`` do the first two at once, from the caller's thread.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from nitropilot.agent.events import Changed, EventQueue
from nitropilot.agent.pad.guards import MenuGuard
from nitropilot.agent.play.loop import Parts
from nitropilot.agent.play.modes import choose_mode, fall_back, open_loop, open_stepper
from nitropilot.agent.play.stats import PlayStats
from nitropilot.agent.record.human_tape import HumanTape
from nitropilot.agent.session.control import SessionControl
from nitropilot.agent.session.familiar import unfamiliar
from nitropilot.agent.session.files import SessionFiles, attempt
from nitropilot.agent.session.machine import SessionMachine
from nitropilot.agent.session.plan import ending_of
from nitropilot.agent.session.states import SessionState
from nitropilot.agent.target.opening import press_opening
from nitropilot.agent.values import SessionFacts
from nitropilot.errors import NitroPilotError

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent.errors import RecordingError
    from nitropilot.agent.play.loop import PlayLoop
    from nitropilot.agent.play.modes import ModeChoice
    from nitropilot.agent.session.plan import SessionPlan
    from nitropilot.agent.target.game import Game
    from nitropilot.agent.values import End, Restart
    from nitropilot.engines.base import Engine

log = logging.getLogger("nitropilot.session")

IDLE_CHECK_S = 0.25
"""How often a session that is not playing looks whether its game is still there."""


class Session:
    """Plays one game.  Create, ``start``, then ``wait`` or look at ``state``.

    Attributes:
        id: Short random name.
        stats: Measurements so far.
        end: Why it ended; None before that.
        mode: What the game does while the policy computes, and why; None before that is known.
        files: Its trace, its video and its recordings.
        recording: Starts and stops recordings.
        machine: Its states.
        guard: Holds back what its agent may not press.
        control: All that can be asked of it from outside.
        events: Takes what its observer is told.
    """

    def __init__(self, plan: SessionPlan) -> None:
        self.id = uuid.uuid4().hex[:8]
        self.plan = plan
        self.created = datetime.now().astimezone()
        self.stats = PlayStats()
        self.events = EventQueue(self.id, plan.observer)
        self.end: End | None = None
        self.engine: Engine | None = None
        self.mode: ModeChoice | None = None
        self.files = SessionFiles(self.id, plan)
        self.recording = self.files.recording
        replaces, alone = bool(plan.restart_of), plan.people_only
        self.machine = SessionMachine(self.id, self._tell_changed, plan.begin, replaces, alone)
        self.guard = MenuGuard(plan.settings.allowed, plan.settings.controls)
        self._tape = HumanTape(self.recording, counts=lambda: self.control.takeover_settings.pad)
        self.control = SessionControl(
            self.machine, self.guard, self._tape, self.events, plan.takeover, plan.takeover_said,
            self._finish,
        )  # fmt: skip
        self._stepper: PlayLoop | None = None
        name = f"nitropilot-session-{self.id}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def state(self) -> SessionState:
        """Where the session is now."""
        return self.machine.state

    @property
    def restart(self) -> Restart | None:
        """What becomes of the play after a failure; None where there is no question of it."""
        return self.machine.restart

    @property
    def game(self) -> Game | None:
        """What is played; None until it is there."""
        return self.machine.game

    @property
    def loop(self) -> PlayLoop | None:
        """What plays; None until then."""
        return self.machine.loop

    @property
    def trace_path(self) -> Path:
        """The trace; complete once the session has ended."""
        return self.files.trace_path

    @property
    def video_path(self) -> Path | None:
        """The video, when drawing one; complete once the session has ended."""
        return self.files.video_path

    def start(self) -> None:
        """Begin attaching, in the session's own thread."""
        self.machine.enter(SessionState.ATTACHING)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; whether it came within ``timeout`` seconds."""
        with self.machine.condition:
            ended = self.machine.condition.wait_for(lambda: self.state.ended, timeout)
        if ended and self._thread.is_alive():  # it has nothing left to do
            self._thread.join()
        return ended

    def play(self) -> None:
        """As ``SessionControl.play``."""
        self.control.play()

    def pause(self) -> None:
        """As ``SessionControl.pause``."""
        self.control.pause()

    def takeover(self) -> None:
        """As ``SessionControl.takeover``."""
        self.control.takeover()

    def stop(self, reason: str = "stopped on request") -> None:
        """As ``SessionControl.stop``."""
        self.control.stop(reason)

    def plan_to_go_on(self) -> SessionPlan:
        """The plan for a session in this one's place: as this one's, with what was said since."""
        plan = self.plan
        if plan.recording is not None:
            plan = replace(plan, recording=replace(plan.recording, at_once=self.recording.wanted))
        return replace(
            plan,
            settings=replace(plan.settings, controls=self.guard.controls),
            autoplay=self.machine.wanted is SessionState.PLAYING,
            taken_over=self.machine.wanted is SessionState.TAKEOVER,
            takeover_said=self.control.takeover_said,
            restart_of=self.id,
        )

    def facts(self) -> SessionFacts:
        """What is known of it now; reads only, from any thread."""
        game, engine, loop, mode = self.game, self.engine, self.loop, self.mode
        return SessionFacts(
            id=self.id,
            state=self.state.value,
            created=self.created,
            restart_of=self.plan.restart_of,
            restart=self.machine.restart,
            window=loop.window if loop else game.grabber.window if game else None,
            policy=engine.spec if engine and not self.plan.people_only else None,
            unfamiliar=unfamiliar(engine, game, self.plan.settings.game),
            engine=engine.described if engine and not self.plan.people_only else None,
            pad=game.controls.pad_name if game else None,
            pad_reason=game.pad_reason if game else "",
            mode=mode.mode if mode else None,
            mode_reason=mode.reason if mode else "",
            waiting_for=loop.waiting_for if loop else "",
            held_back=dict(self.guard.held_back),
            stats=self.stats.summary,
            recording=self.recording.state,
            trace_warning=self.files.trace_warning,
            folder=self.plan.folder,
            end=self.end,
        )

    def _tell_changed(self) -> None:
        """Tell an observer; nothing comes after a change that is the end."""
        if self.events.observed:
            self.events.put(Changed(session=self.id, facts=self.facts()))
        if self.state.ended and not (self.restart and self.restart.pending):
            self.events.close()

    def _trace_failed(self, error: RecordingError) -> None:
        """Say it once; the play goes on."""
        log.warning("session %s: %s; the play goes on", self.id, error.line())
        self.events.warn(f"{error}; the play goes on", error.hint)

    def _run(self) -> None:
        try:
            loop = self._attach()
            while self._until_playing(loop):
                self._play_round(loop)
                if loop.starved:
                    self.mode, loop = fall_back(loop)
                    self.machine.loop = loop
                    self._tell_changed()
        except NitroPilotError as error:
            self.machine.end_with(*ending_of(error))
        except Exception as error:  # the thread's outermost frame: the game must be let go
            log.exception("session %s failed unexpectedly", self.id)
            self.machine.end_with(*ending_of(error))
        self._finish()

    def _attach(self) -> PlayLoop:
        """Load the policy, take hold of the game, open the files, and get into play."""
        self.plan.make_folder()
        self.engine = self.plan.open_engine()
        self.plan = replace(self.plan, settings=self.plan.settings.of(self.engine.spec))
        self.engine.warm_up()
        self.mode = choose_mode(self.plan.settings, self.engine)
        self._tell_changed()
        self.machine.require_wanted()
        self.machine.game = game = self.plan.open_game(
            log=self.plan.folder / "game.log", cancelled=self.machine.cancelled
        )
        files, settings = self.files, self.plan.settings
        trace = files.open(game, self.engine, self.mode, settings, self._trace_failed)
        game.controls.on_release = self.events.released
        parts = Parts(game, self.engine, settings, self.guard, self.stats, trace, *files.takers,
                      self.events, self._tell_changed)  # fmt: skip
        self.machine.loop = loop = open_loop(self.mode, parts)
        epoch = game.controls.arm()
        self.machine.require_wanted()
        press_opening(game, epoch)
        if self.plan.before_play is not None:
            self.plan.before_play(game)
        game.controls.disarm()
        with self.machine.condition:
            self.machine.require_wanted()
            if self.machine.wanted is SessionState.PLAYING:
                self.machine.arm()
            else:
                self.machine.enter(self.machine.wanted)
        return loop

    def _until_playing(self, loop: PlayLoop) -> bool:
        """Wait until there is a chunk to play (True) or the session is to end (False)."""
        looked = float("-inf")
        self._tape.begin()
        while True:
            with self.machine.condition:
                if self.machine.ending is not None or self.state is SessionState.PLAYING:
                    return self.machine.ending is None
                self.machine.condition.wait(self._tape.tick(IDLE_CHECK_S))
            if time.monotonic() - looked >= IDLE_CHECK_S:
                looked = time.monotonic()
                loop.idle()
                if self.plan.people_only and self.recording.failed:
                    self.stop(self.recording.state.warning)

    def _play_round(self, loop: PlayLoop) -> None:
        """Play for a moment, or the one chunk that was asked for."""
        epoch = self.machine.controls.epoch
        if epoch != self.machine.step_epoch:
            loop.play_round()
            return
        if not loop.rest():
            return
        self._stepper = open_stepper(loop, self._stepper)
        before = loop.stats.chunks
        self._stepper.play_round()
        loop.waiting_for = self._stepper.waiting_for
        if loop.stats.chunks == before:
            return  # there was nothing to see
        with self.machine.condition:
            if self.machine.controls.epoch == epoch and self.state is SessionState.PLAYING:
                self.pause()

    def _finish(self) -> None:
        """Let go of everything, then say that it is over."""
        assert self.machine.ending is not None
        state, end = self.machine.ending
        if self.game is not None and (trouble := attempt(self.id, self.game.close)):
            state = SessionState.FAILED
            end = replace(end, reason=f"{end.reason}; and letting go: {trouble}")
        if self.loop is not None and (trouble := attempt(self.id, self.loop.close)):
            end = replace(end, reason=f"{end.reason}; and {trouble}")
        if self._stepper is not None:
            attempt(self.id, self._stepper.close)
        self.files.close(state, end, self.stats)
        # An engine that still computes is left alone: freeing it would crash.
        if self.engine is not None and not (self.loop and self.loop.computing):
            attempt(self.id, self.engine.close)
        log.info("session %s ended: %s", self.id, end.reason)
        self.end = end
        ask = self.plan.after_failure if state is SessionState.FAILED else None
        self.machine.finish(state, ask(self, end) if ask is not None else None)
