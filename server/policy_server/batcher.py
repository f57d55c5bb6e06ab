"""``Batcher``: one thread that owns the engine and computes many clients' requests together.

Each client has at most one request waiting: a newer one takes its place in the queue, as
nobody wants the answer to an old picture.  The queue is served from its front, so a client
that was just served is behind all others, and none starves however many ask.

A batch takes what is there.  It waits a little, at most half as long as the last one took,
for clients that are known to come back at once: without that, clients that were served
together would be computed in two halves for ever.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.engines.base import Request
from nitropilot.errors import NitroPilotError
from nitropilot.server.errors import ServerError, ShuttingDown, Superseded

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from nitropilot.engines.base import ActionChunk, Array, Engine

log = logging.getLogger("nitropilot.policy_server")

LONGEST_WAIT_S = 0.02
WAIT_SHARE = 0.5
"""Of the time that the last batch took."""
WARM_UP_S = 10.0
"""After so long no further batch size is tried before the first client."""
END_S = 5.0
"""How long the end waits for a batch that is being computed."""


@dataclass(frozen=True, eq=False)
class Done:
    """A request that was computed.

    Attributes:
        chunk: The actions.
        queued: Seconds in the queue.
        computed: Seconds of its batch.
        batch: Requests in its batch.
    """

    chunk: ActionChunk
    queued: float
    computed: float
    batch: int


@dataclass(eq=False)
class _Job:
    client: Hashable
    request: Request
    future: asyncio.Future[Done]
    asked: float = field(default_factory=time.perf_counter)


@dataclass
class _ClientTiming:
    """When a client was last answered, and how soon it came back the time before."""

    answered: float
    returned_after: float = float("inf")


Outcome = tuple[_Job, Done | NitroPilotError]


class Batcher:
    """``submit``, ``forget`` and ``stop`` are for the event loop's thread.

    Args:
        engine: What computes; only this object's thread uses it from now on.
        max_batch: Most requests at once, if the engine takes as many.
        loop: The event loop that answers go to.
    """

    def __init__(self, engine: Engine, max_batch: int, loop: asyncio.AbstractEventLoop) -> None:
        self.max_batch = min(max_batch, engine.max_batch)
        self.ready: asyncio.Future[None] = loop.create_future()
        self._engine = engine
        self._loop = loop
        self._changed = threading.Condition()
        self._waiting: dict[Hashable, _Job] = {}
        self._timings: dict[Hashable, _ClientTiming] = {}
        self._last_s = 0.0
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="nitropilot-batcher", daemon=True)
        self._thread.start()

    def submit(self, client: Hashable, request: Request) -> asyncio.Future[Done]:
        """Put a request into the queue, in place of an older one of the same client.

        Returns:
            What gets the answer, or raises ``Superseded``, ``ShuttingDown`` or what the
            engine raised.
        """
        job = _Job(client, request, self._loop.create_future())
        with self._changed:
            older = self._waiting.get(client)
            self._waiting[client] = job  # an existing key keeps its place
            timing = self._timings.get(client)
            if timing is not None and older is None:
                timing.returned_after = job.asked - timing.answered
            if self._closed:
                del self._waiting[client]
                _settle(job, ShuttingDown("the policy server is ending", "try another one"))
            self._changed.notify()
        if older is not None:
            _settle(older, Superseded("a newer observation came first"))
        return job.future

    def forget(self, client: Hashable) -> None:
        """The client has gone: nothing of it is computed any more."""
        with self._changed:
            self._waiting.pop(client, None)
            self._timings.pop(client, None)
            self._changed.notify()

    def stop(self) -> None:
        """Refuse what waits and what comes; what is computed is finished, and answered."""
        with self._changed:
            self._closed = True
            waiting = list(self._waiting.values())
            self._waiting.clear()
            self._changed.notify()
        for job in waiting:
            _settle(job, ShuttingDown("the policy server is ending", "try another one"))

    async def ended(self) -> bool:
        """After ``stop``: whether the thread has ended; False when the engine still computes."""
        await asyncio.to_thread(self._thread.join, END_S)
        return not self._thread.is_alive()

    # What follows runs in the thread.

    def _work(self) -> None:
        try:
            self._warm_up()
        except Exception as error:  # noqa: BLE001 - raised by whoever waits for ``ready``
            self._tell(_fail, self.ready, error)
            return
        self._tell(_succeed, self.ready)
        while jobs := self._take():
            outcomes = self._compute(jobs)
            answered = time.perf_counter()
            with self._changed:
                for job in jobs:
                    if job.client in self._timings:
                        self._timings[job.client].answered = answered
            self._tell(_settle_all, outcomes)

    def _tell(self, act: object, *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(act, *arguments)  # type: ignore[arg-type]
        except RuntimeError:  # the loop has ended, and with it everyone who could listen
            log.debug("nobody is left to answer")

    def _warm_up(self) -> None:
        """Run every size of batch once: many engines prepare a size when they first meet it."""
        spec, began = self._engine.spec, time.perf_counter()
        grey: Array = np.zeros((spec.frames, 3, spec.image_size, spec.image_size), np.float32)
        noise = self._engine.draw_noise(np.random.default_rng(0))
        for size in dict.fromkeys((1, self.max_batch, *range(2, self.max_batch))):
            self._engine.infer_batch([Request(grey, noise)] * size)
            if time.perf_counter() - began > WARM_UP_S:
                return

    def _take(self) -> list[_Job]:
        """The next batch; empty at the end."""
        with self._changed:
            while not self._closed:
                if not self._waiting:  # or not any more: whoever asked may have gone since
                    self._changed.wait()
                elif (wait := self._worth_waiting()) > 0:
                    self._changed.wait(wait)
                else:
                    break
            clients = list(self._waiting)[: self.max_batch]
            jobs = [self._waiting.pop(client) for client in clients]
            for client in clients:
                self._timings.setdefault(client, _ClientTiming(time.perf_counter()))
            return jobs

    def _worth_waiting(self) -> float:
        """Seconds until nobody else is expected to join this batch; 0 for a full one."""
        if len(self._waiting) >= self.max_batch:
            return 0.0
        patience = min(WAIT_SHARE * self._last_s, LONGEST_WAIT_S)
        now = time.perf_counter()
        expected = [
            timing.answered + patience - now
            for client, timing in self._timings.items()
            if client not in self._waiting and timing.returned_after <= patience
        ]
        return max(expected, default=0.0)

    def _compute(self, jobs: Sequence[_Job]) -> list[Outcome]:
        began = time.perf_counter()
        try:
            chunks = self._engine.infer_batch([job.request for job in jobs])
        except Exception as error:  # noqa: BLE001 - must not reach the requests of others
            if len(jobs) > 1:
                log.info("a batch of %d failed (%s): one by one now", len(jobs), error)
                return [outcome for job in jobs for outcome in self._compute([job])]
            return [(jobs[0], _known(error))]
        seconds = time.perf_counter() - began
        self._last_s = seconds
        return [
            (job, Done(chunk, began - job.asked, seconds, len(jobs)))
            for job, chunk in zip(jobs, chunks, strict=True)
        ]


def _known(error: Exception) -> NitroPilotError:
    """What a client may hear of an error; the log has the rest."""
    if isinstance(error, NitroPilotError):
        return error
    log.error("the engine failed unexpectedly", exc_info=error)
    return ServerError("the policy server made a mistake", "its log says more")


def _settle_all(outcomes: Sequence[Outcome]) -> None:
    for job, outcome in outcomes:
        _settle(job, outcome)


def _settle(job: _Job, outcome: Done | NitroPilotError) -> None:
    if job.future.done():  # its client has gone
        return
    if isinstance(outcome, Done):
        job.future.set_result(outcome)
    else:
        job.future.set_exception(outcome)
        job.future.exception()  # a client that has gone asks for none, which is no fault


def _succeed(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
