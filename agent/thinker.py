"""``Thinker``: looks at the game and decides in a thread of its own.

The session's thread sends an action every tick and must not wait for the policy, so it
asks the thinker for a look and fetches the thought when there is one.  One look at a
time; the frame is grabbed right before the inference, by a grabber that the thread opens
for itself and closes when it ends.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.deciding import look
from agent.errors import NothingToSee
from agent.joining import make_prefix
from engines.errors import InferenceFailed
from policy.actions import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.deciding import Decider
    from agent.game import Game
    from agent.schedule import TickGrid
    from agent.values import Decision
    from capture import Grabber, Window
    from engines.base import Array, Engine

END_TIMEOUT_S = 30.0
"""How long the end of a session waits for an engine that is still computing."""


@dataclass(frozen=True, eq=False)
class Look:
    """What is asked of the thinker.

    Attributes:
        run: Number of the unbroken stretch of play.
        window: The window to look at.
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
class Thought:
    """What the thinker hands back.

    Attributes:
        look: What was asked.
        ready: When it was done, in seconds of ``time.perf_counter``.
        decision: The chunk, and its frame; None with an ``error``.
        start: Tick of the chunk's first action.
        fixed: How many actions were fixed to those of the plan.
        pulled: How many more were drawn to them.
        grab_s: Seconds that the grab took.
        joined: Whether the chunk was made to fit the plan, as far as there was one.
        error: Why there is no decision.
    """

    look: Look
    ready: float
    decision: Decision | None = None
    start: int = 0
    fixed: int = 0
    pulled: int = 0
    grab_s: float = 0.0
    joined: bool = False
    error: BaseException | None = None


class Thinker:
    """One look at a time.  ``ask``, ``fetch`` and ``close`` are for one thread.

    Args:
        game: What to look at.
        engine: What decides; nobody else uses it before ``close``.
        decider: Turns frames into chunks with it.

    Attributes:
        busy: Whether a look was asked for whose thought was not fetched yet.
        asked: When the last look was asked for.
    """

    def __init__(self, game: Game, engine: Engine, decider: Decider) -> None:
        self.busy = False
        self.asked = 0.0
        self._game = game
        self._engine = engine
        self._decider = decider
        self._grabber: Grabber | None = None
        self._window: Window | None = None
        self._looks: queue.SimpleQueue[Look | None] = queue.SimpleQueue()
        self._thoughts: queue.SimpleQueue[Thought] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="nitropilot-thinker", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread, and so perhaps the engine, still runs."""
        return self._thread.is_alive()

    @property
    def window(self) -> Window | None:
        """The window as it was when last looked at; from any thread."""
        grabber = self._grabber
        return None if grabber is None else grabber.window

    def ask(self, wanted: Look) -> None:
        """Begin a look; the one before must have been fetched."""
        assert not self.busy
        self.busy = True
        self.asked = time.perf_counter()
        self._looks.put(wanted)

    def fetch(self, timeout: float = 0.0) -> Thought | None:
        """The thought of the last look, after at most ``timeout`` seconds; None if not yet."""
        try:
            thought = self._thoughts.get(timeout > 0, max(timeout, 0.0))
        except queue.Empty:
            return None
        self.busy = False
        return thought

    def close(self) -> None:
        """End the thread.  Safe to call twice.

        Raises:
            InferenceFailed: The engine is still computing; it must not be closed.
        """
        self._looks.put(None)
        self._thread.join(END_TIMEOUT_S)
        if self._thread.is_alive():
            raise InferenceFailed(
                f"the policy has been computing for {time.perf_counter() - self.asked:.0f} s",
                "it may hang: what it holds is free again when this program ends",
            )
        self._decider.forget()

    def _work(self) -> None:
        try:
            while (wanted := self._looks.get()) is not None:
                self._thoughts.put(self._think(wanted))
        finally:
            self._close_grabber()

    def _think(self, wanted: Look) -> Thought:
        try:
            return self._decide(wanted)
        except NothingToSee as why:
            return Thought(wanted, time.perf_counter(), error=why)
        except BaseException as error:  # noqa: BLE001 - raised in the session's thread
            self._close_grabber()  # the window may be another one next time
            return Thought(wanted, time.perf_counter(), error=error)

    def _decide(self, wanted: Look) -> Thought:
        began = time.perf_counter()
        frame = look(lambda: self._eyes(wanted.window).grab())
        grabbed = time.perf_counter()
        spec, start = self._engine.spec, wanted.grid.nearest(frame.time)
        prefix, fixed, pulled, joins = None, 0, 0, self._engine.joins
        if joins:
            prefix, fixed, pulled = make_prefix(
                wanted.plan, start, wanted.target - start, spec.horizon, spec.action_dim
            )
        decision = self._decider.decide(frame, wanted.run, prefix)
        decode(decision.chunk.actions)  # what cannot be read must not be planned
        ready = time.perf_counter()
        return Thought(wanted, ready, decision, start, fixed, pulled, grabbed - began, joins)

    def _eyes(self, window: Window) -> Grabber:
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
