"""``InferenceWorker``: grabs frames and computes chunks in a thread of its own.

The session's thread sends an action every tick and must not wait for the policy, so it
submits a request and fetches the result when there is one.  One request at a time; the
frame is grabbed right before the inference, by a grabber that the thread opens for itself
and closes when it ends.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nitropilot.agent.errors import NothingToSee
from nitropilot.agent.play.deciding import grab_usable
from nitropilot.agent.play.freshness import SILENT_S
from nitropilot.agent.play.joining import make_prefix
from nitropilot.engines.errors import InferenceFailed
from nitropilot.mailbox import Mailbox
from nitropilot.policy.actions import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nitropilot.agent.play.deciding import Decider
    from nitropilot.agent.target.game import Game
    from nitropilot.agent.values import Decision
    from nitropilot.capture import Grabber, Window
    from nitropilot.engines.base import Array, Engine
    from nitropilot.records.timeline import TickGrid, Timeline

END_TIMEOUT_S = 30.0
"""How long the end of a session waits for an engine that is still computing."""


@dataclass(frozen=True, eq=False)
class InferenceRequest:
    """What the worker is to compute.

    Attributes:
        run: Number of the unbroken stretch of play.
        window: The window to grab.
        grid: Times of the ticks.
        plan: Raw actions by tick that are played meanwhile.
        target: The tick at which the new chunk is expected to take over.
    """

    run: int
    window: Window
    grid: TickGrid
    plan: Mapping[int, Array]
    target: int


@dataclass(frozen=True, eq=False)
class InferenceResult:
    """What the worker hands back.

    Attributes:
        request: What was asked for.
        ready: When it was done, in seconds of ``time.perf_counter``.
        decision: The chunk, and its frame; None with an ``error``.
        start: Tick of the chunk's first action.
        fixed: How many actions were fixed to those of the plan.
        pulled: How many more were drawn to them.
        grab_s: Seconds that the grab took.
        joined: Whether the chunk was made to fit the plan, as far as there was one.
        error: Why there is no decision.
    """

    request: InferenceRequest
    ready: float
    decision: Decision | None = None
    start: int = 0
    fixed: int = 0
    pulled: int = 0
    grab_s: float = 0.0
    joined: bool = False
    error: BaseException | None = None


class InferenceWorker:
    """One request at a time.  ``submit``, ``fetch`` and ``close`` are for one thread.

    Args:
        game: What to grab.
        engine: What decides; nobody else uses it before ``close``.
        decider: Turns frames into chunks with it.
        timeline: Says which ticks a chunk is for.

    Attributes:
        busy: Whether a request was submitted whose result was not fetched yet.
        submitted: When the last one was.
    """

    def __init__(self, game: Game, engine: Engine, decider: Decider, timeline: Timeline) -> None:
        self._timeline = timeline
        self.busy = False
        self._seeing = False
        self.submitted = 0.0
        self._game = game
        self._engine = engine
        self._decider = decider
        self._grabber: Grabber | None = None
        self._window: Window | None = None
        self._requests: Mailbox[InferenceRequest | None] = Mailbox()
        self._results: Mailbox[InferenceResult] = Mailbox()
        self._thread = threading.Thread(target=self._work, name="nitropilot-inference", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread, and so perhaps the engine, still runs."""
        return self._thread.is_alive()

    @property
    def stuck(self) -> bool:
        """Whether there was something to see, and nothing has come of it for long."""
        return self.busy and self._seeing and time.perf_counter() - self.submitted > SILENT_S

    @property
    def window(self) -> Window | None:
        """The window as it was when last looked at; from any thread."""
        grabber = self._grabber
        return None if grabber is None else grabber.window

    def submit(self, request: InferenceRequest) -> None:
        """Begin a request; the result of the one before must have been fetched."""
        assert not self.busy
        self.busy, self._seeing = True, False
        self.submitted = time.perf_counter()
        self._requests.put(request)

    def fetch(self, timeout: float = 0.0) -> InferenceResult | None:
        """The result of the last request, after at most ``timeout`` seconds; None if not yet."""
        try:
            result = self._results.get(timeout)
        except queue.Empty:
            return None
        self.busy = False
        return result

    def close(self) -> None:
        """End the thread.  Safe to call twice.

        Raises:
            InferenceFailed: The engine is still computing; it must not be closed.
        """
        self._requests.put(None)
        self._thread.join(END_TIMEOUT_S)
        if self._thread.is_alive():
            raise InferenceFailed(
                f"the policy has been computing for {time.perf_counter() - self.submitted:.0f} s",
                "it may hang: what it holds is free again when this program ends",
            )
        self.fetch()  # what nobody waited for holds a picture, and an ended session is kept
        self._decider.forget()

    def _work(self) -> None:
        try:
            while (request := self._requests.get()) is not None:
                self._results.put(self._answer(request))
        finally:
            self._close_grabber()

    def _answer(self, request: InferenceRequest) -> InferenceResult:
        try:
            return self._compute(request)
        except NothingToSee as why:
            return InferenceResult(request, time.perf_counter(), error=why)
        except BaseException as error:  # noqa: BLE001 - raised in the session's thread
            self._close_grabber()  # the window may be another one next time
            return InferenceResult(request, time.perf_counter(), error=error)

    def _compute(self, request: InferenceRequest) -> InferenceResult:
        began = time.perf_counter()
        frame = grab_usable(lambda: self._open_grabber(request.window).grab())
        grabbed, self._seeing = time.perf_counter(), True
        spec, tick = self._engine.spec, request.grid.running(frame.time)
        start = self._timeline.actions(tick).start
        prefix, fixed, pulled, joins = None, 0, 0, self._engine.joins
        if joins:
            prefix, fixed, pulled = make_prefix(
                request.plan, start, request.target - start, spec.horizon, spec.action_dim
            )
        decision = self._decider.decide(frame, request.run, tick, prefix)
        decode(decision.chunk.actions)  # what cannot be read must not be planned
        ready = time.perf_counter()
        return InferenceResult(
            request, ready, decision, start, fixed, pulled, grabbed - began, joins
        )

    def _open_grabber(self, window: Window) -> Grabber:
        """A grabber of this thread's own."""
        if self._grabber is None or self._window is not window:
            self._close_grabber()
            self._grabber, self._window = self._game.another_grabber(), window
            self._grabber.grab()  # the first one takes longer: it is no measure for the next
        return self._grabber

    def _close_grabber(self) -> None:
        grabber, self._grabber = self._grabber, None
        if grabber is not None:
            grabber.close()
