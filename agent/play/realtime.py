"""The play loop in real-time mode: the game never stops.

One thread (the session's) sends an action every tick; another (``agent.play.worker``) grabs
and decides.  A chunk's first action is for the tick of its frame, the next for the tick
after, and so on (``agent.play.schedule``); what comes too late is dropped, never played late.
So that a new chunk goes on where the one before has led to meanwhile, it is joined to it
(``agent.play.joining``).

A tick that no action is there for has the pad neutral: a policy that hangs or is too slow
must not leave a stick pushed.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import TYPE_CHECKING

from nitropilot.agent.errors import NothingToSee
from nitropilot.agent.play.deciding import Decider
from nitropilot.agent.play.loop import HOLD_S, PlayLoop
from nitropilot.agent.play.pacing import wait_until
from nitropilot.agent.play.request_timer import PREPARE_S, RequestTimer
from nitropilot.agent.play.schedule import Schedule, TickGrid
from nitropilot.agent.play.worker import InferenceRequest, InferenceResult, InferenceWorker
from nitropilot.agent.target.controls import NO_EPOCH
from nitropilot.agent.values import ChunkRow, PadSample
from nitropilot.capture.errors import WindowVanished
from nitropilot.controller.state import NEUTRAL

if TYPE_CHECKING:
    from nitropilot.agent.play.loop import Parts
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
SILENT_S = 1.0
"""How long nothing was there to play until that is said."""
STARVED_S = 5.0
STARVED_SHARE = 0.8
"""Below this share of fresh ticks over ``STARVED_S`` paused mode plays better."""
SILENT = (
    f"nothing to play for {SILENT_S:g} s: the policy hangs or is too slow for real time; "
    "paused mode waits for it"
)


class RealtimeLoop(PlayLoop):
    """Plays tick by tick while a worker prepares the next chunk.

    Args:
        parts: What to play with.
        gives_up: Whether ``starved`` may ask for another mode.
    """

    def __init__(self, parts: Parts, gives_up: bool = False) -> None:
        super().__init__(parts)
        hz, horizon = parts.settings.action_hz, parts.engine.spec.horizon
        self._gives_up = gives_up
        self._worker = InferenceWorker(
            parts.game, parts.engine, Decider(parts.engine, parts.settings)
        )
        self._schedule = Schedule()
        self._timer = RequestTimer(
            parts.settings.actions_per_chunk or -(-horizon // REQUESTS_PER_CHUNK)
        )
        self._rows: deque[ChunkRow] = deque()
        self._recent: deque[bool] = deque(maxlen=max(round(STARVED_S * hz), 1))
        self._run = self._gap = 0
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
            f"only {self._share():.0%} of the actions of the last {STARVED_S:g} s came in time, "
            f"and a chunk took up to {self._timer.delay * 1000:.0f} ms"
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
            self._end_gap()
        finally:
            self._worker.close()

    def _begin(self, epoch: int) -> None:
        """A new stretch of play: nothing of before is played or remembered."""
        now = time.perf_counter()
        self._epoch = epoch
        self._run += 1
        self._grid = TickGrid(now, self.settings.action_hz)
        self._tick = 0
        self._timer.begin(now)
        self._blind = False
        self._recent.clear()
        self._drop_plan()
        self._end_gap()

    def _break_off(self) -> None:
        self._begin(NO_EPOCH)

    def _round(self, epoch: int) -> None:
        if epoch == NO_EPOCH:
            return
        if epoch != self._epoch:
            self._begin(epoch)
        self.game.controls.watchdog.check()  # nobody else would let go if we died
        end = time.perf_counter() + ROUND_S
        while not self.starved and time.perf_counter() < end:
            if not self._play_tick():
                self._drop_plan()
                return
            self._write_finished()

    def _play_tick(self) -> bool:
        """Wait for the next tick and send what is for it; False when the controls were let go."""
        self._wait_for_tick()
        missed = self._grid.running(time.perf_counter()) - self._tick
        if missed > 0:  # we were held up: what was for then is not played now
            self._tick += missed
            self._count(missed, fresh=False)
        due = self._grid.due(self._tick)
        planned = self._schedule.take(self._tick)
        state = NEUTRAL if planned is None else self._read(planned.action[None])[0]
        wait_until(due)
        if self._grid.running(time.perf_counter()) > self._tick:
            return True  # held up again: this tick counts as missed next time
        if planned is None:
            if not self._rest(self._epoch):
                return False
            sample = PadSample(NEUTRAL, source="none")
        else:
            if not self._press(state, due, self._epoch, planned.row, planned.number):
                return False
            state = planned.row.states[-1]
            planned.row.facts["rows"].append(planned.number)
            row = planned.row
            sample = PadSample(state, row.sent[-1], "agent", row.number, planned.number)
        self._count(1, fresh=planned is not None)
        if not self._blind:
            self._record(sample)
        self._tick += 1
        return True

    def _wait_for_tick(self) -> None:
        """Request, and take in what was computed, until it is nearly time for the next tick."""
        end = self._grid.due(self._tick) - PREPARE_S
        wait = 0.0
        while True:
            self._take_in(wait - WAKE_S)
            now = time.perf_counter()
            if not self._worker.busy and self._timer.at <= now:
                self._request(now)
            wait = end - now
            if not self._worker.busy:
                wait = min(wait, self._timer.at - now)
            if wait <= 0:
                return
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
        self._end_gap()
        self._drop_plan()
        self._blind = True
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
            facts={"rows": [], "fixed": result.fixed, "pulled": result.pulled},
        )
        self._rows.append(row)
        if not here:
            row.facts.update(dropped=0, faded=0)
            self._tell_chunk(row, len(decision.chunk.actions))
            return
        fading = 0 if result.joined else self._timer.period
        now = max(self._tick, self._grid.running(time.perf_counter()))
        dropped, faded = self._schedule.put(row, result.start, now, fading)
        row.facts.update(dropped=dropped, faded=faded)
        self._tell_chunk(row, dropped)
        self.stats.actions_dropped += dropped
        self._blind = False
        if dropped == len(decision.chunk.actions):
            self.stats.chunks_dropped += 1
        else:
            self._see()
        if not self._starving:
            self._timer.follow(time.perf_counter(), self._grid, self._schedule.end)

    def _count(self, ticks: int, fresh: bool) -> None:
        """Note what became of the last ticks; those with nothing to see do not count."""
        if self._blind:
            return
        self.stats.ticks += ticks
        self.stats.fresh += ticks * fresh
        self._recent.extend([fresh] * min(ticks, self._recent.maxlen or ticks))
        if fresh:
            self._end_gap()
            return
        long = max(SILENT_S * self.settings.action_hz, 2)  # the first tick is always too soon
        if self._gap < long <= self._gap + ticks:
            self._wait_for(SILENT)
        self._gap += ticks

    def _end_gap(self) -> None:
        if self._gap:
            self.trace.event("gap", ticks=self._gap)
        self._gap = 0

    @property
    def _starving(self) -> bool:
        full = len(self._recent) == self._recent.maxlen
        return self._gives_up and full and self._share() < STARVED_SHARE

    def _share(self) -> float:
        return sum(self._recent) / len(self._recent)

    def _drop_plan(self) -> None:
        """Nothing that was planned will be played: write down what was."""
        self._schedule.clear()
        self._write_finished()

    def _write_finished(self) -> None:
        """Write down the chunks that nothing is planned of any more."""
        planned = self._schedule.rows
        while self._rows and self._rows[0].number not in planned:
            self.trace.chunk(self._rows.popleft())
