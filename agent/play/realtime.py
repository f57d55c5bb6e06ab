"""The play loop in real-time mode: the game never stops.

The game's hand sends an action every tick; one thread (the session's) hands it what is planned
and writes down what was sent; another (``agent.play.worker``) grabs and decides.  A chunk's
actions are for the ticks that ``records.timeline`` says (``agent.play.schedule``); what comes
too late is dropped, never played late.
So that a new chunk goes on where the one before has led to meanwhile, it is joined to it
(``agent.play.joining``).

A tick that no action is there for has the pad neutral: a policy that hangs or is too slow
must not leave a stick pushed.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.agent.errors import NothingToSee
from nitropilot.agent.play.deciding import Decider
from nitropilot.agent.play.freshness import STARVED_S, Freshness
from nitropilot.agent.play.loop import HOLD_S, PlayLoop
from nitropilot.agent.play.request_timer import PREPARE_S, RequestTimer
from nitropilot.agent.play.schedule import Schedule
from nitropilot.agent.play.worker import InferenceRequest, InferenceResult, InferenceWorker
from nitropilot.agent.values import ChunkRow, PadSample, new_stretch
from nitropilot.capture.errors import WindowVanished
from nitropilot.controller.hand.leases import NO_EPOCH
from nitropilot.controller.state import NEUTRAL
from nitropilot.records.timeline import TickGrid

if TYPE_CHECKING:
    from nitropilot.agent.play.loop import Parts
    from nitropilot.agent.play.schedule import Planned
    from nitropilot.agent.target.pressed import Pressed
    from nitropilot.capture import Window

ROUND_S = 0.25
"""How long a round lasts: how often the game is checked and the session has a say."""
WAKE_S = 0.03 if sys.platform == "win32" else 0.002
"""How late a wait for a result may come back; the rest of the way to a tick is slept."""
REQUESTS_PER_CHUNK = 4
"""Inferences in the time that a whole chunk plays, unless the player chose a number of actions.

A quarter of a chunk is 67 ms at 60 Hz.  More of them would answer a little sooner, but the
game needs the same processor or graphics card, and chunks that replace each other before
their overlap has faded change little."""
LOOK_S = 0.1
"""How often it is said, before a tick that is far off, that the plan is still wanted."""
LATE_S = 0.01
"""How long after a tick's end it may take until this thread hears that it was sent."""


class RealtimeLoop(PlayLoop):
    """Plays tick by tick while a worker prepares the next chunk.

    Args:
        parts: What to play with.
        gives_up: Whether ``starved`` may ask for another mode.
    """

    def __init__(self, parts: Parts, gives_up: bool = False) -> None:
        super().__init__(parts)
        hz, spec = parts.settings.hz, parts.engine.spec
        timeline = parts.settings.timeline(spec)
        self._gives_up = gives_up
        decider = Decider(parts.engine, parts.settings)
        self._worker = InferenceWorker(parts.game, parts.engine, decider, timeline)
        self._schedule = Schedule()
        each = parts.settings.actions_per_chunk or -(-spec.horizon // REQUESTS_PER_CHUNK)
        self._timer = RequestTimer(each, timeline.lead)
        self._rows: deque[ChunkRow] = deque()
        self._handed: dict[int, int] = {}
        self._freshness = Freshness(parts, hz, self._wait_for)
        self._run = 0
        self._begin(NO_EPOCH)

    @property
    def window(self) -> Window:
        """As the worker last saw it."""
        return self._worker.window or super().window

    @property
    def starved(self) -> str:
        """Why paused mode would be better; said only while the worker is at rest."""
        if not self._starving or self._worker.busy:
            return ""
        return (
            f"only {self._freshness.share:.0%} of the actions of the last {STARVED_S:g} s came in "
            f"time, and a chunk took up to {self._timer.delay * 1000:.0f} ms"
        )

    @property
    def computing(self) -> bool:
        """Whether the worker has not ended."""
        return self._worker.alive

    def rest(self) -> bool:
        """As ``PlayLoop``: wait for a result that is in the works, and play nothing of it."""
        if self._worker.busy:
            self._begin(NO_EPOCH)
            self._take_in(ROUND_S)
        return not self._worker.busy

    def close(self) -> None:
        """End the worker."""
        try:
            self._drop_plan()
            self._freshness.end_gap()
        finally:
            self._worker.close()

    def _begin(self, epoch: int) -> None:
        """A new stretch of play: nothing of before is played or remembered."""
        now = time.perf_counter()
        self._epoch = epoch
        self._run += 1
        self._stretch = new_stretch()
        self._grid = TickGrid(now, self.settings.hz)
        self._tick, self._blind = 0, False
        self.game.controls.begin_stretch()
        self._timer.begin(now)
        self._drop_plan()
        self._freshness.begin()

    def _break_off(self) -> None:
        self._begin(NO_EPOCH)

    def _round(self, epoch: int) -> None:
        if epoch == NO_EPOCH:
            return
        if epoch != self._epoch:
            self._begin(epoch)
        self.game.controls.check()
        end = time.perf_counter() + ROUND_S
        while not self.starved and time.perf_counter() < end:
            if not self._play_tick():
                self._drop_plan()
                return
            self._write_finished()

    def _play_tick(self) -> bool:
        """See a tick through, whose action the hand has; False when the controls were let go."""
        self._wait_for_tick()
        due = self._grid.due(self._tick)
        self._skip_forgotten()
        planned = self._schedule.take(self._tick)
        pressed: Pressed[Planned] | None = None
        if planned is not None:
            patience = due + self._grid.period + LATE_S
            pressed = self.game.controls.pressed(self._tick, patience, self._epoch)
            self._schedule.sent(self._tick, (pressed.tag if pressed else planned).action)
        else:
            time.sleep(max(due - time.perf_counter(), 0.0))
        if self.game.controls.epoch != self._epoch:
            return False
        if pressed is None:
            self.parts.events.released()
            sample = PadSample(NEUTRAL, due, source="none")
        else:
            row, number, began = pressed.tag.row, pressed.tag.number, pressed.began
            self._note(row, number, pressed)
            sample = PadSample(row.states[-1], pressed.at, "agent", row.number, number, began=began)
        if not self._blind:  # with nothing to see, a tick counts for nothing
            self._freshness.count(1, fresh=pressed is not None)
            self._record(replace(sample, stretch=self._stretch, tick=self._tick))
        self._tick += 1
        return True

    def _skip_forgotten(self) -> None:
        """Of ticks that are long over nothing was sent: no plan lasts so long."""
        over = self._grid.running(time.perf_counter()) - self._tick - self._schedule.length
        if over > 0:
            self._tick += over
            if not self._blind:
                self._freshness.count(over, fresh=False)

    def _hand_over(self) -> None:
        """What is planned, from the first tick that has not begun, is the hand's to send."""
        first = max(self._tick, self._grid.running(time.perf_counter()) + 1)
        steps = [(tick, one) for tick, one in self._schedule.planned if tick >= first]
        self._handed.update((one.row.number, tick) for tick, one in steps)
        if steps:
            states = self._read(np.stack([one.action for _, one in steps]))
            self.game.controls.plan(
                [
                    (tick, self._grid.due(tick), one, state)
                    for (tick, one), state in zip(steps, states, strict=True)
                ],
                self._grid.period,
                self._epoch,
            )

    def _wait_for_tick(self) -> None:
        """Request, and take in what was computed, until it is nearly time for the next tick."""
        end = self._grid.due(self._tick) - PREPARE_S
        wait = 0.0
        while True:
            self._take_in(wait - WAKE_S)
            self.game.controls.extend(self._epoch)
            now = time.perf_counter()
            if not self._worker.busy and self._timer.at <= now:
                self._request(now)
            wait = end - now
            if not self._worker.busy:
                wait = min(wait, self._timer.at - now)
            if wait <= 0:
                return
            wait = min(wait, LOOK_S)
            if wait <= WAKE_S:
                time.sleep(wait)

    def _request(self, now: float) -> None:
        target = self._timer.requested(now, self._grid)
        self._worker.submit(
            InferenceRequest(self._run, self.game.window, self._grid, self._schedule.plan(), target)
        )

    def _take_in(self, timeout: float) -> None:
        """Plan what the worker has computed, if it has, after at most ``timeout`` seconds."""
        result = self._worker.fetch(timeout)
        self._blind = self._blind and not self._worker.stuck
        if result is None:
            return
        here = result.request.run == self._run
        if isinstance(result.error, NothingToSee):
            if here:
                self._go_blind(str(result.error))
        elif isinstance(result.error, WindowVanished) and not here:
            pass  # it was another window's end
        elif result.error is not None:
            raise result.error
        else:
            self._accept(result, here)

    def _go_blind(self, why: str) -> None:
        """Rest at once, not only at the next tick, and request again soon."""
        self._rest(self._epoch)
        self._freshness.end_gap()
        self._drop_plan()
        self._blind, self._stretch = True, new_stretch()
        self._wait_for(why)
        self._timer.again(time.perf_counter() + HOLD_S)

    def _accept(self, result: InferenceResult, here: bool) -> None:
        """Plan a chunk, unless it belongs to a stretch of play that is over."""
        decision = result.decision
        assert decision is not None
        self._count_decision(decision)
        self._timer.learn(result.ready - decision.frame.time)
        row = ChunkRow(
            self.stats.chunks - 1,
            decision,
            {"grab": result.grab_s, **decision.chunk.seconds},
            moments={"ready": result.ready, "start": result.request.grid.due(result.start)},
            facts={"fixed": result.fixed, "pulled": result.pulled},
        )
        self._rows.append(row)
        if not here:
            row.facts.update(dropped=0, faded=0)
            self._tell_chunk(row, len(decision.chunk.actions))
            return
        fading = 0 if result.joined else self._timer.period
        now = max(self._tick, self._grid.running(time.perf_counter()) + 1)
        dropped, faded = self._schedule.put(row, result.start, now, fading)
        row.facts.update(dropped=dropped, faded=faded)
        self._hand_over()
        self._tell_chunk(row, dropped)
        self.stats.actions_dropped += dropped
        self._blind = False
        if dropped == len(decision.chunk.actions):
            self.stats.chunks_dropped += 1
        else:
            self._see()
        if not self._starving:
            self._timer.follow(time.perf_counter(), self._grid, self._schedule.end)

    @property
    def _starving(self) -> bool:
        return self._gives_up and self._freshness.poor

    def _drop_plan(self) -> None:
        """Nothing that was planned will be played: write down what was."""
        self._schedule.clear()
        self._handed.clear()
        self._write_finished()

    def _write_finished(self) -> None:
        """Write down the chunks of which nothing is planned or may be told by the hand."""
        planned = self._schedule.rows
        while self._rows and (number := self._rows[0].number) not in planned:
            if self._handed.get(number, -1) >= self._tick:
                return
            self._handed.pop(number, None)
            self.trace.chunk(self._rows.popleft())
